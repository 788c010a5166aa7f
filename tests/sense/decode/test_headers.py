"""Headers: every link type and encapsulation, what is broken, and never a byte too far."""

from __future__ import annotations

import csv
import ipaddress
import json
import os
import struct
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hauberk.model.address import ip_text
from hauberk.sense.capture.files import open_captures
from hauberk.sense.decode.packet import (
    ERROR_DEPTH,
    ERROR_LINK,
    ERROR_NONE,
    ERROR_TRUNCATED,
    ERROR_VERSION,
    KIND_CLAIM,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_NONE,
)

V4 = 0xFFFF_0000_0000
ETHERNET, RAW, NULL, LOOP, SLL, SLL2 = 1, 101, 0, 108, 113, 276


def _who(row: np.void) -> tuple[str, int, str, int]:
    return (
        ip_text(int(row["s_hi"]), int(row["s_lo"])),
        int(row["s_port"]),
        ip_text(int(row["d_hi"]), int(row["d_lo"])),
        int(row["d_port"]),
    )


PLAIN = ("192.0.2.1", 40000, "192.0.2.2", 502)


def _label(value: int, *, bottom: bool) -> bytes:
    return struct.pack(">I", value << 12 | bottom << 8 | 64)


def _enclosed(wire: Any) -> dict[str, bytes]:
    """The same TCP segment of ``PLAIN`` in every encapsulation, as Ethernet frames."""
    packet = wire.ipv4(wire.tcp(b"payload"), 6)
    frame = wire.ethernet(packet)
    outer = ("198.51.100.1", "198.51.100.2")
    gre = {
        "gre": struct.pack(">HH", 0, 0x0800) + packet,
        "gre-checksum": struct.pack(">HHI", 0x8000, 0x0800, 0) + packet,
        "gre-key": struct.pack(">HHI", 0x2000, 0x0800, 7) + packet,
        "gre-all": struct.pack(">HHIII", 0xB000, 0x0800, 0, 7, 9) + packet,
        "gre-ethernet": struct.pack(">HH", 0, 0x6558) + frame,
        "gre-1": struct.pack(">HHHHI", 0x3001, 0x880B, 0, 0, 1) + b"\xff\x03\x00\x21" + packet,
        "gre-1-ack": struct.pack(">HHHHII", 0x3081, 0x880B, 0, 0, 1, 2) + b"\x00\x21" + packet,
        "gre-1-short": struct.pack(">HHHHI", 0x3001, 0x880B, 0, 0, 1) + b"\x21" + packet,
    }
    ipip = wire.ipv4(packet, 4, *outer)
    return {
        "plain": frame,
        "padding": frame + bytes(10),
        "vlan": wire.ethernet(struct.pack(">HH", 5, 0x0800) + packet, 0x8100),
        "qinq": wire.ethernet(struct.pack(">HHHH", 5, 0x8100, 6, 0x0800) + packet, 0x88A8),
        "options": wire.ethernet(wire.ipv4(wire.tcp(b"payload", options=bytes(12)), 6, options=bytes(8))),
        "offload": wire.ethernet(wire.ipv4(wire.tcp(b"payload"), 6, total=0)),
        "snap": wire.ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + packet, 8 + len(packet)),
        "mpls": wire.ethernet(_label(1, bottom=False) + _label(2, bottom=True) + packet, 0x8847),
        "mpls-ethernet": wire.ethernet(_label(2, bottom=True) + frame, 0x8847),
        "mpls-control-word": wire.ethernet(_label(2, bottom=True) + bytes(4) + frame, 0x8847),
        "pppoe": wire.ethernet(struct.pack(">BBHHH", 0x11, 0, 1, len(packet) + 2, 0x0021) + packet, 0x8864),
        "802.1ah": wire.ethernet(bytes(4) + frame, 0x88E7),
        "ipip": wire.ethernet(ipip),
        "vxlan": wire.ethernet(wire.ipv4(wire.udp(b"\x08" + bytes(7) + frame, 5555, 4789), 17, *outer)),
        "ip-in-ipv6": wire.ethernet(wire.ipv6(packet, 4), 0x86DD),
        **{name: wire.ethernet(wire.ipv4(inside, 47, *outer)) for name, inside in gre.items()},
    }


def test_every_encapsulation_leads_to_the_same_segment(wire: Any) -> None:
    """Addresses, ports, sequence number and payload of the innermost packet, whatever is around it."""
    for name, frame in _enclosed(wire).items():
        row = wire.row(frame)
        assert (_who(row), row["error"], row["kind"], row["transport"]) == (PLAIN, ERROR_NONE, KIND_FLOW, 6), name
        start, size = int(row["payload"]), int(row["payload_size"])
        assert (frame[start : start + size], row["seq"], row["flags"], row["missing"]) == (b"payload", 1, 0x18, 0), name


def test_the_outermost_tag_is_the_vlan(wire: Any) -> None:
    """802.1ad: the service tag, not the customer's."""
    frames = _enclosed(wire)
    assert [wire.row(frames[name])["vlan"] for name in ("plain", "vlan", "qinq")] == [0, 5, 5]


@pytest.mark.parametrize("link", [RAW, 228, 229, NULL, LOOP, SLL, SLL2])
def test_every_link_type_leads_to_ip(wire: Any, link: int) -> None:
    """Raw IP, the two loopback kinds in either byte order, and Linux cooked captures."""
    packet = wire.ipv4(wire.tcp(), 6)
    heads = {
        NULL: [struct.pack("<I", 2), struct.pack(">I", 2)],
        LOOP: [struct.pack(">I", 2), struct.pack("<I", 2)],
        SLL: [struct.pack(">HHH", 0, 1, 6) + wire.A + bytes(2) + b"\x08\x00"],
        SLL2: [struct.pack(">HHIHBB", 0x0800, 0, 1, 1, 0, 6) + wire.A + bytes(2)],
    }
    for head in heads.get(link, [b""]):
        row = wire.row(head + packet, link)
        assert (_who(row), row["error"]) == (PLAIN, ERROR_NONE)
        assert row["s_mac"] == (0x020000000001 if link in {SLL, SLL2} else 0)


def test_ipv6_is_found_on_links_that_name_it_differently(wire: Any) -> None:
    """The loopback families 24, 28 and 30 of the BSDs, and the EtherType of a cooked capture."""
    packet = wire.ipv6(wire.udp(), 17)
    cooked = struct.pack(">HHH", 0, 1, 6) + wire.A + bytes(2) + b"\x86\xdd"
    for head, link in [(struct.pack("<I", family), NULL) for family in (24, 28, 30)] + [(cooked, SLL), (b"", RAW)]:
        assert _who(wire.row(head + packet, link)) == ("2001:db8::1", 40000, "2001:db8::2", 53)


def test_a_cooked_capture_holds_llc_frames(wire: Any) -> None:
    """Protocol 4 of a cooked header is an 802.2 header, here with SNAP."""
    head = struct.pack(">HHH", 0, 1, 6) + wire.A + bytes(2) + b"\x00\x04"
    row = wire.row(head + b"\xaa\xaa\x03\0\0\0\x08\x00" + wire.ipv4(wire.tcp(), 6), SLL)
    assert _who(row) == PLAIN


def test_an_unknown_link_type_is_an_error(wire: Any) -> None:
    """Nothing is guessed."""
    row = wire.row(bytes(60), 147)
    assert (row["error"], row["kind"]) == (ERROR_LINK, KIND_NONE)


def test_arp_is_a_claim(wire: Any) -> None:
    """RFC 826: sender and target; operations other than request and reply claim nothing."""
    for operation in (1, 2):
        row = wire.row(wire.ethernet(wire.arp(operation), 0x0806))
        assert (row["kind"], row["claim"], row["ip_version"]) == (KIND_CLAIM, operation, 0)
        assert (int(row["s_lo"]), int(row["s_mac"])) == (V4 | 0xC0000201, 0x020000000001)
        assert (int(row["d_lo"]), int(row["d_mac"])) == (V4 | 0xC0000202, 0x020000000002)
    assert wire.row(wire.ethernet(wire.arp(3), 0x0806))["kind"] == KIND_NONE


def test_arp_in_a_tunnel_keeps_nothing_of_the_tunnel(wire: Any) -> None:
    """A claim made inside VXLAN over IPv6 has IPv4 addresses only."""
    inside = b"\x08" + bytes(7) + wire.ethernet(wire.arp(2), 0x0806)
    row = wire.row(wire.ethernet(wire.ipv6(wire.udp(inside, 5, 4789), 17), 0x86DD))
    assert (row["kind"], row["ip_version"], row["s_hi"], row["d_hi"], row["s_port"]) == (KIND_CLAIM, 0, 0, 0, 0)


def test_ping_and_goose_in_a_tunnel_keep_nothing_of_the_tunnel(wire: Any) -> None:
    """The ports of the tunnel are not the ping's; a frame without IP is between its own hardware addresses."""
    ping = wire.ethernet(wire.ipv4(b"\x08" + bytes(7), 1))
    row = wire.row(wire.ethernet(wire.ipv4(wire.udp(b"\x08" + bytes(7) + ping, 5, 4789), 17)))
    assert (row["transport"], row["s_port"], row["d_port"]) == (1, 0, 0)
    goose = wire.ethernet(bytes(30), 0x88B8)
    row = wire.row(wire.ethernet(wire.ipv4(wire.udp(b"\x08" + bytes(7) + goose, 5, 4789), 17)))
    assert (row["ip_version"], row["d_port"], row["s_lo"], row["payload_size"]) == (0, 0x88B8, 0x020000000001, 30)


@pytest.mark.parametrize("kind, claim", [(135, 3), (136, 4), (133, 0)])
def test_neighbour_discovery_is_a_flow_and_a_claim(wire: Any, kind: int, claim: int) -> None:
    """RFC 4861 sections 4.3 and 4.4."""
    row = wire.row(wire.ethernet(wire.ipv6(bytes([kind]) + bytes(23), 58), 0x86DD))
    assert (row["kind"], row["claim"], row["s_port"]) == (KIND_FLOW, claim, kind)


def test_ipv6_extensions_are_walked(wire: Any) -> None:
    """Hop-by-hop, routing, destination options, authentication, an atomic fragment, then TCP (RFC 8200 section 4.1)."""
    chain = (
        bytes([43, 0]) + bytes(6) + bytes([60, 1]) + bytes(14) + bytes([51, 0]) + bytes(6) + bytes([44, 4]) + bytes(22)
        + bytes([6, 0]) + bytes(6)
    )  # fmt: skip
    row = wire.row(wire.ethernet(wire.ipv6(chain + wire.tcp(b"x"), 0), 0x86DD))
    assert (row["error"], row["transport"], row["d_port"], row["payload_size"]) == (ERROR_NONE, 6, 502, 1)


def test_6in4_reads_the_inner_addresses(wire: Any) -> None:
    """RFC 4213."""
    row = wire.row(wire.ethernet(wire.ipv4(wire.ipv6(wire.udp(), 17), 41)))
    assert _who(row) == ("2001:db8::1", 40000, "2001:db8::2", 53)


def test_an_empty_ipv6_packet_has_no_payload(wire: Any) -> None:
    """No next header (RFC 8200 section 4.7): the padding of the frame is not its payload."""
    row = wire.row(wire.ethernet(wire.ipv6(b"", 59) + bytes(6), 0x86DD))
    assert (row["error"], row["payload_size"], row["missing"]) == (ERROR_NONE, 0, 0)


def test_icmp_echo_is_one_conversation_and_errors_are_their_own(wire: Any) -> None:
    """Request and reply have ports 0, other types their number."""
    ports = [int(wire.row(wire.ethernet(wire.ipv4(bytes([kind]) + bytes(7), 1)))["d_port"]) for kind in (8, 0, 3, 11)]
    assert ports == [0, 0, 3, 11]


def test_a_frame_without_ip_is_between_hardware_addresses(wire: Any) -> None:
    """The EtherType stands for the port, the DSAP for frames with a length; what the capture cut is known."""
    row = wire.rows(wire.block([wire.ethernet(bytes(20), 0x88B8)], wire=[50]))[0]
    assert (row["kind"], row["ip_version"], row["s_port"], row["missing"]) == (KIND_FLOW, 0, 0x88B8, 16)
    row = wire.row(wire.ethernet(b"\x42\x42\x03" + bytes(40), 38))
    assert (row["d_port"], row["ethertype"]) == (0x42, 0x42)


def test_fragments_are_left_to_reassembly(wire: Any) -> None:
    """First, middle and last, of either version."""
    v4 = [wire.ipv4(bytes(8), 17, more=True), wire.ipv4(bytes(8), 17, at=8)]
    v6 = [wire.ipv6(struct.pack(">BBHI", 17, 0, word, 1) + bytes(8), 44) for word in (1, 8)]
    rows = wire.rows(wire.block([wire.ethernet(p) for p in v4] + [wire.ethernet(p, 0x86DD) for p in v6]))
    assert (rows["kind"] == KIND_FRAGMENT).all()
    assert rows["network_size"].tolist() == [28, 28, 56, 56]


@pytest.mark.parametrize(
    "broken, error",
    [
        ({"head": 0x55}, ERROR_VERSION),
        ({"head": 0x44}, ERROR_VERSION),
        ({"head": 0x4F}, ERROR_TRUNCATED),
        ({"tcp": 0x40}, ERROR_VERSION),
        ({"tcp": 0xF0}, ERROR_TRUNCATED),
    ],
)
def test_contradictions_are_errors(wire: Any, broken: dict[str, int], error: int) -> None:
    """Version and header lengths that cannot be; the conversation is kept where the addresses are sound."""
    frame = bytearray(wire.ethernet(wire.ipv4(wire.tcp(b"x"), 6)))
    if "head" in broken:
        frame[14] = broken["head"]
    else:
        frame[46] = broken["tcp"]
    row = wire.row(bytes(frame))
    assert row["error"] == error
    assert row["kind"] == (KIND_FLOW if "tcp" in broken else KIND_NONE)
    assert row["payload_size"] == 0


def test_endless_nesting_is_an_error(wire: Any) -> None:
    """More headers than are followed."""
    packet = wire.tcp()
    for _ in range(12):
        packet = wire.ipv4(packet, 4)
    assert wire.row(wire.ethernet(packet))["error"] == ERROR_DEPTH
    assert wire.row(wire.ethernet(_label(1, bottom=False) * 40, 0x8847))["error"] == ERROR_DEPTH


def test_cut_payload_is_missing_and_cut_headers_are_not_payload(wire: Any) -> None:
    """Where the sequence number or the length of the header is unknown nothing may be counted as lost payload."""
    frame = wire.ethernet(wire.ipv4(wire.tcp(bytes(100), options=bytes(12)), 6))
    seen = {size: wire.row(frame[:size]) for size in (len(frame) - 40, 66, 60, 50, 40, 34)}
    assert [(int(row["payload_size"]), int(row["missing"])) for row in seen.values()] == [
        (60, 40), (0, 100), (0, 100), (0, 0), (0, 0), (0, 0),
    ]  # fmt: skip
    assert [int(row["d_port"]) for row in seen.values()] == [502, 502, 502, 502, 502, 0]


def test_a_frame_cut_anywhere_is_noted(wire: Any) -> None:
    """Cut at every byte: what belongs to no conversation has an error, and payload never exceeds what is there."""
    for name, frame in _enclosed(wire).items():
        rows = wire.rows(wire.block([frame[:size] for size in range(len(frame))], wire=[len(frame)] * len(frame)))
        for size, row in enumerate(rows):
            assert row["kind"] != KIND_NONE or row["error"] == ERROR_TRUNCATED, (name, size)
            assert int(row["payload_size"]) <= size


def test_no_frame_is_read_past_its_end(wire: Any, tmp_path: Path) -> None:
    """Thousands of damaged frames in buffers of their exact size, with Numba's bounds checks on."""
    chain = bytes([43, 0]) + bytes(6) + bytes([60, 1]) + bytes(14) + bytes([51, 0]) + bytes(6) + bytes([6, 4]) + bytes(22)
    frames = [
        *_enclosed(wire).values(),
        wire.ethernet(wire.arp(), 0x0806),
        wire.ethernet(wire.ipv6(chain + wire.tcp(b"x"), 0), 0x86DD),
        wire.ethernet(wire.ipv6(bytes([136]) + bytes(23), 58), 0x86DD),
        wire.ethernet(wire.ipv6(struct.pack(">BBHI", 17, 0, 1, 1) + bytes(8), 44), 0x86DD),
    ]
    script = Path(__file__).with_name("header_fuzz.py")
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        env=environment,
        cwd=tmp_path,
        input=json.dumps([frame.hex() for frame in frames]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("sound\n", 0), done.stderr


CAPTURES = (
    "captures/parser-ndpi/IEC104.pcap",
    "captures/parser-ndpi/ftp.pcap",
    "captures/parser-ndpi/coap_mqtt.pcap",
    "captures/parser-ndpi/knxip.pcapng",
    "captures/parser-ndpi/synscan.pcap",
    "captures/parser-ndpi/upnp.pcap",
    "captures/parser-zeek/modbus/modbusSmall.pcap",
    "captures/parser-zeek/modbus/fuzz-1011.pcap",
    "captures/parser-zeek/modbus/fuzz-72.pcap",
)


@pytest.mark.parametrize("name", CAPTURES)
def test_addresses_and_ports_agree_with_tshark(data: Path, tshark: str, name: str) -> None:
    """Of the innermost header, packet by packet, in at least 99.9 %."""
    fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")
    command = [tshark, "-n", "-r", str(data / name), "-o", "ip.defragment:FALSE", "-T", "fields", "-E", "occurrence=l"]
    for field in fields:
        command += ["-e", field]
    command += ["-e", "ip.proto", "-e", "icmp.type", "-e", "icmpv6.type"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = list(csv.reader(told.splitlines(), delimiter="\t"))
    ours: list[tuple[str, str, int, int] | None] = []
    with open_captures([data / name]) as source:
        from_blocks = _Rows()
        for block in source.blocks():
            ours.extend(from_blocks.of(block))
    differ = []
    for number, (row, mine) in enumerate(zip_longest(expected, ours), 1):
        src, dst = row[2] or row[0], row[3] or row[1]
        sport, dport = row[4] or row[6], row[5] or row[7]
        icmp = row[9] or row[10]
        if not src or icmp:  # tshark shows the packet inside an ICMP error as its innermost
            continue
        theirs = (_canonical(src), _canonical(dst), int(sport or 0), int(dport or 0))
        if mine != theirs:
            differ.append((number, theirs, mine))
    assert len(differ) <= len(expected) * 0.001, differ[:5]


def _canonical(address: str) -> str:
    return str(ipaddress.ip_address(address))


class _Rows:
    """Decodes blocks of a capture."""

    def of(self, block: Any) -> list[tuple[str, str, int, int] | None]:
        """Source, destination and ports of each packet, None where there is no IP."""
        from hauberk.sense.decode.headers import decode  # noqa: PLC0415 - only this test reads whole captures
        from hauberk.sense.decode.packet import PACKET  # noqa: PLC0415 - same

        rows = np.zeros(block.count, PACKET)
        columns = block.data, block.offset, block.captured, block.wire, block.time, block.link, block.vlan, block.frame
        decode(*columns, 0, block.count, rows)
        found: list[tuple[str, str, int, int] | None] = []
        for row in rows:
            src, sport, dst, dport = _who(row)
            found.append((src, dst, sport, dport) if row["ip_version"] else None)
        return found
