"""Which domain name stands behind an address, from what the traffic itself says.

Sources: answers to questions for A and AAAA records (RFC 1035; the name asked for, not the last alias of a CNAME chain), multicast
DNS and LLMNR announcements (RFC 6762, RFC 4795), the server name of TLS and QUIC client hellos (RFC 6066 section 3) and the host
of HTTP requests (RFC 9110 section 7.2). None of these is authenticated: who can forge an answer can lend an address a name.

Registrable domains follow the Public Suffix List as bundled with ``tldextract``; nothing is fetched and nothing is cached on disk.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort_right
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from hauberk.model.hint import HintKey
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

if TYPE_CHECKING:
    from tldextract import TLDExtract

_MOST_ADDRESSES = 1 << 16
_MOST_NAMES = 32
"""Changes of name that are remembered for one address: services share addresses, and names alternate."""
_LONGEST_NAME = 253
_LOOKUPS = frozenset({1, 28})
"""Questions whose answers are addresses: A and AAAA."""
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")

Said = tuple[float, str]
"""When (epoch seconds of the traffic) a name was said, and the name."""


class Names:
    """Names of addresses, by the time they were said.

    Bounded: ``addresses`` of them, each with ``names`` changes of name; what was said longest ago is forgotten first.
    """

    __slots__ = ("_addresses", "_names", "_said")

    def __init__(self, addresses: int = _MOST_ADDRESSES, names: int = _MOST_NAMES) -> None:
        self._addresses = addresses
        self._names = names
        self._said: dict[str, list[Said]] = {}

    def observe(self, batch: Observations) -> None:
        """Learn what the messages of ``batch`` say."""
        for message in batch.transactions:
            protocol = message[2]
            if protocol in _RESOLVERS:
                self._resolved(message)
            elif protocol in _SERVERS and message.role == "request" and message.object:
                host = message.object
                self._say(message.dst, message.time, _http_host(host) if protocol == "http" else host)

    def name(self, address: str, before: float) -> str | None:
        """The name last said for ``address`` before the traffic time ``before`` (epoch seconds)."""
        said = self._said.get(address)
        if said is None:
            return None
        at = bisect_left(said, before, key=_when)
        return said[at - 1][1] if at else None

    def names(self, address: str, before: float) -> tuple[str, ...]:
        """Every name remembered for ``address`` and said before ``before`` (epoch seconds), the last first."""
        said = self._said.get(address, [])
        return tuple(dict.fromkeys(name for _, name in reversed(said[: bisect_left(said, before, key=_when)])))

    def add(self, other: Names) -> None:
        """Take in what another one knows."""
        for address, said in other._said.items():
            for time, name in said:
                self._say(address, time, name)

    def state(self) -> dict[str, list[Said]]:
        """Everything learned, as plain data, by address and in the order in which addresses are forgotten."""
        return {address: list(said) for address, said in self._said.items()}

    def restore(self, state: Mapping[str, Sequence[Sequence[float | str]]]) -> None:
        """Take over what ``state`` gave, lists standing for tuples where it went through JSON."""
        self._said = {address: [(float(time), str(name)) for time, name in said] for address, said in state.items()}

    def _resolved(self, message: Transaction) -> None:
        if message.protocol == "dns":
            if message.role == "response" and message.code in _LOOKUPS and message.object and isinstance(message.value, tuple):
                for answer in message.value:
                    if isinstance(answer, str) and is_address(answer):
                        self._say(answer, message.time, message.object)
            return
        for hint in message.hints:
            if hint.key is HintKey.HOSTNAME and hint.about is not None:
                suffix = ".local" if message.protocol == "mdns" else ""
                self._say(hint.about, message.time, hint.value + suffix)

    def _say(self, address: str, time: float, spoken: str) -> None:
        name = spoken.rstrip(".").lower()
        if not _is_name(name):
            return
        said = self._said.pop(address, None)
        if said is None:
            said = []
            if len(self._said) >= self._addresses:
                del self._said[next(iter(self._said))]
        self._said[address] = said
        if not said or time >= said[-1][0]:
            if said and said[-1][1] == name:
                return
            said.append((time, name))
        else:
            insort_right(said, (time, name), key=_when)
        if len(said) > self._names:
            del said[0]


_RESOLVERS = frozenset({"dns", "mdns", "llmnr"})
_SERVERS = frozenset({"tls", "quic", "http"})


def _when(said: Said) -> float:
    return said[0]


@lru_cache(maxsize=1 << 12)
def _http_host(shown: str) -> str:
    """The host of a request's ``host[:port]/path``; empty where it has none."""
    return shown.partition("/")[0].partition(":")[0]


@lru_cache(maxsize=1 << 14)
def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None and not is_address(text)


@lru_cache(maxsize=1 << 16)
def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address and no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1 << 16)
def registered(domain: str) -> str:
    """The registrable domain of ``domain``: ``example.co.uk`` of ``a.b.example.co.uk``.

    Addresses, single labels, public suffixes and names under no public suffix (``printer.local``) are given back as they are, in
    lower case without a final dot.
    """
    name = domain.rstrip(".").lower()
    if "." not in name or not _is_name(name):
        return name
    return str(_suffixes().extract_str(name).top_domain_under_public_suffix) or name


@cache
def _suffixes() -> TLDExtract:
    from tldextract import TLDExtract  # noqa: PLC0415 - takes a tenth of a second that most commands need not spend

    return TLDExtract(cache_dir=None, suffix_list_urls=())
