"""Messages of protocols from what other sensors say of them: the parts that several formats share.

Words, codes and forms are those of the dissectors. A password is never kept: where a log holds one it is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hauberk.formats import protocol_words as words
from hauberk.formats.log_message import Ends, Said
from hauberk.formats.log_record import snake
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import OK, Message, Role, Value

_SECRET_WORDS = ("pass", "pwd", "psw", "token", "secret", "key", "auth", "session", "signature", "credential", "sid", "pin")
_LOGIN_DENIED = frozenset({401, 403})
_FTP_SECRETS = frozenset({"pass", "acct", "adat"})
_FTP_LOGGED_IN = 230
_BROADCAST, _NOWHERE = "255.255.255.255", "0.0.0.0"  # noqa: S104 - an address on the wire, not one to listen on
_FROM_SERVER = frozenset({"offer", "ack", "nak"})
_DHCP_SERVER_PORT, _DHCP_CLIENT_PORT = 67, 68


def _without_secret(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    lowered = name.lower()
    return f"{name}=*" if equals and value and any(word in lowered for word in _SECRET_WORDS) else parameter


def web_target(host: str, target: str) -> str | None:
    """Host and path of a request, secrets in the query hidden; None where neither is known."""
    scheme, separator, rest = target.partition("://")
    if separator and scheme.isalnum():
        authority, slash, path = rest.partition("/")
        target = f"{authority.rpartition('@')[2]}{slash}{path}"
    else:
        target = host + target
    path, mark, query = target.partition("?")
    if mark:
        path = f"{path}?{'&'.join(map(_without_secret, query.split('&')))}"
    return path or None


def payload_scalar(payload: str) -> str | int | float:
    """A payload in text as the number it is, or as it is."""
    if 0 < len(payload) <= 32 and payload.isascii() and payload[0] in "-0123456789":
        try:
            return int(payload) if payload.lstrip("-").isdigit() else float(payload)
        except ValueError:
            return payload
    return payload


class Web(NamedTuple):
    """One HTTP exchange. ``sent``, ``got``: content types; ``status``: None where no response was seen."""

    method: str | None
    target: str | None
    status: int | None = None
    agent: str | None = None
    server: str | None = None
    user: str | None = None
    sent: str | None = None
    got: str | None = None


def http(web: Web) -> Iterator[Said]:
    """A request and, where its status is known, the response, with the log-in they carry."""
    operation = web.method.lower().replace("-", "_") if web.method else "response"
    write = operation in words.HTTP_WRITES
    if web.method:
        hints = (Hint(HintKey.USER_AGENT, web.agent),) if web.agent else ()
        yield Said(True, Message("http", "request", operation, None, web.target, web.sent, OK, write, hints))
        if web.user:
            yield Said(True, Message("http", "request", "login", None, web.user))
    code = web.status
    if code is None:
        return
    hints = (Hint(HintKey.BANNER, web.server),) if web.server else ()
    value = (web.got, web.server) if web.got or web.server else None
    yield Said(False, Message("http", "response", operation, code, web.target, value, words.http_status(code), write, hints))
    if web.user and (code in _LOGIN_DENIED or code < 400):
        status = "unauthorized" if code in _LOGIN_DENIED else OK
        yield Said(False, Message("http", "response", "login", code, web.user, None, status))


def tls(protocol: str, name: str | None, ja4: str | None, offered: Sequence[str] = ()) -> Said:
    """The ClientHello. The version it offered is not in the logs, which have the one agreed on."""
    hints = [Hint(key, value) for key, value in ((HintKey.SNI, name), (HintKey.JA4, ja4)) if value]
    return Said(True, Message(protocol, "request", "client_hello", 1, name, (None, ja4, *offered), OK, False, tuple(hints)))


def certificate(outward: bool, subject: str, issuer: str | None, until: str | None) -> Said:  # noqa: FBT001 - a direction has two values
    """A certificate shown by one side; ``subject`` and ``issuer`` as distinguished names in text."""
    shown = common_name(subject)
    role: Role = "request" if outward else "response"
    value = (common_name(issuer) if issuer else None, until)
    return Said(outward, Message("tls", role, "certificate", 11, shown, value, OK, False, (Hint(HintKey.CERTIFICATE, shown),)))


def common_name(distinguished: str) -> str:
    """The common name in a distinguished name, or the whole of it."""
    for part in distinguished.replace("\\,", "\x00").split(","):
        key, _, value = part.strip().partition("=")
        if key.upper() == "CN" and value:
            return value.replace("\x00", ",")
    return distinguished


def modbus(*, asks: bool, code: int, place: str | None, value: Value = None, exception: int | str | None = None) -> Said:
    """A Modbus request or response. ``exception``: its number or its name, in any spelling."""
    status = OK
    if exception is not None and exception != "":
        if isinstance(exception, int):
            status = words.MODBUS_EXCEPTIONS.get(exception) or f"exception_{exception}"
        else:
            status = snake(exception).replace("slave", "server")
    code &= 0x7F
    role: Role = "request" if asks else "response"
    message = Message("modbus", role, words.modbus_function(code), code, place, value, status, code in words.MODBUS_WRITES)
    return Said(asks, message)


def modbus_place(unit: int | None, code: int, first: int | None, quantity: int | None) -> str | None:
    """What a Modbus message acts on: ``unit/table/first-last``, as far as it is known; ``first`` is zero-based."""
    if unit is None:
        return None
    table = words.MODBUS_TABLES.get(code & 0x7F)
    if table is None:
        return str(unit)
    if first is None:
        return f"{unit}/{table}"
    last = first + (quantity or 1) - 1
    return f"{unit}/{table}/{first}" if last == first else f"{unit}/{table}/{first}-{last}"


def dnp3(*, asks: bool, code: int, place: str | None = None, indications: int | None = None) -> Said:
    """A DNP3 application fragment."""
    operation = words.DNP3_FUNCTIONS.get(code) or f"reserved_function_{code}"
    if asks:
        return Said(True, Message("dnp3", "request", operation, code, place, None, OK, code in words.DNP3_WRITES))
    said, status = words.dnp3_indications(indications or 0)
    role: Role = "event" if code == 130 else "response"
    return Said(False, Message("dnp3", role, operation, code, place, said or None, status))


def ssh_banner(*, outward: bool, banner: str) -> Said:
    """A version line, ``SSH-2.0-OpenSSH_9.6 comment``."""
    software = banner.partition("-")[2].partition("-")[2].partition(" ")[0] if banner.startswith("SSH-") else banner
    role: Role = "request" if outward else "response"
    return Said(outward, Message("ssh", role, "banner", None, software or None, banner, OK, False, (Hint(HintKey.BANNER, banner),)))


def ftp(command: str, argument: str | None, user: str | None, reply: int | None, said: str | None) -> Iterator[Said]:
    """A command and its reply; the reply that decides a log-in is a log-in."""
    operation = command.lower()
    what = None if operation in _FTP_SECRETS else argument
    write = operation in words.FTP_WRITES
    if operation:
        yield Said(True, Message("ftp", "request", operation, None, what, None, OK, write))
    if reply is None:
        return
    status = words.ftp_status(reply)
    decided = reply >= 400 or reply in {202, _FTP_LOGGED_IN, 232}
    if (operation in {"pass", "acct"} and decided) or (operation == "user" and reply == _FTP_LOGGED_IN):
        operation, what = "login", user or (argument if command.lower() == "user" else None)
        status = OK if reply < 400 else "login_failed"
    yield Said(False, Message("ftp", "response", operation or "response", reply, what, said, status, write))


class Lease(NamedTuple):
    """What a log says of one DHCP exchange or message."""

    kinds: Sequence[str]
    mac: str | None
    client: str | None = None
    server: str | None = None
    asked: str | None = None
    assigned: str | None = None
    seconds: int | None = None
    names: Sequence[str] = ()
    vendor_class: str | None = None
    parameters: Sequence[int] = ()


def dhcp(lease: Lease) -> Iterator[Said]:
    """The messages of an exchange, each with its direction; who has no address yet sends from 0.0.0.0."""
    ends = Ends(lease.client or _NOWHERE, _DHCP_CLIENT_PORT, lease.server or _BROADCAST, _DHCP_SERVER_PORT)
    if any(kind.lower() == "discover" for kind in lease.kinds):
        ends = Ends(_NOWHERE, _DHCP_CLIENT_PORT, _BROADCAST, _DHCP_SERVER_PORT)
    introduced = False
    for kind in lease.kinds:
        operation = kind.lower()
        code = words.DHCP_TYPES.index(operation) if operation in words.DHCP_TYPES else None
        if operation in _FROM_SERVER:
            value = (lease.assigned, lease.server, lease.seconds) if lease.assigned or lease.server else None
            hints = _lease_hints(lease) if operation == "ack" else ()
            if lease.server:
                hints = (*hints, Hint(HintKey.ROLE, "dhcp.server", lease.server))
            message = Message("dhcp", "response", operation, code, lease.mac, value, OK, False, hints)
            answered = Ends(lease.client or _BROADCAST, _DHCP_CLIENT_PORT, lease.server or _NOWHERE, _DHCP_SERVER_PORT)
            yield Said(False, message, 0.0, answered)
            continue
        asked = (lease.asked,) if lease.asked else (lease.client,) if lease.client else None
        hints = () if introduced else _client_hints(lease)
        introduced = True
        yield Said(True, Message("dhcp", "request", operation, code, lease.mac, asked, OK, False, hints), 0.0, ends)


def _lease_hints(lease: Lease) -> tuple[Hint, ...]:
    given = lease.assigned or lease.client
    if lease.mac is None or given is None:
        return ()
    return (Hint(HintKey.MAC, lease.mac, lease.mac), Hint(HintKey.IP, given, lease.mac))


def _client_hints(lease: Lease) -> tuple[Hint, ...]:
    mac = lease.mac
    if mac is None:
        return ()
    hints = [Hint(HintKey.MAC, mac, mac), *(Hint(HintKey.HOSTNAME, name, mac) for name in dict.fromkeys(lease.names))]
    if lease.parameters:
        hints.append(Hint(HintKey.DHCP_FINGERPRINT, ",".join(map(str, lease.parameters)), mac))
    if lease.vendor_class:
        hints.append(Hint(HintKey.DHCP_VENDOR_CLASS, lease.vendor_class, mac))
    if lease.client:
        hints.append(Hint(HintKey.IP, lease.client, mac))
    return tuple(hints)
