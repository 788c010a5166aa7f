"""Conversations judged against MUD files, and MUD files written from conversations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.mud import CLASSES, Conversation, Policy, is_judged
from hauberk.detect.mud_learn import Subject, conditions, learn
from hauberk.detect.profile import Peer, Talk
from hauberk.formats.mud import dump, load
from hauberk.model.mud import AccessList, Entry, Ethernet, Icmp, Internet, Matches, MudFile, Party, Ports, Tcp, Udp

DEVICE, CLOUD, NEAR, ROUTER, SIBLING = "10.0.0.7", "198.51.100.9", "10.0.0.8", "10.0.0.1", "10.0.0.9"
TCP, UDP, ICMP = 6, 17, 1


class Place:
    """A network of its own."""

    def is_local(self, address: str) -> bool:
        """True in one network."""
        return address.startswith(("10.", "fe80:"))

    def is_infrastructure(self, address: str) -> bool:
        """True for the router."""
        return address == ROUTER

    def same_maker(self, address: str) -> bool:
        """True for the sibling."""
        return address == SIBLING

    def made_by(self, address: str, maker: str) -> bool:
        """True for the sibling, of one maker."""
        return address == SIBLING and maker == "maker.example"


def talk(
    remote: str,
    port: int = 443,
    transport: int = TCP,
    *names: str,
    began: bool = True,
    ports: tuple[int, int] = (50000, 50009),
    certain: bool = True,
    answered: bool = True,
) -> Conversation:
    """A conversation of the device."""
    peer = Peer(began, 6 if ":" in remote else 4, transport, remote, port)
    seen = Talk(10, 20, *ports, 1, 1, certain, answered, answered)
    return Conversation(peer, seen, DEVICE, names)


def policy(*matches: Matches, to: Matches | None = None, forwarding: str = "accept", kind: str | None = "ipv4-acl-type") -> Policy:
    """A policy with one from-device entry for each condition, and maybe one to-device entry."""
    lists = [AccessList("from", kind, tuple(Entry(f"f{at}", match, forwarding) for at, match in enumerate(matches)))]
    if to is not None:
        lists.append(AccessList("to", kind, (Entry("t", to, forwarding),)))
    names = None if to is None else ("to",)
    file = MudFile("https://x.example/m.json", "2026-01-01T00:00:00Z", supported=True, from_device=("from",), to_device=names)
    return Policy.of(
        MudFile(file.url, file.last_update, supported=True, from_device=("from",), to_device=names, lists=tuple(lists)),
        {"https://x.example/hub": {NEAR}},
        {NEAR},
    )


def covered(chosen: Policy, conversation: Conversation) -> bool:
    """Whether an entry accepts it."""
    rule = chosen.decide(conversation, Place())
    return rule is not None and rule.accepts


@pytest.mark.parametrize(
    "matches,inside,outside",
    [
        (Matches(ipv4=Internet(protocol=6)), talk(CLOUD), talk(CLOUD, 53, UDP)),
        (Matches(ipv4=Internet(destination_network="198.51.100.0/24")), talk(CLOUD), talk("203.0.113.1")),
        (Matches(ipv4=Internet(source_network="10.0.0.0/30")), talk(CLOUD)._replace(local="10.0.0.2"), talk(CLOUD)),
        (Matches(ipv4=Internet(destination_name="api.example.com")), talk(CLOUD, 443, TCP, "api.example.com"), talk(CLOUD)),
        (
            Matches(ipv4=Internet(destination_name="B.example.")),
            talk(CLOUD, 443, TCP, "a", "b.example"),
            talk(CLOUD, 443, TCP, "a"),
        ),
        (Matches(tcp=Tcp(destination=Ports("eq", 443))), talk(CLOUD), talk(CLOUD, 80)),
        (Matches(tcp=Tcp(destination=Ports(port=443))), talk(CLOUD), talk(CLOUD, 443, UDP)),
        (Matches(tcp=Tcp(destination=Ports("neq", 443))), talk(CLOUD, 80), talk(CLOUD, 443)),
        (Matches(tcp=Tcp(destination=Ports("lte", 443))), talk(CLOUD, 443), talk(CLOUD, 444)),
        (Matches(tcp=Tcp(destination=Ports("gte", 443))), talk(CLOUD, 443), talk(CLOUD, 442)),
        (Matches(udp=Udp(destination=Ports(lower=5, upper=9))), talk(CLOUD, 9, UDP), talk(CLOUD, 10, UDP)),
        (Matches(udp=Udp(destination=Ports(lower=5))), talk(CLOUD, 5, UDP), talk(CLOUD, 6, UDP)),
        (Matches(udp=Udp(source=Ports("eq", 68))), talk(CLOUD, 67, UDP, ports=(68, 68)), talk(CLOUD, 67, UDP, ports=(67, 68))),
        (Matches(icmp=Icmp(8, 0)), talk(NEAR, 0, ICMP), talk(NEAR, 0, ICMP, began=False)),
        (Matches(icmp=Icmp(13)), talk(NEAR, 13, ICMP), talk(NEAR, 17, ICMP)),
        (Matches(party=Party(local_networks=True)), talk(NEAR), talk(CLOUD)),
        (Matches(party=Party(local_networks=True)), talk("224.0.0.251", 5353, UDP), talk(CLOUD, 5353, UDP)),
        (Matches(party=Party(controller=CLASSES[0])), talk(ROUTER, 53, UDP), talk(CLOUD, 53, UDP)),
        (Matches(party=Party(controller="https://x.example/hub")), talk(NEAR), talk(ROUTER)),
        (Matches(party=Party(my_controller=True)), talk(NEAR), talk(ROUTER)),
        (Matches(party=Party(same_manufacturer=True)), talk(SIBLING), talk(NEAR)),
        (Matches(party=Party(manufacturer="maker.example")), talk(SIBLING), talk(NEAR)),
        (Matches(party=Party(model="https://maker.example/m")), talk(CLOUD)._replace(local=DEVICE), None),
        (Matches(eth=Ethernet(ethertype=0x0800)), talk(CLOUD), talk("fe80::1")),
        (Matches(eth=Ethernet("FF:ff:ff:ff:ff:ff")), talk("255.255.255.255", 67, UDP), talk(NEAR, 67, UDP)),
    ],
)
def test_an_entry_covers_what_it_describes(matches: Matches, inside: Conversation, outside: Conversation | None) -> None:
    """Each condition by itself: what meets it is covered, what misses it narrowly is not."""
    chosen = policy(matches, kind=None)
    if outside is None:
        assert not covered(chosen, inside)
        return
    assert covered(chosen, inside)
    assert not covered(chosen, outside)


def test_what_nobody_describes_is_not_covered() -> None:
    """The default is to deny, in either direction."""
    chosen = policy(Matches(ipv4=Internet(destination_network="198.51.100.9/32")))
    assert covered(chosen, talk(CLOUD))
    assert chosen.decide(talk(CLOUD, began=False), Place()) is None


def test_answers_follow_the_conversation() -> None:
    """A to-device entry covers what others begin, with ports the other way round."""
    chosen = policy(to=Matches(ipv4=Internet(source_network="10.0.0.8/32"), tcp=Tcp(destination=Ports("eq", 80))))
    assert covered(chosen, talk(NEAR, 80, began=False))
    assert not covered(chosen, talk(NEAR, 80))
    assert not covered(chosen, talk(CLOUD, 80, began=False))


def test_who_began_counts_only_where_it_was_seen() -> None:
    """``direction-initiated`` binds where the request was seen; without, either direction will do."""
    begun = Matches(tcp=Tcp(destination=Ports("eq", 443), initiated="to-device"))
    assert not covered(policy(begun), talk(CLOUD))
    assert covered(policy(begun), talk(CLOUD, certain=False))
    back = Matches(ipv4=Internet(source_network="198.51.100.9/32"))
    assert not covered(policy(to=back), talk(CLOUD))
    assert covered(policy(to=back), talk(CLOUD, certain=False))


def test_the_first_entry_that_matches_decides() -> None:
    """An entry that drops is named, and hides what comes later."""
    everything = Matches(ipv4=Internet())
    file = MudFile(
        "https://x.example/m.json",
        "2026-01-01T00:00:00Z",
        supported=True,
        from_device=("l",),
        lists=(
            AccessList(
                "l",
                "ipv4-acl-type",
                (
                    Entry("never", Matches(tcp=Tcp(destination=Ports("eq", 23))), "ietf-access-control-list:drop"),
                    Entry("else", everything, "ietf-access-control-list:accept"),
                ),
            ),
        ),
    )
    chosen = Policy.of(file)
    forbidden = chosen.decide(talk(CLOUD, 23), Place())
    assert forbidden is not None
    assert (forbidden.entry.name, forbidden.accepts) == ("never", False)
    assert covered(chosen, talk(CLOUD, 443))
    assert not covered(chosen, talk("fe80::1"))


@pytest.mark.parametrize(
    "conversation,judged",
    [
        (talk(CLOUD, answered=False), True),
        (talk(CLOUD, 80, began=False), True),
        (talk(CLOUD, 80, began=False, answered=False), False),
        (talk(CLOUD, 3, ICMP), False),
        (talk("fe80::1", 135, 58), False),
        (talk(CLOUD, 0, ICMP), True),
    ],
)
def test_only_the_devices_own_doing_is_judged(conversation: Conversation, judged: bool) -> None:
    """Scans it did not answer, errors and link upkeep are nobody's policy."""
    assert is_judged(conversation) == judged


def learned(*conversations: Conversation) -> tuple[MudFile, list[Conversation]]:
    """The file, which must be legal, and what was left out."""
    found = learn(Subject("https://x.example/m.json", "m"), conversations, Place())
    assert load(dump(found.file)).file == found.file
    return found.file, list(found.left_out)


def entries(file: MudFile, prefix: str) -> list[Matches]:
    """Conditions of the lists whose name begins so."""
    return [entry.matches for item in file.lists if item.name.startswith(prefix) for entry in item.entries]


@pytest.mark.parametrize(
    "conversation,expected",
    [
        (
            talk(CLOUD, 443, TCP, "new.example", "old.example"),
            Matches(ipv4=Internet(6, destination_name="new.example"), tcp=Tcp(None, Ports("eq", 443), "from-device")),
        ),
        (
            talk(CLOUD, 123, UDP),
            Matches(ipv4=Internet(17, destination_network="198.51.100.9/32"), udp=Udp(None, Ports("eq", 123))),
        ),
        (
            talk(ROUTER, 53, UDP, "router.local"),
            Matches(ipv4=Internet(17), udp=Udp(None, Ports("eq", 53)), party=Party(controller=CLASSES[0])),
        ),
        (talk(ROUTER, 67, UDP), Matches(ipv4=Internet(17), udp=Udp(None, Ports("eq", 67)), party=Party(local_networks=True))),
        (talk(SIBLING, 9, UDP), Matches(ipv4=Internet(17), udp=Udp(None, Ports("eq", 9)), party=Party(same_manufacturer=True))),
        (
            talk("224.0.0.251", 5353, UDP, answered=False),
            Matches(
                ipv4=Internet(17, destination_network="224.0.0.251/32"),
                udp=Udp(None, Ports("eq", 5353)),
                party=Party(local_networks=True),
            ),
        ),
        (talk(NEAR, 0, ICMP), Matches(ipv4=Internet(1), icmp=Icmp(8, 0), party=Party(local_networks=True))),
        (
            talk("224.0.0.22", 0, 2),
            Matches(ipv4=Internet(2, destination_network="224.0.0.22/32"), party=Party(local_networks=True)),
        ),
    ],
)
def test_the_widest_true_word_is_learned(conversation: Conversation, expected: Matches) -> None:
    """Names before addresses, classes before networks."""
    file, left_out = learned(conversation)
    assert entries(file, "from-ipv4") == [expected]
    assert not left_out


def test_what_others_begin_is_learned_with_the_devices_port() -> None:
    """The service is the source of what the device sends and the destination of what it gets."""
    file, _ = learned(talk(NEAR, 80, began=False))
    assert entries(file, "from-ipv4")[0].tcp == Tcp(Ports("eq", 80), None, "to-device")
    assert entries(file, "to-ipv4")[0].tcp == Tcp(None, Ports("eq", 80), "to-device")


def test_attempts_and_scans_are_not_learned() -> None:
    """Neither what the device tried in vain nor who scanned it; but a name it asked for is on purpose."""
    tried, scanned = talk(CLOUD, 23, answered=False), talk(CLOUD, 80, began=False, answered=False)
    file, left_out = learned(tried, scanned, talk(CLOUD, 8883, TCP, "mq.example", answered=False))
    assert left_out == [tried]
    assert [match.tcp for match in entries(file, "from")] == [Tcp(None, Ports("eq", 8883), "from-device")]


def test_nothing_learned_is_a_file_that_allows_nothing() -> None:
    """No lists, but a legal file."""
    file, _ = learned()
    assert not file.lists
    assert Policy.of(file).decide(talk(CLOUD), Place()) is None


def test_many_ports_of_one_remote_become_a_range() -> None:
    """Ports that are handed out at random are generalised; services of many remotes are not."""
    assert conditions({CLOUD: {21, *range(40000, 40005)}}) == [Ports("eq", 21), Ports(lower=1024, upper=65535)]
    assert conditions({f"10.0.0.{at}": {2000 + at} for at in range(9)}) == [Ports("eq", 2000 + at) for at in range(9)]


CONVERSATIONS = st.builds(
    lambda remote, port, transport, name, began, certain, answered: talk(
        remote, port if transport != ICMP else 0, transport, *name, began=began, certain=certain, answered=answered
    ),
    st.sampled_from([CLOUD, NEAR, ROUTER, SIBLING, "203.0.113.4", "224.0.0.251", "255.255.255.255", "fe80::5", "2001:db8::1"]),
    st.integers(1, 65535),
    st.sampled_from([TCP, UDP, ICMP, 2, 47]),
    st.sampled_from([(), ("a.example",), ("b.example", "a.example")]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(CONVERSATIONS, max_size=30))
def test_a_learned_file_covers_what_it_was_learned_from(conversations: list[Conversation]) -> None:
    """Judged by its own file, a device deviates only in what was left out; a new remote deviates."""
    groups = ("224.0.0.251", "255.255.255.255")
    possible = [one for one in conversations if one.peer.initiated or one.peer.remote not in groups]
    file, left_out = learned(*possible)
    chosen = Policy.of(file)
    for conversation in possible:
        if is_judged(conversation) and conversation not in left_out:
            assert covered(chosen, conversation)
    assert not covered(chosen, talk("192.0.2.77", 443))
    assert not covered(chosen, talk("192.0.2.77", 443, began=False))
