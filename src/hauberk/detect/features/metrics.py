"""What is measured of every device in every window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class M(IntEnum):
    """Column of each metric in ``Frame.values``."""

    PACKETS_OUT = 0
    PACKETS_IN = 1
    BYTES_OUT = 2
    BYTES_IN = 3
    BEGUN = 4
    RECEIVED = 5
    PEERS = 6
    PORTS = 7
    UNANSWERED = 8
    ARP_REQUESTS = 9
    DNS_QUERIES = 10
    DNS_FAILURES = 11
    DNS_ENTROPY = 12
    OT_REQUESTS = 13
    OT_WRITES = 14
    OT_ERRORS = 15
    LOGIN_FAILURES = 16
    PUBLISHES = 17
    UPLOAD_SHARE = 18


@dataclass(frozen=True, slots=True)
class Metric:
    """One measure: its name, unit (empty for counts) and how a sentence calls it."""

    name: str
    unit: str
    phrase: str


METRICS: tuple[Metric, ...] = (
    Metric("packets_out", "", "packets sent"),
    Metric("packets_in", "", "packets received"),
    Metric("bytes_out", "B", "bytes sent"),
    Metric("bytes_in", "B", "bytes received"),
    Metric("conversations_begun", "", "conversations begun"),
    Metric("conversations_received", "", "conversations that others began with it"),
    Metric("peers", "", "peers"),
    Metric("ports", "", "different services asked for"),
    Metric("unanswered", "", "attempts without answer"),
    Metric("arp_requests", "", "addresses asked for by ARP"),
    Metric("dns_queries", "", "names looked up"),
    Metric("dns_failures", "", "look-ups of names that do not exist"),
    Metric("dns_entropy", "bit", "entropy of the names looked up"),
    Metric("ot_requests", "", "requests to controllers"),
    Metric("ot_writes", "", "writes to controllers"),
    Metric("ot_errors", "", "requests that controllers refused"),
    Metric("login_failures", "", "failed log-ins"),
    Metric("publishes", "", "messages published"),
    Metric("upload_share", "%", "share of the traffic with the outside that it sent"),
)
"""By column. Counts are per window. ``dns_entropy``: the highest Shannon entropy of a first label, in bits, 0 below 3.8.
``upload_share``: bytes sent beyond the local networks over all bytes exchanged with them, 0 where that is less than 10 kB."""

MESSAGE_METRICS = range(M.DNS_QUERIES, M.PUBLISHES + 1)
"""Those that are counted from application messages."""

ADDITIVE = tuple(metric for metric in M if metric not in {M.PEERS, M.PORTS, M.DNS_ENTROPY, M.UPLOAD_SHARE})
"""Those whose values of several windows add up."""
