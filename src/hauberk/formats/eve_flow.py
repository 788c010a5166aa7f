"""Suricata's flow events as rows of activity and flows (EVE JSON, event type ``flow``).

Suricata counts frames and their bytes, but no payload: what is left after the headers a packet must have stands for it. Of TCP it
keeps all flags each side sent, not how often.
"""

from __future__ import annotations

from hauberk.errors import InputError
from hauberk.formats.log_connection import (
    ICMP,
    ICMP6,
    NO_CONTROL,
    TCP,
    UDP,
    Connection,
    control_of_flags,
    halves,
    hardware,
    service_number,
    transport_number,
)
from hauberk.formats.log_record import Record

_ETHERNET = 14
_IP = {4: 20, 6: 40}
_TRANSPORT = {TCP: 20, UDP: 8, ICMP: 8, ICMP6: 8}
_MOST_ID = (1 << 64) - 1


def _flags(tcp: Record | None, name: str) -> int:
    """The flags of one side, two hexadecimal digits."""
    value = tcp.text(name) if tcp is not None else None
    if value is None:
        return 0
    try:
        return int(value, 16) & 0xFF
    except ValueError as error:
        raise InputError("TCP flags that are none") from error


def _mac(record: Record, *names: str) -> int:
    """The first hardware address of a side; 0 where none is told."""
    ether = record.part("ether")
    if ether is None:
        return 0
    for name in names:
        value = ether.raw(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, str):
            return hardware(value)
    return 0


def connection(record: Record) -> Connection:
    """The columns of one flow event. Raises ``InputError``."""
    flow = record.part("flow")
    if flow is None:
        raise InputError("a flow event without flow")
    start = flow.time("start") if "start" in flow else record.time("timestamp")
    end = flow.time("end") if "end" in flow else start
    if end < start:
        raise InputError("a flow that ends before it begins")
    source, destination = record.text("src_ip"), record.text("dest_ip")
    a, b = halves(source), halves(destination)
    version = 6 if ":" in (source or "") else 4
    transport = transport_number(record.text("proto"), v6=version == 6)
    packets_out, packets_in = flow.count("pkts_toserver"), flow.count("pkts_toclient")
    bytes_out, bytes_in = flow.count("bytes_toserver"), flow.count("bytes_toclient")
    headers = _ETHERNET + _IP[version] + _TRANSPORT.get(transport, 0)
    a_port, b_port = record.count("src_port", 0xFFFF), record.count("dest_port", 0xFFFF)
    control = NO_CONTROL
    if transport == TCP:
        tcp = record.part("tcp")
        control = control_of_flags(_flags(tcp, "tcp_flags_ts"), _flags(tcp, "tcp_flags_tc"), packets_out, packets_in)
    elif transport in {ICMP, ICMP6}:
        a_port = b_port = 0
    vlan = record.raw("vlan")
    return Connection(
        record.count("flow_id", _MOST_ID),
        start,
        end,
        *a,
        *b,
        _mac(record, "src_macs", "src_mac"),
        _mac(record, "dest_macs", "dest_mac"),
        packets_out,
        packets_in,
        bytes_out,
        bytes_in,
        max(bytes_out - headers * packets_out, 0),
        max(bytes_in - headers * packets_in, 0),
        control.syn_out,
        control.syn_in,
        control.rst_out,
        control.rst_in,
        a_port,
        b_port,
        vlan[0] & 0xFFF if isinstance(vlan, list) and vlan and isinstance(vlan[0], int) else 0,
        version,
        transport,
        service_number(record.text("app_proto"), b_port),
        control.state,
        control.flags_out,
        control.flags_in,
    )
