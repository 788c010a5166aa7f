"""Names behind addresses, as the traffic says them."""

from __future__ import annotations

import string

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.names import Names, registered
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Observations
from hauberk.model.transaction import Role, Transaction, Value

CLIENT, SERVER, RESOLVER = "192.168.1.7", "198.51.100.9", "192.168.1.1"
NEVER = float("inf")


def message(
    time: float,
    protocol: str,
    role: Role,
    thing: str | None,
    value: Value = None,
    *,
    code: int | None = 1,
    ends: tuple[str, str] = (CLIENT, SERVER),
    hints: tuple[Hint, ...] = (),
) -> Transaction:
    """A message with only what names are read from."""
    return Transaction(1, time, protocol, ends[0], 4000, ends[1], 443, role, "query", code, thing, value, "ok", False, hints)


def answer(time: float, name: str, *addresses: str) -> Transaction:
    """A resolver's answer."""
    return message(time, "dns", "response", name, addresses, ends=(RESOLVER, CLIENT))


def learned(*messages: Transaction, **bounds: int) -> Names:
    """What one batch teaches."""
    names = Names(**bounds)
    names.observe(Observations(transactions=list(messages)))
    return names


def test_the_name_asked_for_is_kept_not_its_alias() -> None:
    """A CNAME chain ends in an address of the name that was asked for."""
    names = learned(answer(1, "cam.example.com", "edge.cdn.example.net", SERVER, "198.51.100.10"))
    assert names.name(SERVER, NEVER) == "cam.example.com"
    assert names.name("198.51.100.10", NEVER) == "cam.example.com"


@pytest.mark.parametrize("code,role", [(16, "response"), (12, "response"), (None, "response"), (1, "request")])
def test_only_answers_to_address_questions_count(code: int | None, role: Role) -> None:
    """A text record or a pointer that looks like an address names nothing."""
    assert learned(message(1, "dns", role, "txt.example.com", (SERVER,), code=code)).name(SERVER, NEVER) is None


@pytest.mark.parametrize(
    "protocol, thing, expected",
    [
        ("tls", "Api.Example.com", "api.example.com"),
        ("quic", "api.example.com.", "api.example.com"),
        ("http", "www.example.com:8080/path?x=http://other", "www.example.com"),
        ("http", "/path", None),
        ("http", f"{SERVER}:8080/path", None),
        ("http", "[2001:db8::1]/path", None),
        ("tls", SERVER, None),
        ("tls", None, None),
        ("tls", "a" * 254, None),
        ("tls", "not a name", None),
    ],
)
def test_the_name_a_client_asks_a_server_for(protocol: str, thing: str | None, expected: str | None) -> None:
    """Server name indication and HTTP hosts name the server; addresses and oddities do not."""
    assert learned(message(1, protocol, "request", thing)).name(SERVER, NEVER) == expected


def test_a_response_does_not_name_the_client() -> None:
    """A server hello or HTTP response names nobody."""
    assert learned(message(1, "tls", "response", "api.example.com", ends=(SERVER, CLIENT))).name(CLIENT, NEVER) is None


@pytest.mark.parametrize("protocol, expected", [("mdns", "lamp.local"), ("llmnr", "lamp")])
def test_a_device_says_its_local_name(protocol: str, expected: str) -> None:
    """Multicast announcements name local addresses."""
    said = message(1, protocol, "response", None, code=None, hints=(Hint(HintKey.HOSTNAME, "lamp", "192.168.1.9"),))
    assert learned(said).name("192.168.1.9", NEVER) == expected


def test_the_last_name_before_a_time_counts() -> None:
    """What is said at a time is known only after it."""
    names = learned(answer(10, "old.example.com", SERVER), answer(20, "new.example.com", SERVER))
    assert [names.name(SERVER, before) for before in (10, 10.1, 20, 20.1)] == [
        None,
        "old.example.com",
        "old.example.com",
        "new.example.com",
    ]
    assert names.names(SERVER, NEVER) == ("new.example.com", "old.example.com")


def test_late_messages_take_their_place_in_time() -> None:
    """A message that comes out of order does not become the last word."""
    names = learned(answer(20, "new.example.com", SERVER), answer(10, "old.example.com", SERVER))
    assert names.name(SERVER, NEVER) == "new.example.com"
    assert names.name(SERVER, 15) == "old.example.com"


def test_the_address_named_longest_ago_is_forgotten() -> None:
    """The bound on addresses holds, and speaking of an address again keeps it."""
    names = learned(
        *(answer(at, f"h{at}.example.com", f"10.0.0.{at}") for at in range(1, 4)),
        answer(4, "h1.example.com", "10.0.0.1"),
        answer(5, "h5.example.com", "10.0.0.5"),
        addresses=3,
    )
    assert sorted(names.state()) == ["10.0.0.1", "10.0.0.3", "10.0.0.5"]


def test_the_oldest_name_of_an_address_is_forgotten() -> None:
    """The bound on names of one address holds."""
    names = learned(*(answer(at, f"h{at}.example.com", SERVER) for at in range(5)), names=2)
    assert names.names(SERVER, NEVER) == ("h4.example.com", "h3.example.com")


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc"), st.integers(1, 5))),
    st.integers(0, 50),
    st.integers(0, 60),
)
def test_cuts_and_snapshots_change_nothing(said: list[tuple[int, str, int]], cut: int, before: int) -> None:
    """One batch, two batches, and two with the state put through JSON between them: the same names."""
    messages = [answer(time, f"{label}.example.com", f"10.0.0.{host}") for time, label, host in sorted(said)]
    whole = learned(*messages)
    parts = learned(*(item for item in messages if item.time < cut))
    carried = Names()
    carried.restore(orjson.loads(orjson.dumps(parts.state())))
    for names in (parts, carried):
        names.observe(Observations(transactions=[item for item in messages if item.time >= cut]))
        assert names.state() == whole.state()
        assert all(names.name(f"10.0.0.{host}", before) == whole.name(f"10.0.0.{host}", before) for host in range(6))
    for host in range(6):
        earlier = [item.object for item in messages if item.value == (f"10.0.0.{host}",) and item.time < before]
        assert whole.name(f"10.0.0.{host}", before) == (earlier[-1] if earlier else None)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("WWW2.meethue.com.", "meethue.com"),
        ("example.com", "example.com"),
        ("co.uk", "co.uk"),
        ("printer.local", "printer.local"),
        ("printer", "printer"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("user@example.com", "user@example.com"),
        ("a..example.com", "a..example.com"),
        ("", ""),
    ],
)
def test_registrable_domains(name: str, expected: str) -> None:
    """One label more than the public suffix; what has no such domain stays as it is."""
    assert registered(name) == expected


@given(st.text(alphabet=string.printable, max_size=60))
def test_any_text_has_a_registrable_form(name: str) -> None:
    """The registrable domain of a registrable domain is itself, whatever the text."""
    once = registered(name)
    assert registered(once) == once
    assert name.rstrip(".").lower().endswith(once)
