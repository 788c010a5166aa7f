"""Devices, flows and transactions as plain records with the keys that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hauberk.model.address import ip_text, mac_text
from hauberk.model.device import Device
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICES
from hauberk.model.transaction import Transaction

Record = dict[str, object]

_TRANSPORTS = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    89: "ospf",
    103: "pim",
    112: "vrrp",
    132: "sctp",
}
_PORTED = frozenset({6, 17})


def transaction_record(transaction: Transaction) -> Record:
    """A transaction under its published keys."""
    frame, time, protocol, src, src_port, dst, dst_port, role, operation, code, what, value, status, write, _ = transaction
    return {
        "frame": frame,
        "time": time,
        "protocol": protocol,
        "src": src,
        "src_port": src_port,
        "dst": dst,
        "dst_port": dst_port,
        "role": role,
        "operation": operation,
        "code": code,
        "object": what,
        "value": value,
        "status": status,
        "write": write,
    }


def flow_records(flows: Columns) -> Iterator[Record]:
    """Conversations under their published keys."""
    columns = (
        "start", "end", "a_hi", "a_lo", "b_hi", "b_lo", "a_port", "b_port", "ip_version", "transport", "service",
        "packets_out", "packets_in", "bytes_out", "bytes_in",
    )  # fmt: skip
    for row in zip(*(flows[name].tolist() for name in columns), strict=True):
        (
            start,
            end,
            a_hi,
            a_lo,
            b_hi,
            b_lo,
            a_port,
            b_port,
            version,
            transport,
            service,
            packets_out,
            packets_in,
            bytes_out,
            bytes_in,
        ) = row
        ported = version and transport in _PORTED
        yield {
            "start": start / 1e9,
            "end": end / 1e9,
            "initiator": ip_text(a_hi, a_lo) if version else mac_text(a_lo),
            "initiator_port": a_port if ported else None,
            "responder": ip_text(b_hi, b_lo) if version else mac_text(b_lo),
            "responder_port": b_port if ported else None,
            "transport": transport_name(version, transport),
            "service": SERVICES[service] or None,
            "packets_out": packets_out,
            "packets_in": packets_in,
            "bytes_out": bytes_out,
            "bytes_in": bytes_in,
        }


def transport_name(ip_version: int, transport: int) -> str:
    """Name of an IP protocol number; ``ethernet`` for conversations without IP."""
    if not ip_version:
        return "ethernet"
    return _TRANSPORTS.get(transport) or f"ip_{transport}"


def device_records(devices: Iterable[Device]) -> Iterator[Record]:
    """Device records under their published keys."""
    for device in devices:
        yield {
            "id": device.id,
            "macs": device.macs,
            "ips": device.ips,
            "hostnames": device.hostnames,
            "vendor": device.vendor,
            "kind": device.kind,
            "model": device.model,
            "firmware": device.firmware,
            "confidence": round(device.confidence, 3),
            "reasons": device.reasons,
            "protocols": device.protocols,
            "first_seen": device.first_seen,
            "last_seen": device.last_seen,
            "packets": device.packets,
        }
