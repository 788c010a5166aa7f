"""Builds observations by hand: a small network that speaks. Tests get it as the fixture ``traffic``."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from hauberk.model.address import ip_halves, mac_number
from hauberk.model.flow import ACTIVITY, CLAIM, CLAIM_ARP_REPLY, CLAIM_ARP_REQUEST, CLAIM_ND_ADVERTISEMENT
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Columns, Observations
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import Transaction

START = 1_700_000_000.0
"""When every story begins, in epoch seconds."""
_NS = 1_000_000_000


@dataclass
class Traffic:
    """Rows and messages in order of their making; each method adds what it names."""

    activity: list[Columns] = field(default_factory=list)
    claims: list[Columns] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)

    def talk(
        self,
        a: str,
        b: str,
        *,
        macs: tuple[str | None, str | None] = (None, None),
        service: str = "",
        port: int = 0,
        packets: tuple[int, int] = (3, 3),
        at: float = 0.0,
    ) -> Traffic:
        """A conversation of one second between two IP addresses, both of which said something unless ``packets`` has a zero."""
        row = np.zeros((), ACTIVITY)
        row["a_hi"], row["a_lo"] = ip_halves(a)
        row["b_hi"], row["b_lo"] = ip_halves(b)
        row["ip_version"] = 6 if ":" in a else 4
        row["transport"] = 6
        for side, mac, count in (("a", macs[0], packets[0]), ("b", macs[1], packets[1])):
            row[f"{side}_mac"] = mac_number(mac) if mac and count else 0
        row["packets_out"], row["packets_in"] = packets
        row["payload_out"], row["payload_in"] = (100 * count for count in packets)
        row["service"] = SERVICE_NUMBER[service]
        row["a_port"], row["b_port"] = 50000, port
        row["start"] = row["end"] = int((START + at) * _NS)
        self.activity.append(row)
        return self

    def frames(self, mac: str, ethertype: int, *, to: str = "01:0c:cd:01:00:01", service: str = "", at: float = 0.0) -> Traffic:
        """Frames without IP."""
        row = np.zeros((), ACTIVITY)
        row["a_lo"] = row["a_mac"] = mac_number(mac)
        row["b_lo"] = mac_number(to)
        row["a_port"] = row["b_port"] = ethertype
        row["packets_out"] = 2
        row["service"] = SERVICE_NUMBER[service]
        row["start"] = row["end"] = int((START + at) * _NS)
        self.activity.append(row)
        return self

    def arp(self, mac: str, ip: str, *, asks: str | None = None, at: float = 0.0) -> Traffic:
        """An ARP or neighbour discovery message in which ``mac`` says it owns ``ip``."""
        row = np.zeros((), CLAIM)
        row["mac"] = mac_number(mac)
        row["hi"], row["lo"] = ip_halves(ip)
        row["target_hi"], row["target_lo"] = ip_halves(asks or ip)
        row["kind"] = CLAIM_ND_ADVERTISEMENT if ":" in ip else CLAIM_ARP_REQUEST if asks else CLAIM_ARP_REPLY
        row["time"] = int((START + at) * _NS)
        self.claims.append(row)
        return self

    def say(self, src: str, protocol: str, *hints: Hint, at: float = 0.0) -> Traffic:
        """A message that gives something away."""
        self.transactions.append(
            Transaction(1, START + at, protocol, src, 1, "224.0.0.251", 2, "event", "said", None, None, None, "ok", False, hints)
        )
        return self

    def asks_name(self, src: str, name: str, *, at: float = 0.0) -> Traffic:
        """A query to a name server."""
        self.transactions.append(
            Transaction(1, START + at, "dns", src, 5000, "192.168.1.1", 53, "request", "query", 1, name, None, "ok", False, ())
        )
        return self

    def lease(self, mac: str, ip: str, *hints: Hint, server: str = "192.168.1.1", at: float = 0.0) -> Traffic:
        """A DHCP acknowledgement, with what the client said of itself."""
        about = tuple(Hint(hint.key, hint.value, mac) for hint in hints)
        return self.say(server, "dhcp", Hint(HintKey.MAC, mac, mac), Hint(HintKey.IP, ip, mac), *about, at=at)

    def batch(self) -> Observations:
        """Everything at once."""
        return Observations(
            activity=np.stack(self.activity) if self.activity else np.empty(0, ACTIVITY),
            claims=np.stack(self.claims) if self.claims else np.empty(0, CLAIM),
            transactions=list(self.transactions),
        )

    def pieces(self) -> list[Observations]:
        """Every row and message in a batch of its own."""
        rows = [Observations(activity=row.reshape(1)) for row in self.activity]
        rows += [Observations(claims=row.reshape(1)) for row in self.claims]
        return rows + [Observations(transactions=[transaction]) for transaction in self.transactions]


@pytest.fixture
def traffic() -> Traffic:
    """An empty story."""
    return Traffic()
