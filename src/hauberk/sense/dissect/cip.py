"""CIP, the application layer of EtherNet/IP, DeviceNet and ControlNet: requests and responses to objects of a device.

Common Industrial Protocol, Volume 1, clauses 2-4 (message router protocol), 3-5 (connection manager) and appendix A (services).
Every service is one message: a Multiple Service Packet is followed by the services it holds, an Unconnected Send by the request
it carries. ``object`` has the form of ``cip_path`` (``identity/1/7``, ``Program:Main.Level[3]``) or of ``cip_pccc``; a response
carries the object of its request. Values of security objects are never kept. The carrier (``enip``) says which request a response
answers; there is no dissector of its own here.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, unpack_from
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint
from hauberk.model.transaction import MALFORMED, OK, Message, Value
from hauberk.sense.dissect.cip_names import (
    CLASS_SERVICES,
    COMMON_SERVICES,
    SECRET_CLASSES,
    STATUSES,
    TAG_SERVICES,
    WRITE_OPERATIONS,
    WRITE_SERVICES,
)
from hauberk.sense.dissect.cip_path import Path, decode
from hauberk.sense.dissect.cip_pccc import body_of, read_pccc
from hauberk.sense.dissect.cip_values import blob, identity, identity_attribute, identity_list, masks, tag_read, tag_written
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader

PROTOCOL: Final = "cip"

_MULTIPLE: Final = 0x0A
_PCCC: Final = "execute_pccc"
_ROUTED: Final = "unconnected_send"
_OPENS: Final = frozenset({"forward_open", "large_forward_open"})
_VALUED: Final = frozenset({0x02, 0x03, 0x04, 0x10})
_IDENTITY_CLASS: Final = 1
_PARTIAL_TRANSFER: Final = 6
_U16 = Struct("<H")
_OPEN_IDS = Struct("<II")


class Plan(NamedTuple):
    """What a service on a path means: computed once for each pair that is seen."""

    service: int
    operation: str
    path: Path
    write: bool
    request: Message
    answer: Message
    special: bool
    """True where the body of the request is read."""
    told: bool
    """True where the body of a good answer is read."""


class Request(NamedTuple):
    """A request that waits for its answer."""

    plan: Plan
    shown: str
    """The object, where it is more than the path says."""
    inner: tuple[Request, ...] = ()
    routed: bool = False
    """True where the answer comes from another device than the one addressed."""


class Opened(NamedTuple):
    """A connection that a Forward Open made: the identifiers of both directions, and whether it leads through a port."""

    to_target: int
    to_originator: int
    routed: bool


def _operation(service: int, path: Path) -> str:
    if service in COMMON_SERVICES:
        return COMMON_SERVICES[service]
    own = TAG_SERVICES if path.tag else CLASS_SERVICES.get(path.class_id or 0, {})
    return own.get(service) or f"service_0x{service:02x}"


@lru_cache(maxsize=4096)
def _plan(service: int, raw: bytes) -> Plan:
    path = decode(raw)
    operation = _operation(service, path)
    write = service in WRITE_SERVICES or operation in WRITE_OPERATIONS
    secret = path.class_id in SECRET_CLASSES
    tag = operation in TAG_SERVICES.values()
    special = (
        service == _MULTIPLE
        or operation in {_PCCC, _ROUTED}
        or operation in _OPENS
        or ((service in _VALUED or tag) and write and not secret)
        or (service == 0x03 and not secret)
    )
    told = (
        service == _MULTIPLE
        or operation == _PCCC
        or operation in _OPENS
        or (operation in {"read_tag", "read_tag_fragmented"})
        or (service in {0x01, 0x03} and path.class_id == _IDENTITY_CLASS)
        or (service == 0x0E and not secret)
    )
    request = Message(PROTOCOL, "request", operation, service, path.shown, None, OK, write)
    return Plan(service, operation, path, write, request, request._replace(role="response"), special, told)


@lru_cache(maxsize=4096)
def _pccc_request(service: int, raw: bytes, message: bytes, most: int) -> Request:
    """The request that carries this PCCC command: its messages say the function, and whether that writes."""
    plan, command = _plan(service, raw), read_pccc(message, most)
    request = plan.request._replace(object=command.shown, value=command.value, write=command.write)
    answer = plan.answer._replace(object=command.shown, write=command.write)
    return Request(plan._replace(request=request, answer=answer), command.shown)


class CipReader:
    """Reads the CIP messages of one conversation into ``out``, at most ``limits.messages`` of one carrier frame."""

    __slots__ = ("_told", "limits", "opened", "out")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.out: list[Message] = []
        self.opened: Opened | None = None
        """The connection the message just read has made; the carrier takes it and sets None."""
        self._told: tuple[Hint, ...] = ()

    def request(self, data: bytes, start: int, end: int, depth: int = 0) -> Request:
        """One request, and what it holds. Raises ``Malformed``."""
        if end - start < 2:
            raise Malformed("CIP request without a path")
        service, at = data[start], start + 2 + 2 * data[start + 1]
        if at > end:
            raise Malformed(f"CIP path of {at - start - 2} bytes, {end - start - 2} there")
        plan = _plan(service, data[start + 2 : at])
        if plan.special:
            if plan.operation == _PCCC:
                request = _pccc_request(service, data[start + 2 : at], body_of(data, at, end), self.limits.items)
                self.out.append(request.plan.request)
                return request
            return self._special(plan, data, at, end, depth)
        self.out.append(plan.request)
        return Request(plan, plan.path.shown)

    def response(self, data: bytes, start: int, end: int, request: Request | None, depth: int = 0) -> None:
        """One response, and what it holds. Raises ``Malformed``."""
        if end - start < 4:
            raise Malformed("CIP response without a status")
        service, status = data[start] & 0x7F, data[start + 2]
        at = start + 4 + 2 * data[start + 3]
        if at > end:
            raise Malformed("CIP additional status longer than the message")
        if request is not None and request.plan.service != service:
            # A routed request is answered with its own service; the router answers only when it fails (clause 3-5.5.4).
            request = request.inner[0] if request.inner and request.inner[0].plan.service == service else None
        if request is None:
            self._unasked(data, at, end, service, status, depth)
            return
        plan = request.plan
        if not status and not plan.told and request.shown is plan.path.shown:
            self.out.append(plan.answer)
            return
        name = OK if not status else STATUSES.get(status) or f"status_0x{status:02x}"
        if plan.service == _MULTIPLE:
            self.out.append(plan.answer._replace(status=name))
            self._answers(data, at, end, request.inner, depth)
            return
        if plan.told and status in {0, _PARTIAL_TRANSFER}:
            self._told_answer(request, data, at, end, name)
        else:
            self.out.append(plan.answer._replace(object=request.shown, status=name))

    def _special(self, plan: Plan, data: bytes, at: int, end: int, depth: int) -> Request:
        """A request whose body is read."""
        if plan.service == _MULTIPLE:
            self.out.append(plan.request)
            return self._multiple(plan, data, at, end, depth)
        if plan.operation == _ROUTED:
            return self._routed(plan, data, at, end, depth)
        if plan.operation in _OPENS:
            route = _connection_path(data, at, end, large=plan.operation == "large_forward_open")
            shown = f"{route.route}/{route.shown}" if route.route and route.shown else route.route or route.shown
            self.out.append(plan.request._replace(value=shown))
            return Request(plan, plan.path.shown, routed=bool(route.route))
        self.out.append(plan.request._replace(value=self._written(plan, data, at, end)))
        return Request(plan, plan.path.shown)

    def _written(self, plan: Plan, data: bytes, at: int, end: int) -> Value:
        """What a request writes; for Get Attribute List the numbers of the attributes it asks for."""
        if plan.operation in {"write_tag", "write_tag_fragmented"}:
            return tag_written(data, at, end, plan.operation == "write_tag_fragmented", self.limits.items)
        if plan.operation == "read_modify_write_tag":
            return masks(data, at, end)
        if plan.service == 0x03:
            if end - at < 2:
                return None
            count = min(_U16.unpack_from(data, at)[0], self.limits.items, (end - at - 2) // 2)
            return unpack_from(f"<{count}H", data, at + 2) or None
        return blob(data[at:end])

    def _multiple(self, plan: Plan, data: bytes, at: int, end: int, depth: int) -> Request:
        inner: list[Request] = []
        for first, last in _embedded(data, at, end, self.limits.messages - len(self.out)):
            if depth >= self.limits.depth:
                raise Malformed("CIP services nested too deep")
            try:
                inner.append(self.request(data, first, last, depth + 1))
            except Malformed:
                self._broken(data, first, last)
        return Request(plan, plan.path.shown, tuple(inner))

    def _routed(self, plan: Plan, data: bytes, at: int, end: int, depth: int) -> Request:
        """Unconnected Send (clause 3-5.5.4): timing, size, the request, a pad, and the route."""
        if end - at < 4:
            raise Malformed("Unconnected Send without a request")
        size = _U16.unpack_from(data, at + 2)[0]
        first, last = at + 4, at + 4 + size
        if last > end or depth >= self.limits.depth:
            raise Malformed(f"Unconnected Send of {size} bytes, {end - first} there")
        route_at = last + (size & 1)
        route = ""
        if route_at + 2 <= end:
            route = decode(data[route_at + 2 : min(end, route_at + 2 + 2 * data[route_at])]).route
        self.out.append(plan.request._replace(value=route or None))
        try:
            inner = self.request(data, first, last, depth + 1)
        except Malformed:
            self._broken(data, first, last)
            return Request(plan, plan.path.shown)
        return Request(plan, plan.path.shown, (inner._replace(routed=bool(route)),))

    def _answers(self, data: bytes, at: int, end: int, inner: tuple[Request, ...], depth: int) -> None:
        """The answers inside the answer to a Multiple Service Packet."""
        if end - at < 2:
            return
        for index, (first, last) in enumerate(_embedded(data, at, end, self.limits.messages - len(self.out))):
            if depth >= self.limits.depth:
                raise Malformed("CIP services nested too deep")
            try:
                self.response(data, first, last, inner[index] if index < len(inner) else None, depth + 1)
            except Malformed:
                self._broken(data, first, last)

    def _unasked(self, data: bytes, at: int, end: int, service: int, status: int, depth: int) -> None:
        """A response whose request was not seen: only services of every object can be named."""
        operation = COMMON_SERVICES.get(service) or f"service_0x{service:02x}"
        name = STATUSES.get(status) or f"status_0x{status:02x}"
        self.out.append(Message(PROTOCOL, "response", operation, service, None, None, name, service in WRITE_SERVICES))
        if service == _MULTIPLE:
            self._answers(data, at, end, (), depth)

    def _told_answer(self, request: Request, data: bytes, at: int, end: int, status: str) -> None:
        """A good answer whose body is read."""
        plan, shown = request.plan, request.shown
        hints: tuple[Hint, ...] = ()
        value: Value = None
        if plan.operation in _OPENS:
            if end - at >= 8:
                to_target, to_originator = _OPEN_IDS.unpack_from(data, at)
                self.opened = Opened(to_target, to_originator, request.routed)
        elif plan.operation == _PCCC:
            status = read_pccc(body_of(data, at, end), self.limits.items).status if status == OK else status
            self.out.append(plan.answer if status == OK else plan.answer._replace(status=status))
            return
        elif plan.path.class_id == _IDENTITY_CLASS and end > at:
            value, hints = self._identity(plan, data, at, end)
            hints = () if request.routed or hints == self._told else hints
            self._told = hints or self._told
        elif plan.service == 0x0E:
            value = blob(data[at:end])
        else:
            value = tag_read(data, at, end, self.limits.items)
        self.out.append(plan.answer._replace(object=shown, value=value, status=status, hints=hints))

    @staticmethod
    def _identity(plan: Plan, data: bytes, at: int, end: int) -> tuple[Value, tuple[Hint, ...]]:
        if plan.service == 0x01 and plan.path.instance:
            return identity(data, at, end)
        if plan.service == 0x03 and plan.path.instance:
            return identity_list(data, at, end)
        if plan.service == 0x0E and plan.path.instance and plan.path.attribute is not None:
            return identity_attribute(plan.path.attribute, data[at:end])
        return blob(data[at:end]), ()

    def _broken(self, data: bytes, first: int, last: int) -> None:
        """Room is kept for an embedded service that cannot be read, where it has a first byte."""
        if first < last:
            self.out.append(broken(data[first]))


def broken(first: int) -> Message:
    """The message that stands for a CIP service which cannot be read; ``first`` is its first byte."""
    service = first & 0x7F
    operation = COMMON_SERVICES.get(service) or f"service_0x{service:02x}"
    return Message(
        PROTOCOL, "response" if first & 0x80 else "request", operation, service, status=MALFORMED, write=service in WRITE_SERVICES
    )


def _embedded(data: bytes, at: int, end: int, most: int) -> list[tuple[int, int]]:
    """Where the services of a Multiple Service Packet begin and end: a count and offsets from the count (appendix A-4.10)."""
    if end - at < 2:
        raise Malformed("Multiple Service Packet without a count")
    count = _U16.unpack_from(data, at)[0]
    if at + 2 + 2 * count > end:
        raise Malformed(f"{count} services announced in {end - at} bytes")
    offsets = unpack_from(f"<{count}H", data, at + 2)
    bounds = [at + offset for offset in offsets[: max(0, most)]]
    ends = [*(at + offset for offset in offsets[1 : len(bounds)]), end]
    if len(bounds) < count:
        ends[-1] = at + offsets[len(bounds)]
    if any(first >= last or last > end for first, last in zip(bounds, ends, strict=False)):
        raise Malformed("service offsets out of order")
    return list(zip(bounds, ends, strict=False))


def _connection_path(data: bytes, at: int, end: int, large: bool) -> Path:
    """The path a Forward Open opens (clause 3-5.5.2): fixed fields, then its length in words."""
    reader = Reader(data, at, end)
    # Timing 2, identifiers 8, serials 8, multiplier 4, then for each direction an interval and parameters, and the type.
    reader.skip(22 + 2 * (8 if large else 6) + 1)
    return decode(reader.take(2 * reader.u8()))
