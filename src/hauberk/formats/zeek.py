"""Zeek logs onto the model: tab-separated with their own header, or one JSON object a line.

The header (``#separator``, ``#fields`` ...) says how to read what follows and may come again in one file. The log's type is that of
``#path``, of ``_path`` in JSON, of the file's name, or what its fields fit. Lines that cannot be read are skipped and counted;
compressed files are opened by the caller. Lines of columns that a labelling tool added behind the last field are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson

from hauberk.errors import InputError
from hauberk.formats.log_connection import Connection, rows
from hauberk.formats.log_message import Ends, Scribe
from hauberk.formats.log_record import LineProblem, Problems, Record
from hauberk.formats.zeek_conn import connection
from hauberk.formats.zeek_logs import ENDLESS, LOGS, Converter
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

_BY_FIELDS = (
    ("conn", frozenset({"conn_state"})),
    ("dns", frozenset({"query", "qtype"})),
    ("dns", frozenset({"trans_id", "rcode"})),
    ("http", frozenset({"method", "uri"})),
    ("http", frozenset({"status_code", "trans_depth"})),
    ("ssl", frozenset({"cipher", "established"})),
    ("ssl", frozenset({"server_name", "established"})),
    ("mqtt_connect", frozenset({"proto_name", "connect_status"})),
    ("mqtt_publish", frozenset({"from_client", "topic"})),
    ("mqtt_subscribe", frozenset({"action", "topics"})),
    ("dhcp", frozenset({"msg_types"})),
    ("ntp", frozenset({"stratum", "mode"})),
    ("modbus_detailed", frozenset({"func", "request_response"})),
    ("modbus", frozenset({"func", "id.orig_h"})),
    ("dnp3", frozenset({"fc_request"})),
    ("dnp3", frozenset({"fc_reply"})),
    ("s7comm", frozenset({"rosctr_code"})),
    ("cip", frozenset({"cip_service_code"})),
    ("enip", frozenset({"enip_command_code"})),
    ("bacnet", frozenset({"bvlc_function"})),
    ("ssh", frozenset({"auth_attempts"})),
    ("ftp", frozenset({"command", "reply_code"})),
)
"""Logs by fields that only they have."""
_NAMED = re.compile(r"(?:^|[^a-z0-9]|_(?=_)|__)(" + "|".join(sorted(["conn", *LOGS], key=len, reverse=True)) + r")(?![a-z0-9_])")
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
_ADDED = re.compile(r"   +|\t")
"""Between the last field and the columns that a labelling tool added."""
_ZEEK_KEYS = (b'"id.orig_h"', b'"_path"', b'"uid"', b'"uids"')
_OBJECT = (dict,)


def sniff(first_bytes: bytes) -> bool:
    """Whether a file that begins with these bytes is a Zeek log."""
    start = first_bytes.lstrip(b"\xef\xbb\xbf\r\n ")
    if start.startswith((b"#separator ", b"#fields\t")):
        return True
    if start.startswith(b"#"):
        return b"\n#fields" in start
    line = start.partition(b"\n")[0]
    return line.startswith(b"{") and b'"event_type"' not in line and b'"ts"' in line and any(key in line for key in _ZEEK_KEYS)


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)


class ZeekReader:
    """Reads one log, a part at a time. ``name`` is the file's; ``path`` the type of the log, once it is known.

    Memory does not grow with the file. ``ignored`` counts sound lines of logs that hold nothing for the model.
    """

    def __init__(self, name: str) -> None:
        self.path: str | None = None
        self.ignored = 0
        self._problems = Problems()
        self._by_name = _named(name)
        self._line = 0
        self._separator = "\t"
        self._set_separator = ","
        self._empty = "(empty)"
        self._unset = "-"
        self._fields: list[str] = []
        self._added = 0
        self._converter: Converter | None = None
        self._scribe = Scribe()
        self._latest = float("-inf")

    @property
    def problems(self) -> list[LineProblem]:
        """Why lines were skipped, one for each reason."""
        return self._problems.listed()

    @property
    def skipped(self) -> int:
        """Lines that could not be read."""
        return self._problems.skipped

    def feed(self, lines: Iterable[bytes]) -> Observations:
        """Observations of the next lines. Raises ``InputError`` where a tab-separated log has no header."""
        connections: list[Connection] = []
        transactions: list[Transaction] = []
        for line in lines:
            self._line += 1
            stripped = line.rstrip(b"\r\n")
            if not stripped:
                continue
            if stripped[:1] == b"#":
                self._directive(stripped.decode("utf-8", "replace"))
                continue
            if stripped[:1] != b"{" and not self._fields:
                raise InputError(f"line {self._line}: a Zeek log without a header (#fields)")
            try:
                record = self._record(stripped)
                self._take(record, connections, transactions)
            except InputError as error:
                self._problems.add(self._line, str(error))
        if not connections:
            return Observations(transactions=transactions, watermark=self._latest)
        activity, flows = rows(connections)
        return Observations(activity, flows, transactions=transactions, watermark=self._latest)

    def _take(self, record: Record, connections: list[Connection], transactions: list[Transaction]) -> None:
        if self.path == "conn":
            found = connection(record)
            connections.append(found)
            self._latest = max(self._latest, found.start * 1e-9)
            return
        if self._converter is None:
            self.ignored += 1
            return
        time = record.time("ts") * 1e-9
        ends = _ends(record, self.path in ENDLESS)
        transactions.extend([self._scribe.write(said, ends, time, self._line) for said in self._converter(record)])
        self._latest = max(self._latest, time)

    def _directive(self, line: str) -> None:
        """One line of the header."""
        if line.startswith("#separator"):
            self._separator = _unescape(line[len("#separator") :].strip(" ")) or "\t"
            return
        key, _, value = line.partition(self._separator)
        if key == "#set_separator":
            self._set_separator = _unescape(value) or ","
        elif key == "#empty_field":
            self._empty = value
        elif key == "#unset_field":
            self._unset = value
        elif key == "#path":
            self._settle(value)
        elif key == "#fields":
            self._fields = value.split(self._separator)
            *_, last = self._fields
            first_of_last, *added = _ADDED.split(last)
            self._fields[-1] = first_of_last
            self._added = len(added)
            if self.path is None:
                self._settle(self._by_name or _fitting(self._fields))

    def _settle(self, path: str | None) -> None:
        self.path = path
        self._converter = LOGS.get(path) if path is not None else None

    def _record(self, line: bytes) -> Record:
        """The fields of a line. Raises ``InputError``."""
        if line[:1] == b"{":
            return self._json(line)
        try:
            values = line.decode("utf-8").split(self._separator)
        except UnicodeDecodeError:
            values = line.decode("latin-1").split(self._separator)
        fields = self._fields
        if len(values) < len(fields):
            raise InputError("too few fields")
        if self._added or len(values) > len(fields):
            values[len(fields) - 1] = _ADDED.split(values[len(fields) - 1], maxsplit=1)[0]
        unset, empty = self._unset, self._empty
        read: dict[str, object] = {}
        for name, value in zip(fields, values, strict=False):
            if value == unset:
                continue
            if "\\x" in value:
                read[name] = _unescape(value)
            else:
                read[name] = "" if value == empty else value
        return Record(read, self._set_separator)

    def _json(self, line: bytes) -> Record:
        try:
            values = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError("not a JSON object") from error
        if not isinstance(values, dict):
            raise InputError("not a JSON object")
        path = values.get("_path")
        if isinstance(path, str):
            if path != self.path:
                self._settle(path)
        elif self.path is None:
            self._settle(self._by_name or _fitting(values))
        return Record(values)


def _named(name: str) -> str | None:
    """The log type in a file's name, as ``conn.log``, ``dns.00:00:00-01:00:00.log.gz`` or ``test__modbus.log``."""
    base = name.replace("\\", "/").rpartition("/")[2].lower()
    found = _NAMED.findall(base)
    return found[-1] if found else None


def _fitting(fields: Iterable[str]) -> str | None:
    present = set(fields)
    return next((path for path, needed in _BY_FIELDS if needed <= present), None)


def _ends(record: Record, endless: bool) -> Ends:  # noqa: FBT001 - a property of the log
    a, b = record.text("id.orig_h"), record.text("id.resp_h")
    if a is None or b is None:
        if not endless:
            raise InputError("no addresses")
        return Ends(a or "", None, b or "", None)
    return Ends(a, record.whole("id.orig_p"), b, record.whole("id.resp_p"))
