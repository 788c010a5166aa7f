"""Zeek's logs of the common protocols as messages: dns, http, ssl, mqtt, dhcp, ntp, ssh, ftp.

One function for each log, of the fields its scripts write (base/protocols, policy). Fields that a site added or left out change
nothing. What a line cannot say is absent, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hauberk.formats import protocol_messages as messages
from hauberk.formats import protocol_words as words
from hauberk.formats.log_connection import protocol_name
from hauberk.formats.log_message import Said
from hauberk.formats.log_record import Record, shown, snake
from hauberk.formats.zeek_ot_logs import OT_LOGS
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import OK, Message, Role

Converter = Callable[[Record], Iterable[Said]]

_MDNS = 5353


def _dns(record: Record) -> Iterator[Said]:
    """dns.log: the question, and the answer where its code was seen."""
    port = record.whole("id.resp_p") or 0
    protocol = protocol_name("dns", port)
    name = (record.text("query") or "").rstrip(".").lower() or None
    kind = record.whole("qtype")
    code = record.whole("rcode")
    answers = record.many("answers")
    announced = port == _MDNS and bool(answers)
    if not announced:
        yield Said(True, Message(protocol, "request", "query", kind, name))
    if code is not None or answers:
        delay = _seconds(record, "rtt")
        status = words.dns_status(code or 0)
        yield Said(announced, Message(protocol, "response", "query", kind, name, answers or None, status), delay)


def _seconds(record: Record, name: str) -> float:
    return record.time(name) * 1e-9 if name in record else 0.0


def _http(record: Record) -> Iterator[Said]:
    """http.log."""
    return messages.http(
        messages.Web(
            record.text("method"),
            messages.web_target(record.text("host") or "", record.text("uri") or ""),
            record.whole("status_code"),
            record.text("user_agent"),
            record.text("server", "server_header"),
            record.text("username"),
            next(iter(record.many("orig_mime_types")), None),
            next(iter(record.many("resp_mime_types")), None),
        )
    )


def _ssl(record: Record) -> Iterator[Said]:
    """ssl.log: both hellos, the certificates it describes, and the last alert."""
    offered = record.text("next_protocol")
    yield messages.tls("tls", record.text("server_name"), record.text("ja4"), ())
    version = record.text("version")
    cipher = record.text("cipher")
    if version is not None or cipher is not None:
        named = words.TLS_VERSIONS.get(snake(version).replace("_", ""), version) if version else None
        value = (named, cipher) if offered is None else (named, cipher, offered)
        yield Said(False, Message("tls", "response", "server_hello", 2, None, value))
    for outward, subject, issuer in ((False, "subject", "issuer"), (True, "client_subject", "client_issuer")):
        if (holder := record.text(subject)) is not None:
            yield messages.certificate(outward, holder, record.text(issuer), None)
    if (alert := record.text("last_alert")) is not None:
        name = snake(alert)
        yield Said(False, Message("tls", "event", "alert", None, None, name, OK if name == "close_notify" else name))


def _mqtt_connect(record: Record) -> Iterator[Said]:
    """mqtt_connect.log."""
    client = record.text("client_id")
    value = [f"version={record.text('proto_version') or '?'}"]
    if (will := record.text("will_topic")) is not None:
        value.append(f"will={will}")
    hints = (Hint(HintKey.CLIENT_ID, client),) if client else ()
    yield Said(True, Message("mqtt", "request", "connect", 1, client, tuple(value), OK, False, hints))
    outcome = record.text("connect_status")
    if outcome is not None:
        status = OK if outcome.endswith("Accepted") else snake(outcome.removeprefix("Refused:"))
        yield Said(False, Message("mqtt", "response", "connack", 2, client, None, status))


def _mqtt_publish(record: Record) -> Iterator[Said]:
    """mqtt_publish.log; a payload that Zeek cut is shown as it is."""
    outward = record.flag("from_client") is not False
    payload = record.text("payload")
    value = None if payload is None else messages.payload_scalar(payload)
    role: Role = "request" if outward else "event"
    yield Said(outward, Message("mqtt", role, "publish", 3, record.text("topic"), value))


def _mqtt_subscribe(record: Record) -> Iterator[Said]:
    """mqtt_subscribe.log: SUBSCRIBE or UNSUBSCRIBE and whether it was acknowledged."""
    leaves = "UNSUBSCRIBE" in (record.text("action") or "")
    topics = shown(",".join(record.many("topics"))) or None
    granted = record.whole("granted_qos_level")
    asked = tuple(int(level) for level in record.many("qos_levels") if level.isdigit()) or None
    kind = 10 if leaves else 8
    yield Said(True, Message("mqtt", "request", words.MQTT_TYPES[kind], kind, topics, None if leaves else asked))
    if record.flag("ack"):
        value = (granted,) if granted is not None and not leaves else None
        yield Said(False, Message("mqtt", "response", words.MQTT_TYPES[kind + 1], kind + 1, topics, value))


def _dhcp(record: Record) -> Iterator[Said]:
    """dhcp.log: one line for a whole exchange."""
    names = [name for name in (record.text("host_name"), record.text("client_fqdn")) if name]
    lease = record.text("lease_time")
    return messages.dhcp(
        messages.Lease(
            record.many("msg_types"),
            record.text("mac"),
            record.text("client_addr"),
            record.text("server_addr"),
            record.text("requested_addr"),
            record.text("assigned_addr"),
            record.time("lease_time") // 1_000_000_000 if lease else None,
            names,
            record.text("client_software"),
        )
    )


def _ntp(record: Record) -> Iterator[Said]:
    """ntp.log: one line for each message; its mode tells who sent it."""
    mode = record.count("mode", 7)
    outward = mode not in {2, 4}
    role: Role = "response" if not outward else "request" if mode in {1, 3, 6, 7} else "event"
    stratum = record.whole("stratum")
    reference = record.text("ref_id")
    if reference is not None and not reference.strip("\\x0\x00"):
        reference = None
    status = reference.lower() if mode == 4 and stratum == 0 and reference else OK
    yield Said(outward, Message("ntp", role, words.NTP_MODES[mode], mode, reference, stratum, status))


def _ssh(record: Record) -> Iterator[Said]:
    """ssh.log: both versions, and the log-in as far as Zeek could tell its outcome."""
    for outward, field in ((True, "client"), (False, "server")):
        if (banner := record.text(field)) is not None:
            yield messages.ssh_banner(outward=outward, banner=banner)
    success = record.flag("auth_success")
    if success is not None:
        status = OK if success else "login_failed"
        attempts = record.whole("auth_attempts")
        yield Said(False, Message("ssh", "response", "login", None, None, attempts, status))


def _ftp(record: Record) -> Iterator[Said]:
    """ftp.log."""
    command = record.text("command") or ""
    argument = record.text("arg")
    return messages.ftp(command, argument, record.text("user"), record.whole("reply_code"), record.text("reply_msg"))


LOGS: dict[str, Converter] = {
    "dns": _dns,
    "http": _http,
    "ssl": _ssl,
    "mqtt_connect": _mqtt_connect,
    "mqtt_publish": _mqtt_publish,
    "mqtt_subscribe": _mqtt_subscribe,
    "dhcp": _dhcp,
    "ntp": _ntp,
    "ssh": _ssh,
    "ftp": _ftp,
    **OT_LOGS,
}
"""What reads the lines of a log, by its path."""

ENDLESS = frozenset({"dhcp"})
"""Logs whose lines need not name both ends."""
