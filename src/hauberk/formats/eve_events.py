"""Suricata's application events as messages (EVE JSON, Suricata 5 to 8).

One function for each event type, of the object the event carries under its name. Events name the client as source; where only a
response is told and its source has the server's port, the source is the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from hauberk.errors import InputError
from hauberk.formats import protocol_messages as messages
from hauberk.formats import protocol_words as words
from hauberk.formats.log_message import Said
from hauberk.formats.log_record import MOST_ITEMS, Record, nanoseconds, shown, snake
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import OK, Message, Role

Converter = Callable[[Record], Iterable[Said]]

_RESPONSE_CODES = {name: code for code, name in enumerate(words.DNS_RESPONSES)} | {"noerror": 0}
_QUESTIONS = frozenset({"query", "request"})
_ENIP_BY_WORD = {name.replace("_", ""): code for code, name in words.ENIP_COMMANDS.items()}
_ACKNOWLEDGED = (("puback", 4), ("pubrec", 5), ("pubrel", 6), ("pubcomp", 7))
_NUMBERED_TYPE = re.compile(r"(?:TYPE|UNKNOWN-|)([0-9]{1,5})")


def _dns(record: Record) -> Iterator[Said]:
    """Versions 1 and 2 have one event for the question and one for the answer, version 3 lists the questions."""
    asked = next(iter(record.parts("queries")), None) or record
    name = (asked.text("rrname") or "").rstrip(".").lower() or None
    kind_name = asked.text("rrtype") or ""
    kind = words.DNS_TYPES.get(kind_name)
    if kind is None and (numbered := _NUMBERED_TYPE.fullmatch(kind_name)) is not None:
        kind = int(numbered[1])
    if record.text("type") in _QUESTIONS:
        yield Said(True, Message("dns", "request", "query", kind, name))
        return
    code = (record.text("rcode") or "NOERROR").lower()
    status = words.dns_status(_RESPONSE_CODES[code]) if code in _RESPONSE_CODES else snake(code)
    answers = tuple(value for answer in record.parts("answers") if (value := answer.text("rdata")) is not None)
    if not answers and (plain := record.text("rdata")) is not None:
        answers = (plain,)
    yield Said(False, Message("dns", "response", "query", kind, name, answers or None, status))


def _http(record: Record) -> Iterator[Said]:
    return messages.http(
        messages.Web(
            record.text("http_method"),
            messages.web_target(record.text("hostname") or "", record.text("url") or ""),
            record.whole("status"),
            record.text("http_user_agent"),
            record.text("server"),
            None,
            None,
            record.text("http_content_type"),
        )
    )


def _tls(record: Record) -> Iterator[Said]:
    ja4 = record.text("ja4")
    yield messages.tls("tls", record.text("sni"), ja4, record.many("client_alpns"))
    version = record.text("version")
    if version is not None and version != "UNDETERMINED":
        named = words.TLS_VERSIONS.get(snake(version).replace("_", "").replace("tls", "tlsv"), version)
        chosen = record.many("server_alpns")
        yield Said(False, Message("tls", "response", "server_hello", 2, None, (named, None, *chosen)))
    if (subject := record.text("subject")) is not None:
        yield messages.certificate(False, subject, record.text("issuerdn"), _utc(record.text("notafter")))
    client = record.part("client")
    if client is not None and (subject := client.text("subject")) is not None:
        yield messages.certificate(True, subject, client.text("issuerdn"), _utc(client.text("notafter")))


def _utc(until: str | None) -> str | None:
    """The end of validity as the dissectors write it; None where it is absent or no time."""
    if until is None:
        return None
    try:
        nanoseconds(until)
    except InputError:
        return None
    return f"{until[:19].replace(' ', 'T')}Z"


def _quic(record: Record) -> Iterator[Said]:
    yield messages.tls("quic", record.text("sni"), record.text("ja4"))


def _mqtt(record: Record) -> Iterator[Said]:
    """One event holds the packets of one transaction, as publish, pubrec, pubrel and pubcomp."""
    if (packet := record.part("connect")) is not None:
        yield _mqtt_connect(packet)
    client = _client_of(record)
    if (packet := record.part("connack")) is not None:
        code = packet.whole("return_code", "reason_code") or 0
        status = words.MQTT_RETURN_CODES.get(code) or f"reason_{code}"
        present = "session_present" if packet.flag("session_present") else None
        yield Said(False, Message("mqtt", "response", "connack", 2, client, present, status))
    topic = None
    if (packet := record.part("publish")) is not None:
        topic = packet.text("topic")
        payload = packet.text("message")
        value = None if payload is None else messages.payload_scalar(payload)
        yield Said(True, Message("mqtt", "request", "publish", 3, topic, value))
    for name, kind in _ACKNOWLEDGED:
        if name in record:
            role: Role = "request" if name == "pubrel" else "response"
            yield Said(name == "pubrel", Message("mqtt", role, name, kind, topic))
    yield from _mqtt_topics(record)
    for name, kind, outward in (("pingreq", 12, True), ("pingresp", 13, False), ("disconnect", 14, True)):
        if name in record:
            yield Said(outward, Message("mqtt", "request" if outward else "response", name, kind))


def _client_of(record: Record) -> str | None:
    packet = record.part("connect")
    return packet.text("client_id") if packet is not None else None


def _mqtt_connect(packet: Record) -> Said:
    client = packet.text("client_id")
    version = packet.whole("protocol_version") or 0
    value = [f"version={words.MQTT_VERSIONS.get(version) or version}"]
    flags = packet.part("flags")
    if flags is not None and flags.flag("clean_session"):
        value.append("clean")
    will = packet.part("will")
    if will is not None and (topic := will.text("topic")) is not None:
        value.append(f"will={topic}")
    if (user := packet.text("username")) is not None:
        value.append(f"username={user}")
    if (flags is not None and flags.flag("password")) or "password" in packet:
        value.append("with_password")
    hints = (Hint(HintKey.CLIENT_ID, client),) if client else ()
    return Said(True, Message("mqtt", "request", "connect", 1, client, tuple(value), OK, False, hints))


def _mqtt_topics(record: Record) -> Iterator[Said]:
    """Subscriptions and their ends."""
    topics: str | None = None
    if (packet := record.part("subscribe")) is not None:
        listed = packet.parts("topics")
        topics = shown(",".join(topic for each in listed if (topic := each.text("topic")) is not None)) or None
        levels = tuple(each.whole("qos") or 0 for each in listed)
        yield Said(True, Message("mqtt", "request", "subscribe", 8, topics, levels or None))
    if (packet := record.part("suback")) is not None:
        granted = tuple(int(level) for level in packet.many("qos_granted") if level.isdigit())
        status = "failure" if any(level >= 0x80 for level in granted) else OK
        yield Said(False, Message("mqtt", "response", "suback", 9, topics, granted or None, status))
    if (packet := record.part("unsubscribe")) is not None:
        topics = shown(",".join(packet.many("topics"))) or None
        yield Said(True, Message("mqtt", "request", "unsubscribe", 10, topics))
    if "unsuback" in record:
        yield Said(False, Message("mqtt", "response", "unsuback", 11, topics))


def _modbus(record: Record) -> Iterator[Said]:
    place: str | None = None
    for name, asks in (("request", True), ("response", False)):
        packet = record.part(name)
        if packet is None:
            continue
        raw = packet.raw("function_raw")
        code = raw if isinstance(raw, int) else packet.whole("function_code")
        if code is None:
            raise InputError("no Modbus function")
        access = packet.part("write") or packet.part("read")
        first = access.whole("address") if access is not None else None
        quantity = access.whole("quantity") if access is not None else None
        written = packet.part("write")
        value = _written(written) if asks and written is not None else None
        told = messages.modbus_place(packet.whole("unit_id"), code, first, quantity)
        place = told if asks or place is None else place
        exception = packet.part("exception")
        number = exception.raw("raw") if exception is not None else None
        failed = number if isinstance(number, int) else exception.text("code") if exception is not None else None
        yield messages.modbus(asks=asks, code=code, place=place, value=value, exception=failed)


def _written(written: Record) -> tuple[int | str, ...] | None:
    data = written.raw("data")
    if isinstance(data, int):
        return (data,)
    if isinstance(data, list):
        return tuple(value for value in data[:MOST_ITEMS] if isinstance(value, int))
    return (shown(data),) if isinstance(data, str) else None


def _dnp3(record: Record) -> Iterator[Said]:
    """Since version 6 one event for each message, before one object for each side."""
    for name, asks in (("request", True), ("response", False)):
        part = record.raw(name)
        if isinstance(part, dict):
            yield _dnp3_message(Record(part), asks)
    kind = record.text("type") if not isinstance(record.raw("type"), dict) else None
    if kind is not None:
        yield _dnp3_message(record, kind == "request")


def _dnp3_message(record: Record, asks: bool) -> Said:  # noqa: FBT001 - a direction has two values
    application = record.part("application")
    code = application.whole("function_code") if application is not None else None
    if application is None or code is None:
        raise InputError("no DNP3 function")
    source, destination = record.whole("src"), record.whole("dst")
    objects = ",".join(
        f"g{group}v{variation}"
        for each in application.parts("objects")
        if (group := each.whole("group")) is not None and (variation := each.whole("variation")) is not None
    )
    place = None
    if source is not None and destination is not None:
        ends = f"{source}->{destination}" if asks else f"{destination}->{source}"
        place = f"{ends}/{objects}" if objects else ends
    indications = record.part("iin")
    word = 0
    if indications is not None:
        said = {snake(name).replace("all_stations", "broadcast") for name in indications.many("indicators")}
        word = sum(1 << bit for bit, name in enumerate(words.DNP3_INDICATIONS) if name in said)
    return messages.dnp3(asks=asks, code=code, place=place, indications=word)


def _dhcp(record: Record) -> Iterator[Said]:
    """The source of the event is who sent the message."""
    kind = record.text("dhcp_type")
    mac = record.text("client_mac")
    asked = record.text("type") == "request"
    if kind is None:
        role: Role = "request" if asked else "response"
        yield Said(True, Message("dhcp", role, "bootp_request" if asked else "bootp_reply", None, mac))
        return
    numbers = [words.DHCP_PARAMETERS.get(name) for name in record.many("params")]
    known = [number for number in numbers if number is not None]
    lease = messages.Lease(
        (kind,),
        mac,
        _address(record.text("client_ip")),
        None,
        _address(record.text("requested_ip")),
        _address(record.text("assigned_ip")),
        record.whole("lease_time"),
        tuple(name for name in (record.text("hostname"),) if name),
        record.text("vendor_class_identifier"),
        # A list without one of its options would be the fingerprint of another client.
        known if len(known) == len(numbers) else (),
    )
    serves = not asked and _address(record.text("relay_ip")) is None
    for said in messages.dhcp(lease):
        message = said.message
        if serves:
            message = message._replace(hints=(*message.hints, Hint(HintKey.ROLE, "dhcp.server")))
        yield Said(True, message)


def _address(told: str | None) -> str | None:
    return None if told in {None, "0.0.0.0", "::"} else told  # noqa: S104 - an address on the wire


def _ssh(record: Record) -> Iterator[Said]:
    for name, outward in (("client", True), ("server", False)):
        side = record.part(name)
        software = side.text("software_version") if side is not None else None
        if side is not None and software is not None:
            yield messages.ssh_banner(outward=outward, banner=f"SSH-{side.text('proto_version') or '2.0'}-{software}")


def _ftp(record: Record) -> Iterator[Said]:
    codes = record.many("completion_code")
    last = codes[-1] if codes else ""
    said = record.many("reply")
    reply = int(last) if last.isdigit() and len(last) == 3 else None
    return messages.ftp(record.text("command") or "", record.text("command_data"), None, reply, said[0] if said else None)


def _enip(record: Record) -> Iterator[Said]:
    """Suricata 8: encapsulation commands, and the CIP service inside."""
    for name, asks in (("request", True), ("response", False)):
        part = record.part(name)
        if part is None:
            continue
        role: Role = "request" if asks else "response"
        service = part.part("cip")
        if service is not None and (called := service.text("service")) is not None:
            operation = snake(called)
            write = operation.startswith(("set_", "write", "reset", "start", "stop", "create", "delete"))
            yield Said(asks, Message("cip", role, operation, service.whole("service_code"), None, None, _worded(service), write))
            continue
        command = snake(part.text("command") or "")
        code = _ENIP_BY_WORD.get(command.replace("_", ""))
        operation = words.ENIP_COMMANDS[code] if code is not None else command or "unknown"
        yield Said(asks, Message("enip", role, operation, code, None, None, _worded(part)))


def _worded(part: Record) -> str:
    status = snake(part.text("status") or "")
    return OK if status in {"", "success", "0"} else status


EVENTS: dict[str, Converter] = {
    "dns": _dns,
    "http": _http,
    "tls": _tls,
    "quic": _quic,
    "mqtt": _mqtt,
    "modbus": _modbus,
    "dnp3": _dnp3,
    "dhcp": _dhcp,
    "ssh": _ssh,
    "ftp": _ftp,
    "enip": _enip,
}
"""What reads the object of an event, by event type."""

SERVER_PORTS = {"dns": frozenset({53, 5353}), "dnp3": frozenset({20000}), "modbus": frozenset({502})}
"""Ports that make the source of an event the server."""
