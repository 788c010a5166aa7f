"""S7comm, the protocol of SIMATIC S7-200, 300 and 400 controllers (and of later ones for compatibility), inside ISO on TCP.

Siemens publishes no standard. ``object`` is an address in STEP 7's words without blanks (``s7comm_address``), a block (``OB1``), a
PI service with its argument (``_INSE:OB1``), a system status list (``szl/0x0011/0x0000``) or a diagnostic event (``event/0x4304``).
It reads what one transport service data unit holds; ``iso_on_tcp`` delivers those. A session password is never read.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Value
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text
from hauberk.sense.dissect.s7comm_address import Item, file_of, items, program_service
from hauberk.sense.dissect.s7comm_names import (
    DOWNLOAD_BLOCK,
    DOWNLOAD_ENDED,
    END_UPLOAD,
    FUNCTIONS,
    PI_SERVICE,
    PLC_STOP,
    READ_VAR,
    REQUEST_DOWNLOAD,
    SETUP,
    START_UPLOAD,
    UPLOAD,
    WRITE_VAR,
    WRITES,
    error_name,
)
from hauberk.sense.dissect.s7comm_userdata import UserData
from hauberk.sense.dissect.s7comm_values import read_values, written_status

NAME = "s7comm"
PROTOCOL_ID = 0x32
JOB, ACK, ACK_DATA, USER_DATA = 1, 2, 3, 7
_KINDS = frozenset({JOB, ACK, ACK_DATA, USER_DATA})
_TELLING = frozenset({SETUP, READ_VAR, WRITE_VAR})
"""Functions that only a client asks for: in a download the controller asks, too."""

_HEADER = Struct(">xBHHHH")
_SERVER = (Hint(HintKey.ROLE, "s7comm.server"),)
_CLIENT = (Hint(HintKey.ROLE, "s7comm.client"),)
_FROM_CLIENT = 0x10000
"""Keeps jobs of both directions apart: during a download the controller asks, too."""


class _Job(NamedTuple):
    """What a job parameter says, the same for every job with the same parameter."""

    operation: str
    code: int | None
    object: str | None
    items: tuple[Item, ...]
    write: bool
    value: Value


def looks_like(data: bytes, at: int) -> bool:
    """True where an S7comm header with a known message kind and room for its parts begins at ``at``."""
    return len(data) >= at + 10 and data[at] == PROTOCOL_ID and data[at + 1] in _KINDS


class S7comm:
    """Reads S7comm messages of one conversation and remembers its open jobs and uploads."""

    __slots__ = ("_announced", "_limits", "_pending", "_uploads", "_user_data")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[int, _Job] = {}
        self._uploads: dict[bytes, str] = {}
        self._user_data = UserData(limits)
        self._announced = 0

    def read(self, data: bytes, at: int, to_responder: bool) -> list[Message]:
        """The message at ``at`` to the end of ``data``. Raises ``Malformed`` where not even its kind can be known."""
        if len(data) < at + 10:
            raise Malformed("an S7comm header is cut off")
        kind, _, reference, parameters, size = _HEADER.unpack_from(data, at)
        if kind not in _KINDS:
            raise Malformed(f"S7comm message kind {kind}")
        at += 12 if kind in {ACK, ACK_DATA} else 10
        split = at + parameters
        end = split + size
        if end > len(data):
            return [_broken(kind, data[at : at + 1], to_responder)]
        try:
            if kind == JOB:
                message = self._job(data, at, split, end, reference | (_FROM_CLIENT if to_responder else 0))
            elif kind == USER_DATA:
                message = self._user_data.read(data[at:split], data[split:end], reference, to_responder)
            else:
                message = self._answer(data, at, split, end, reference | (0 if to_responder else _FROM_CLIENT))
        except Malformed:
            return [_broken(kind, data[at : at + 1], to_responder)]
        return [message if self._announced == 3 else self._announce(message, kind)]

    def gap(self) -> None:
        """Forget fragments; open jobs are kept, their answers may still come."""
        self._user_data.gap()

    def _announce(self, message: Message, kind: int) -> Message:
        """Say once of each side what it is."""
        if message.role == "event" or (kind != USER_DATA and message.code not in _TELLING):
            return message
        side = 1 if message.role == "request" else 2
        if self._announced & side:
            return message
        self._announced |= side
        return message._replace(hints=message.hints + (_CLIENT if side == 1 else _SERVER))

    def _job(self, data: bytes, at: int, split: int, end: int, key: int) -> Message:
        job = _plan(data[at:split], self._limits.items)
        pending = self._pending
        if len(pending) >= self._limits.pending and key not in pending:
            del pending[next(iter(pending))]
        if job.code in {UPLOAD, END_UPLOAD}:
            upload = data[at + 4 : at + 8]
            job = job._replace(object=self._uploads.get(upload))
            if job.code == END_UPLOAD:
                self._uploads.pop(upload, None)
        pending[key] = job
        value = job.value
        if job.code == WRITE_VAR:
            value = read_values(data, split, end, job.items, self._limits)[0]
        return Message(NAME, "request", job.operation, job.code, job.object, value, OK, job.write)

    def _answer(self, data: bytes, at: int, split: int, end: int, key: int) -> Message:
        job = self._pending.pop(key, None)
        error = data[at - 2] << 8 | data[at - 1]
        status = error_name(error) if error else OK
        if at == split:
            operation = job.operation if job is not None else "ack"
            return Message(NAME, "response", operation, None, job and job.object, None, status, job is not None and job.write)
        code = data[at]
        if job is None or job.code != code:
            job = _Job(FUNCTIONS.get(code) or f"function_0x{code:02x}", code, None, (), code in WRITES, None)
        value: Value = None
        if code == READ_VAR and job.items and split < end:
            value, found = read_values(data, split, end, job.items, self._limits)
            status = found if status is OK else status
        elif code == WRITE_VAR and status is OK:
            status = written_status(data, split, end)
        elif code == SETUP and split - at >= 8:
            value = data[split - 2] << 8 | data[split - 1]
        elif code == START_UPLOAD and job.object is not None and split - at >= 8:
            if len(self._uploads) >= self._limits.pending:
                del self._uploads[next(iter(self._uploads))]
            self._uploads[data[at + 4 : at + 8]] = job.object
        return Message(NAME, "response", job.operation, code, job.object, value, status, job.write)


def _broken(kind: int, function: bytes, to_responder: bool) -> Message:
    code = function[0] if function and kind in {JOB, ACK_DATA} else None
    operation = "user_data" if kind == USER_DATA else "ack" if code is None else FUNCTIONS.get(code) or f"function_0x{code:02x}"
    request = kind == JOB or (kind == USER_DATA and to_responder)
    return Message(NAME, "request" if request else "response", operation, code, None, None, MALFORMED, code in WRITES)


@lru_cache(maxsize=4096)
def _plan(parameter: bytes, most: int) -> _Job:
    """What a job parameter means. Cached: pollers repeat theirs. Raises ``Malformed``."""
    if not parameter:
        return _Job("job", None, None, (), False, None)
    code = parameter[0]
    found: tuple[Item, ...] = ()
    target: str | None = None
    value: Value = None
    if code in {READ_VAR, WRITE_VAR}:
        if len(parameter) < 2:
            raise Malformed("a variable job without a count")
        found = items(parameter, 2, parameter[1], most)
        target = ",".join(item.label for item in found) or None
    elif code in {REQUEST_DOWNLOAD, DOWNLOAD_BLOCK, DOWNLOAD_ENDED, START_UPLOAD}:
        target = file_of(parameter, 8)
    elif code == PI_SERVICE:
        target = program_service(parameter)
    elif code == PLC_STOP and len(parameter) > 6:
        target = text(parameter[7 : 7 + parameter[6]], 32) or None
    elif code == SETUP and len(parameter) >= 8:
        value = parameter[6] << 8 | parameter[7]
    return _Job(FUNCTIONS.get(code) or f"function_0x{code:02x}", code, target, found, code in WRITES, value)
