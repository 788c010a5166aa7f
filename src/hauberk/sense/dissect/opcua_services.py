"""What the services of OPC UA act on and say: nodes, values and identities.

OPC 10000-4 (services) in the encoding of OPC 10000-6. ``object`` is the NodeId (``ns=2;s=Level``), several joined by commas, an
attribute other than the value behind a slash (``i=85/browse_name``), a method behind its object (``ns=1;i=7/ns=1;i=9``), or the
endpoint address a session is opened to. Passwords, tokens, nonces and signatures are passed over. Nothing here keeps state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Scalar, Value
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.opcua_names import ATTRIBUTES, IDENTITY_NODES, MODES, USER_TOKENS, VALUE, status_name
from hauberk.sense.dissect.opcua_values import (
    count,
    data_value,
    extension,
    localized,
    node_id,
    qualified,
    skip_bytes,
    skip_diagnostic,
    string,
    variant,
)
from hauberk.sense.dissect.reader import Reader

_STATUS_NODE, _BUILD_NODE = "i=2256", "i=2260"
_STATUS_TYPE, _BUILD_TYPE, _CHANGES = 864, 340, 811


class Said(NamedTuple):
    """What a service says. ``nodes``: each node it names, in order; ``handles``: what a client calls them in notifications."""

    shown: str | None = None
    value: Value = None
    hints: tuple[Hint, ...] = ()
    nodes: tuple[str, ...] = ()
    handles: tuple[int, ...] = ()


NOTHING: Final = Said()


def _flat(values: list[Scalar]) -> Value:
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def _named(nodes: list[str], limits: Limits) -> Said:
    return Said(",".join(nodes[: limits.items])[: limits.text] or None, nodes=tuple(nodes[: limits.items]))


def _read_value_id(reader: Reader) -> str:
    """Node, attribute, index range and data encoding (OPC 10000-4 clause 7.29)."""
    node, attribute = node_id(reader), reader.u32le()
    skip_bytes(reader)
    qualified(reader)
    return node if attribute == VALUE else f"{node}/{ATTRIBUTES.get(attribute) or attribute}"


def _read(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    reader.skip(12)
    return _named([_read_value_id(reader) for _ in range(count(reader))], limits)


def _read_answer(reader: Reader, limits: Limits, asked: Said) -> Said:
    values: list[Scalar] = []
    hints: list[Hint] = []
    for index in range(count(reader)):
        node = asked.nodes[index] if index < len(asked.nodes) else ""
        if node in {_STATUS_NODE, _BUILD_NODE}:
            hints.extend(_build(Reader(reader.data, reader.position, reader.end)))
        found: list[Scalar] = []
        data_value(reader, found, limits.items)
        if node in IDENTITY_NODES and found and isinstance(found[0], str) and found[0]:
            hints.append(Hint(IDENTITY_NODES[node], found[0]))
        values.extend(found[: max(0, limits.items - len(values))])
    return Said(asked.shown, _flat(values), tuple(hints))


def _build(reader: Reader) -> list[Hint]:
    """The build information inside a value that holds it, or the server status around it (OPC 10000-5 clause 12.4)."""
    if not reader.u8() & 1 or reader.u8() != 22:
        return []
    kind, body = extension(reader)
    if body is None or kind not in {_STATUS_TYPE, _BUILD_TYPE}:
        return []
    if kind == _STATUS_TYPE:
        body.skip(20)
    product_uri, vendor, product, version = (string(body) for _ in range(4))
    told = ((HintKey.BANNER, product_uri), (HintKey.VENDOR, vendor), (HintKey.MODEL, product), (HintKey.FIRMWARE, version))
    return [Hint(key, value) for key, value in told if value]


def _write(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    nodes: list[str] = []
    values: list[Scalar] = []
    for _ in range(count(reader)):
        node, attribute = node_id(reader), reader.u32le()
        skip_bytes(reader)
        data_value(reader, values, limits.items)
        nodes.append(node if attribute == VALUE else f"{node}/{ATTRIBUTES.get(attribute) or attribute}")
    return _named(nodes, limits)._replace(value=_flat(values))


def _statuses(reader: Reader, limits: Limits, asked: Said) -> Said:
    """A result for each node; shown only where one is not good."""
    codes = [status_name(reader.u32le()) for _ in range(count(reader))]
    bad = any(code != "ok" for code in codes)
    return Said(asked.shown, _flat(list(codes[: limits.items])) if bad else None)


def _call(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Object, method and arguments; those of standard methods (namespace 0) may be passwords and are not kept."""
    nodes: list[str] = []
    values: list[Scalar] = []
    for _ in range(count(reader)):
        owner, method = node_id(reader), node_id(reader)
        nodes.append(f"{owner}/{method}")
        most = limits.items if method.startswith("ns=") else 0
        found: list[Scalar] = []
        for _ in range(count(reader)):
            variant(reader, found, most)
        if most:
            values.extend(found[: max(0, most - len(values))])
    return _named(nodes, limits)._replace(value=_flat(values))


def _call_answer(reader: Reader, limits: Limits, asked: Said) -> Said:
    values: list[Scalar] = []
    codes: list[Scalar] = []
    kept = [node.rpartition("/")[2].startswith("ns=") for node in asked.nodes]
    for index in range(count(reader)):
        codes.append(status_name(reader.u32le()))
        reader.skip(4 * count(reader))
        for _ in range(count(reader)):
            skip_diagnostic(reader)
        found: list[Scalar] = []
        for _ in range(count(reader)):
            variant(reader, found, limits.items)
        if index < len(kept) and kept[index]:
            values.extend(found[: max(0, limits.items - len(values))])
    bad = any(code != "ok" for code in codes)
    return Said(asked.shown, _flat(codes[: limits.items] if bad else values))


def _browse(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    node_id(reader)
    reader.skip(16)
    nodes: list[str] = []
    for _ in range(count(reader)):
        nodes.append(node_id(reader))
        reader.skip(4)
        node_id(reader)
        reader.skip(9)
    return _named(nodes, limits)


def _nodes(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    return _named([node_id(reader) for _ in range(count(reader))], limits)


def _first_node(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Where the first member of a list begins with a node."""
    return _named([node_id(reader)] if count(reader) else [], limits)


def _deleted(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    nodes: list[str] = []
    for _ in range(count(reader)):
        nodes.append(node_id(reader))
        reader.skip(1)
    return _named(nodes, limits)


def _added(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Parent, reference, identifier, name, class, attributes, type of each node; the parent where no identifier is asked for."""
    nodes: list[str] = []
    names: list[Scalar] = []
    for _ in range(count(reader)):
        parent = node_id(reader)
        node_id(reader)
        wanted = node_id(reader)
        names.append(qualified(reader))
        reader.skip(4)
        extension(reader)
        node_id(reader)
        nodes.append(parent if wanted.rpartition(";")[2] == "i=0" else wanted)
    return _named(nodes, limits)._replace(value=_flat(names[: limits.items]))


def _history_read(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    extension(reader)
    reader.skip(5)
    nodes: list[str] = []
    for _ in range(count(reader)):
        nodes.append(node_id(reader))
        skip_bytes(reader)
        qualified(reader)
        skip_bytes(reader)
    return _named(nodes, limits)


def _history_update(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Update details of any kind begin with the node."""
    nodes: list[str] = []
    for _ in range(count(reader)):
        body = extension(reader)[1]
        if body is not None:
            nodes.append(node_id(body))
    return _named(nodes, limits)


def _monitored(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Items of a subscription: node, mode, then handle, interval, filter, queue size and order."""
    reader.skip(8)
    nodes: list[str] = []
    handles: list[int] = []
    for _ in range(count(reader)):
        nodes.append(_read_value_id(reader))
        reader.skip(4)
        handles.append(reader.u32le())
        reader.skip(8)
        extension(reader)
        reader.skip(5)
    return _named(nodes, limits)._replace(handles=tuple(handles[: limits.items]))


def _published(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """The data changes of a notification: handle and value of each (OPC 10000-4 clause 7.25)."""
    reader.skip(4)
    reader.skip(4 * count(reader))
    reader.skip(13)
    handles: list[int] = []
    values: list[Scalar] = []
    for _ in range(count(reader)):
        kind, body = extension(reader)
        if kind != _CHANGES or body is None:
            continue
        for _ in range(min(count(body), limits.items)):
            handles.append(body.u32le())
            data_value(body, values, limits.items)
    return Said(None, _flat(values), handles=tuple(handles))


class _Application(NamedTuple):
    uri: str
    product: str
    name: str
    urls: tuple[str, ...]

    def hints(self) -> tuple[Hint, ...]:
        """Name and product of the application, each once."""
        return tuple(Hint(HintKey.BANNER, value) for value in dict.fromkeys((self.name, self.product, self.uri)) if value)


def _application(reader: Reader) -> _Application:
    """URI, product, name, type, gateway, profile, addresses (OPC 10000-4 clause 7.2)."""
    uri, product, name = string(reader), string(reader), localized(reader)
    reader.skip(4)
    skip_bytes(reader)
    skip_bytes(reader)
    return _Application(uri, product, name, tuple(string(reader) for _ in range(count(reader))))


def _host_hint(url: str) -> tuple[Hint, ...]:
    """The host name in an endpoint address; numbers and this host are no names."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ()
    if not host or ":" in host or host == "localhost" or host.replace(".", "").isdigit():
        return ()
    return (Hint(HintKey.HOSTNAME, host),)


def _endpoints(reader: Reader, limits: Limits) -> Said:
    """Endpoint descriptions: address, server, certificate, mode, policy, tokens, transport, level (clause 7.14)."""
    urls: list[Scalar] = []
    hints: dict[Hint, None] = {}
    for _ in range(min(count(reader), limits.items)):
        url = string(reader)
        server = _application(reader)
        skip_bytes(reader)
        mode = reader.u32le()
        policy = string(reader).rpartition("#")[2]
        for _ in range(count(reader)):
            skip_bytes(reader)
            reader.skip(4)
            for _ in range(3):
                skip_bytes(reader)
        skip_bytes(reader)
        reader.skip(1)
        urls.append(f"{url} {MODES.get(mode) or mode} {policy}")
        hints.update(dict.fromkeys((*server.hints(), *_host_hint(url))))
    return Said(None, _flat(urls), tuple(hints))


def _endpoints_answer(reader: Reader, limits: Limits, asked: Said) -> Said:
    return _endpoints(reader, limits)._replace(shown=asked.shown)


def _address(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    return Said(string(reader) or None)


def _servers(reader: Reader, limits: Limits, asked: Said) -> Said:
    """Servers that another one knows: they are not the sender, so they give no hints."""
    found: list[Scalar] = []
    for _ in range(min(count(reader), limits.items)):
        server = _application(reader)
        found.append(server.urls[0] if server.urls else server.uri)
    return Said(asked.shown, _flat(found))


def _session(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    client = _application(reader)
    skip_bytes(reader)
    url, name = string(reader), string(reader)
    return Said(url or None, (client.name or client.uri, name), client.hints())


def _session_answer(reader: Reader, limits: Limits, asked: Said) -> Said:
    node_id(reader)
    node_id(reader)
    reader.skip(8)
    skip_bytes(reader)
    skip_bytes(reader)
    return _endpoints(reader, limits)._replace(shown=asked.shown)


def _activation(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Signature, certificates, languages, then who the user is: the kind of token, and a name where it holds one."""
    skip_bytes(reader)
    skip_bytes(reader)
    for _ in range(count(reader)):
        skip_bytes(reader)
        skip_bytes(reader)
    for _ in range(count(reader)):
        skip_bytes(reader)
    kind, body = extension(reader)
    token = USER_TOKENS.get(kind)
    if token == "user_name" and body is not None:  # noqa: S105 - the name of a kind of token
        skip_bytes(body)
        return Said(None, (token, string(body)))
    return Said(None, token)


def _channel(reader: Reader, limits: Limits, asked: Said) -> Said:  # noqa: ARG001 - one shape for all services
    """Version, issue or renewal, security mode."""
    reader.skip(8)
    mode = reader.u32le()
    return Said(None, MODES.get(mode) or mode)


BODIES: Final[dict[int, Callable[[Reader, Limits, Said], Said]]] = {
    422: _address,
    425: _servers,
    428: _address,
    431: _endpoints_answer,
    446: _channel,
    461: _session,
    464: _session_answer,
    467: _activation,
    488: _added,
    494: _first_node,
    500: _deleted,
    503: _statuses,
    506: _first_node,
    527: _browse,
    554: _first_node,
    560: _nodes,
    566: _nodes,
    631: _read,
    634: _read_answer,
    664: _history_read,
    673: _write,
    676: _statuses,
    700: _history_update,
    712: _call,
    715: _call_answer,
    751: _monitored,
    829: _published,
}
"""What reads the body of a message behind its header, by type."""
