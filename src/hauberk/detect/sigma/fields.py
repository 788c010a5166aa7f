"""Names that Sigma rules use for what Hauberk sees, by log source (SigmaHQ taxonomy, Zeek's log fields, Hauberk's JSON keys).

A field of a message belongs to stages: the roles of messages that have it, for TLS and QUIC their operations. A rule is applied to
the first stage that has all of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.detect.sigma.rule import Read
from hauberk.formats.protocol_words import DNS_TYPES
from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

REQUEST, RESPONSE, EVENT = "request", "response", "event"
_TYPE_NAMES = {code: name for name, code in DNS_TYPES.items()}
VARYING = frozenset({"time", "ts", "frame", "value", "answer", "answers", "QueryResults", "dns.answers.data"})
"""Fields that are different in nearly every message."""
AGENT_FIELDS = frozenset({"c-useragent", "user_agent", "cs-user-agent", "useragent", "http.user_agent", "user_agent.original"})


@dataclass(frozen=True, slots=True)
class MessageField:
    """How to read a field; ``stages`` that have it, None for all. A tuple holds alternatives: one that passes is enough."""

    read: Read
    stages: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column of conversations: ``a`` and ``b`` are the addresses. ``ended``: it is known only at the end."""

    column: str
    ended: bool = False


def _backward(message: Transaction) -> bool:
    return message.role == RESPONSE


def _client(message: Transaction) -> object:
    return message.dst if _backward(message) else message.src


def _server(message: Transaction) -> object:
    return message.src if _backward(message) else message.dst


def _client_port(message: Transaction) -> object:
    return message.dst_port if _backward(message) else message.src_port


def _server_port(message: Transaction) -> object:
    return message.src_port if _backward(message) else message.dst_port


def _item(number: int) -> Read:
    """One item of the value, None where it has fewer."""

    def read(message: Transaction) -> object:
        value = message.value
        return value[number] if isinstance(value, tuple) and len(value) > number else None

    return read


def _hint(key: HintKey) -> Read:
    def read(message: Transaction) -> object:
        return next((value for own, value, _ in message.hints if own is key), None)

    return read


def _host(message: Transaction) -> object:
    return (message.object or "").partition("/")[0] or None


def _path_and_query(message: Transaction) -> object:
    _, slash, rest = (message.object or "").partition("/")
    return slash + rest if slash else None


def _path(message: Transaction) -> object:
    found = _path_and_query(message)
    return None if found is None else str(found).partition("?")[0]


def _query(message: Transaction) -> object:
    return (message.object or "").partition("?")[2] or None


def _extension(message: Transaction) -> object:
    _, dot, extension = str(_path(message) or "").rpartition("/")[2].rpartition(".")
    return extension if dot else None


def _uri(message: Transaction) -> object:
    """A request target in every way in which logs write it."""
    target = message.object
    return None if target is None else (f"http://{target}", target, _path_and_query(message))


def _response_name(message: Transaction) -> object:
    return ("NOERROR", "ok") if message.status == "ok" else message.status


def _method(message: Transaction) -> object:
    return message.operation.replace("_", "-")


_ANY: Mapping[str, MessageField] = {
    **dict.fromkeys(
        ("src_ip", "source.ip", "SourceIp", "id.orig_h", "id_orig_h", "c-ip", "client_ip", "ClientIP", "src"), MessageField(_client)
    ),
    **dict.fromkeys(("dst_ip", "destination.ip", "DestinationIp", "id.resp_h", "id_resp_h", "s-ip", "dst"), MessageField(_server)),
    **dict.fromkeys(("src_port", "source.port", "SourcePort", "id.orig_p", "id_orig_p", "c-port"), MessageField(_client_port)),
    **dict.fromkeys(
        ("dst_port", "destination.port", "DestinationPort", "id.resp_p", "id_resp_p", "s-port"), MessageField(_server_port)
    ),
    "ts": MessageField(lambda message: message.time),
}

TRANSACTION: Mapping[str, MessageField] = {
    "time": MessageField(lambda message: message.time),
    "frame": MessageField(lambda message: message.frame),
    "protocol": MessageField(lambda message: message.protocol),
    "src": MessageField(lambda message: message.src),
    "src_port": MessageField(lambda message: message.src_port),
    "dst": MessageField(lambda message: message.dst),
    "dst_port": MessageField(lambda message: message.dst_port),
    "role": MessageField(lambda message: message.role),
    "operation": MessageField(lambda message: message.operation),
    "code": MessageField(lambda message: message.code),
    "object": MessageField(lambda message: message.object),
    "value": MessageField(lambda message: message.value),
    "status": MessageField(lambda message: message.status),
    "write": MessageField(lambda message: message.write),
}
"""Hauberk's own keys, as ``hauberk inspect --emit transactions`` prints them."""

_BOTH = frozenset({REQUEST, RESPONSE})
_ANSWERED = frozenset({RESPONSE})
_ASKED = frozenset({REQUEST})

DNS: Mapping[str, MessageField] = {
    **_ANY,
    **dict.fromkeys(("query", "QueryName", "dns.question.name", "dns_query"), MessageField(lambda message: message.object, _BOTH)),
    **dict.fromkeys(("record_type", "qtype_name", "QueryType"), MessageField(lambda m: _TYPE_NAMES.get(m.code or 0), _BOTH)),
    "qtype": MessageField(lambda message: message.code, _BOTH),
    **dict.fromkeys(("answer", "answers", "QueryResults", "dns.answers.data"), MessageField(lambda m: m.value, _ANSWERED)),
    **dict.fromkeys(("rcode_name", "rcode", "response_code", "QueryStatus"), MessageField(_response_name, _ANSWERED)),
}

HTTP: Mapping[str, MessageField] = {
    **_ANY,
    **dict.fromkeys(("c-uri", "url", "url.full", "http.url"), MessageField(_uri, _BOTH)),
    **dict.fromkeys(("uri", "cs-uri", "url.original"), MessageField(_path_and_query, _BOTH)),
    **dict.fromkeys(("c-uri-stem", "cs-uri-stem", "url.path"), MessageField(_path, _BOTH)),
    **dict.fromkeys(("c-uri-query", "cs-uri-query", "url.query"), MessageField(_query, _BOTH)),
    **dict.fromkeys(("c-uri-extension", "url.extension"), MessageField(_extension, _BOTH)),
    **dict.fromkeys(("cs-host", "r-dns", "host", "url.domain", "http.host"), MessageField(_host, _BOTH)),
    **dict.fromkeys(("cs-method", "method", "http.request.method", "http.method"), MessageField(_method, _BOTH)),
    **dict.fromkeys(AGENT_FIELDS, MessageField(_hint(HintKey.USER_AGENT), _BOTH)),
    **dict.fromkeys(("sc-status", "status_code", "http.response.status_code"), MessageField(lambda m: m.code, _ANSWERED)),
    **dict.fromkeys(("sc-content-type", "resp_mime_types"), MessageField(_item(0), _ANSWERED)),
}

_HELLO, _CHOSEN, _SHOWN = frozenset({"client_hello"}), frozenset({"server_hello"}), frozenset({"certificate"})

SSL: Mapping[str, MessageField] = {
    **_ANY,
    **dict.fromkeys(("server_name", "sni", "tls.client.server_name"), MessageField(lambda message: message.object, _HELLO)),
    **dict.fromkeys(("ja4", "tls.client.ja4"), MessageField(_hint(HintKey.JA4), _HELLO)),
    "version": MessageField(_item(0), _CHOSEN),
    "cipher": MessageField(_item(1), _CHOSEN),
    **dict.fromkeys(("subject", "certificate.subject"), MessageField(lambda message: message.object, _SHOWN)),
    **dict.fromkeys(("issuer", "certificate.issuer"), MessageField(_item(0), _SHOWN)),
    "fingerprint": MessageField(_hint(HintKey.CERTIFICATE_SHA256), _SHOWN),
}

OTHER: Mapping[str, MessageField] = {
    **TRANSACTION,
    **_ANY,
    **dict.fromkeys(("func", "function", "fc_request"), MessageField(lambda message: message.operation, _ASKED)),
    "fc_reply": MessageField(lambda message: message.operation, _ANSWERED),
    "exception": MessageField(lambda message: None if message.status == "ok" else message.status, _ANSWERED),
    "username": MessageField(lambda message: message.object if message.operation == "login" else None),
}
"""Logs of other protocols: Hauberk's keys, and what is common to Zeek's logs."""

CONVERSATION: Mapping[str, ColumnField] = {
    **dict.fromkeys(("src_ip", "source.ip", "SourceIp", "id.orig_h", "id_orig_h", "initiator"), ColumnField("a")),
    **dict.fromkeys(("dst_ip", "destination.ip", "DestinationIp", "id.resp_h", "id_resp_h", "responder"), ColumnField("b")),
    **dict.fromkeys(("src_port", "source.port", "SourcePort", "id.orig_p", "id_orig_p", "initiator_port"), ColumnField("a_port")),
    **dict.fromkeys(
        ("dst_port", "destination.port", "DestinationPort", "id.resp_p", "id_resp_p", "responder_port"), ColumnField("b_port")
    ),
    **dict.fromkeys(("proto", "protocol", "Protocol", "transport", "network.transport"), ColumnField("transport")),
    **dict.fromkeys(("ts", "start"), ColumnField("start")),
    "vlan": ColumnField("vlan"),
    "service": ColumnField("service", ended=True),
    "end": ColumnField("end", ended=True),
    "duration": ColumnField("duration", ended=True),
    **dict.fromkeys(("orig_pkts", "packets_out"), ColumnField("packets_out", ended=True)),
    **dict.fromkeys(("resp_pkts", "packets_in"), ColumnField("packets_in", ended=True)),
    "bytes_out": ColumnField("bytes_out", ended=True),
    "bytes_in": ColumnField("bytes_in", ended=True),
    "orig_bytes": ColumnField("payload_out", ended=True),
    "resp_bytes": ColumnField("payload_in", ended=True),
}
