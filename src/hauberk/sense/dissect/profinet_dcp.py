"""PROFINET DCP, which finds, names and addresses field devices (IEC 61158-6-10 clause 4.3, EtherType 0x8892).

``object`` is what a message is about: the options as ``device/name_of_station``, ``ip/ip_parameter`` or ``control/factory_reset``,
joined by commas; a filter of an identify request adds its value (``device/name_of_station=plc-1``). ``value`` holds what was set or
told. Anyone on the segment may set: there is no authentication, so every set is a write. Cyclic data of the same EtherType is
passed over.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.profinet_dcp_names import BLOCK_ERRORS, CONTROL, DEVICE, IP, MANUFACTURERS, RESPONSE, ROLES, option_name
from hauberk.sense.dissect.reader import text

NAME = "profinet_dcp"
ETHERTYPE = 0x8892

_FRAME_IDS = range(0xFEFC, 0xFF00)
_HEADER = Struct(">HBBIHH")
_BLOCK = Struct(">BBH")
_ADDRESSES = Struct(">4B4B4B")
_GET, _SET, _IDENTIFY, _HELLO = 3, 4, 5, 6
_OPERATIONS = {_GET: "get", _SET: "set", _IDENTIFY: "identify", _HELLO: "hello"}
_REQUEST, _SUCCESS, _UNSUPPORTED = 0, 1, 5
_ROLES: dict[int, Role] = {_REQUEST: "request", _SUCCESS: "response", _UNSUPPORTED: "response"}
_DHCP = 3


class _Block(NamedTuple):
    option: int
    suboption: int
    body: bytes
    """Without qualifier or information."""


class ProfinetDcp(StatelessSession):
    """DCP between two stations, or one station and all."""

    __slots__ = ("_pending",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._pending: dict[int, str | None] = {}

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message says its direction
        """The DCP message after the EtherType; nothing for other PROFINET frames. Raises ``Malformed``."""
        if len(pdu) < 2:
            raise Malformed("a PROFINET frame is cut off")
        if (pdu[0] << 8 | pdu[1]) not in _FRAME_IDS:
            return []
        if len(pdu) < _HEADER.size:
            raise Malformed("a DCP header is cut off")
        _, service, kind, transaction, _, size = _HEADER.unpack_from(pdu)
        operation = _OPERATIONS.get(service) or f"service_{service}"
        role = _ROLES.get(kind & 0x07, "response" if kind & 1 else "request")
        write = service == _SET
        end = _HEADER.size + size
        if end > len(pdu):
            return [Message(NAME, role, operation, service, None, None, MALFORMED, write)]
        try:
            blocks = _blocks(pdu, end, service, role, self.limits.items)
        except Malformed:
            return [Message(NAME, role, operation, service, None, None, MALFORMED, write)]
        status = "not_supported" if kind & 0x07 == _UNSUPPORTED else OK
        if role == "response" and service in {_SET, _GET}:
            status = _refused(blocks) or status
        target = ",".join(_label(block, service, role, self.limits) for block in blocks if not _answers(block)) or None
        if role == "request":
            if len(self._pending) >= self.limits.pending:
                del self._pending[next(iter(self._pending))]
            self._pending[transaction] = target
        elif target is None:
            target = self._pending.get(transaction) or ",".join(_answered(block) for block in blocks) or None
        value = None if service == _IDENTIFY and role == "request" else _value(blocks, self.limits)
        hints = _hints(blocks, self.limits) if role == "response" or service == _HELLO else ()
        return [Message(NAME, role, operation, service, target, value, status, write, hints)]


def _blocks(pdu: bytes, end: int, service: int, role: Role, most: int) -> list[_Block]:
    """The blocks of a message. A get request lists options only; answers, hellos and sets put two bytes before the contents."""
    at = _HEADER.size
    found: list[_Block] = []
    if service == _GET and role == "request":
        return [_Block(pdu[place], pdu[place + 1], b"") for place in range(at, end - 1, 2)][:most]
    lead = 0 if service == _IDENTIFY and role == "request" else 2
    while at + _BLOCK.size <= end and len(found) < most:
        option, suboption, size = _BLOCK.unpack_from(pdu, at)
        start = at + _BLOCK.size
        if start + size > end:
            raise Malformed(f"a DCP block of {size} bytes, {end - start} there")
        skip = 0 if (option, suboption) == RESPONSE else min(lead, size)
        found.append(_Block(option, suboption, pdu[start + skip : start + size]))
        at = start + size + (size & 1)
    return found


def _answers(block: _Block) -> bool:
    return (block.option, block.suboption) == RESPONSE and len(block.body) >= 3


def _answered(block: _Block) -> str:
    return option_name(block.body[0], block.body[1])


def _refused(blocks: list[_Block]) -> str | None:
    """The first error among the answers to the blocks of a request."""
    for block in blocks:
        if _answers(block) and block.body[2]:
            return BLOCK_ERRORS.get(block.body[2]) or f"block_error_{block.body[2]}"
    return None


def _label(block: _Block, service: int, role: Role, limits: Limits) -> str:
    name = option_name(block.option, block.suboption)
    if service != _IDENTIFY or role != "request":
        return name
    told = _told(block, limits)
    return name if told is None else f"{name}={told}"


def _value(blocks: list[_Block], limits: Limits) -> Value:
    found: list[Scalar] = [told for block in blocks if not _answers(block) and (told := _told(block, limits)) is not None]
    return found[0] if len(found) == 1 else tuple(found) or None


def _told(block: _Block, limits: Limits) -> Scalar:
    """What a block holds, in words; None for an empty one."""
    body = block.body
    if not body:
        return None
    if block.option == IP:
        return _addresses(block)
    if block.option == DEVICE:
        return _device(block, limits)
    if block.option in {CONTROL, _DHCP} and (block.option, block.suboption) != (_DHCP, 12):
        return body[: limits.text // 2].hex()
    return text(body, limits.text) if body.isascii() and body.rstrip(b"\x00").decode("ascii").isprintable() else body[:64].hex()


def _addresses(block: _Block) -> str:
    """Address, mask and gateway, or a hardware address."""
    if block.suboption in {2, 3} and len(block.body) >= _ADDRESSES.size:
        parts = _ADDRESSES.unpack_from(block.body)
        return " ".join(".".join(map(str, parts[at : at + 4])) for at in (0, 4, 8))
    return block.body[:6].hex(":")


def _device(block: _Block, limits: Limits) -> Scalar:
    """Properties of the device."""
    body, suboption = block.body, block.suboption
    if suboption == 3 and len(body) >= 4:
        return f"0x{body[:2].hex()}:0x{body[2:4].hex()}"
    if suboption == 4:
        return ",".join(name for bit, name in ROLES.items() if body[0] & bit) or body[0]
    if suboption == 5:
        return " ".join(option_name(body[at], body[at + 1]) for at in range(0, min(len(body) - 1, 2 * limits.items), 2))
    return text(body, limits.text) if suboption in {1, 2, 6} else body[:64].hex()


def _hints(blocks: list[_Block], limits: Limits) -> tuple[Hint, ...]:
    """What a device says of itself."""
    hints: list[Hint] = []
    for block in blocks:
        told = _told(block, limits)
        if told is None or not isinstance(told, str) or not told:
            continue
        key = (block.option, block.suboption)
        if key == (DEVICE, 1):
            hints.append(Hint(HintKey.MODEL, told))
        elif key == (DEVICE, 2):
            hints.append(Hint(HintKey.HOSTNAME, told))
        elif key == (DEVICE, 3) and (vendor := MANUFACTURERS.get(int.from_bytes(block.body[:2], "big"))) is not None:
            hints.append(Hint(HintKey.VENDOR, vendor))
        elif key == (DEVICE, 4):
            hints.extend(Hint(HintKey.ROLE, f"profinet.{role}") for role in told.split(","))
        elif block.option == IP and block.suboption in {2, 3} and not told.startswith("0.0.0.0 "):
            hints.append(Hint(HintKey.IP, told.split(" ", 1)[0]))
    return tuple(hints)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score that this is PROFINET: certain of DCP, likely for cyclic and alarm frames that may come before it."""
    if len(data) < 4:
        return NO
    frame_id = data[0] << 8 | data[1]
    if frame_id in _FRAME_IDS:
        if len(data) < _HEADER.size:
            return NO
        _, service, kind, _, _, size = _HEADER.unpack_from(data)
        return CERTAIN if service in _OPERATIONS and kind & 0x07 in _ROLES and _HEADER.size + size <= len(data) else NO
    return LIKELY if 0x0100 <= frame_id < 0xFC00 or frame_id in {0xFC01, 0xFE01, 0xFE02} else NO


DISSECTORS = (Dissector(NAME, "ethernet", (ETHERTYPE,), recognise, ProfinetDcp, ot=True),)
