"""Reading and writing MUD files."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.formats.mud import LARGEST, dump, load, value_of
from hauberk.formats.mud_reading import MudError, Repair

EXAMPLE: dict[str, Any] = orjson.loads((Path(__file__).parents[1] / "conformance" / "rfc8520" / "example.json").read_bytes())
MUD, ACLS = "ietf-mud:mud", "ietf-access-control-list:acls"
Change = Callable[[dict[str, Any]], object]


def changed(*changes: Change) -> bytes:
    """The example with changes."""
    value = copy.deepcopy(EXAMPLE)
    for change in changes:
        change(value)
    return orjson.dumps(value)


def refused(content: bytes) -> dict[str, str]:
    """Reasons by place."""
    with pytest.raises(MudError) as caught:
        load(content)
    return {problem.place: problem.reason for problem in caught.value.problems}


def repaired(content: bytes) -> tuple[dict[str, Any], tuple[Repair, ...]]:
    """What a lenient reading makes of ``content``; it must be legal."""
    loaded = load(content, lenient=True)
    assert load(dump(loaded.file)).file == loaded.file
    return value_of(loaded.file), loaded.repairs


def entry(value: dict[str, Any], access_list: int, number: int) -> dict[str, Any]:
    """One entry."""
    found: dict[str, Any] = value[ACLS]["acl"][access_list]["aces"]["ace"][number]
    return found


def ports(value: dict[str, Any]) -> dict[str, Any]:
    """The destination port of the first entry."""
    found: dict[str, Any] = entry(value, 0, 0)["matches"]["tcp"]
    return found


@pytest.mark.parametrize(
    "change,place,kind",
    [
        (lambda v: v[MUD].pop("mud-version"), "$.ietf-mud:mud", "completed"),
        (lambda v: v[MUD].pop("last-update"), "$.ietf-mud:mud", "completed"),
        (lambda v: v[MUD].pop("is-supported"), "$.ietf-mud:mud", "completed"),
        (lambda v: v[MUD].update({"mud-version": "1"}), "$.ietf-mud:mud.mud-version", "converted"),
        (lambda v: v[MUD].update({"is-supported": "True"}), "$.ietf-mud:mud.is-supported", "converted"),
        (lambda v: v[MUD].update({"is-supported": []}), "$.ietf-mud:mud.is-supported", "completed"),
        (lambda v: v[MUD].update({"last-update": "yesterday"}), "$.ietf-mud:mud.last-update", "completed"),
        (lambda v: v[MUD].update({"cache-validity": 200}), "$.ietf-mud:mud.cache-validity", "left_out"),
        (lambda v: v[MUD].update({"cache-validity": 48.0}), "$.ietf-mud:mud.cache-validity", "converted"),
        (lambda v: v[MUD].update({"mfg-name": 7}), "$.ietf-mud:mud.mfg-name", "left_out"),
        (lambda v: v[MUD].update({"extensions": "ol"}), "$.ietf-mud:mud.extensions", "converted"),
        (lambda v: v.update({"mud": v.pop(MUD)}), "$.mud", "renamed_key"),
        (
            lambda v: v.update({"ietf-access-control-list:access-lists": v.pop(ACLS)}),
            "$.ietf-access-control-list:access-lists",
            "renamed_key",
        ),
        (
            lambda v: v[MUD]["to-device-policy"].update({"access_lists": v[MUD]["to-device-policy"].pop("access-lists")}),
            "$.ietf-mud:mud.to-device-policy.access_lists",
            "renamed_key",
        ),
        (
            lambda v: v[MUD]["to-device-policy"]["access-lists"]["access-list"].append({"name": "none"}),
            "$.ietf-mud:mud.to-device-policy.access-lists.access-list[2]",
            "left_out",
        ),
        (
            lambda v: v[MUD]["from-device-policy"]["access-lists"]["access-list"].insert(0, "out-4"),
            "$.ietf-mud:mud.from-device-policy.access-lists.access-list[0]",
            "converted",
        ),
        (lambda v: v[ACLS]["acl"][3].update({"type": "ethernet-acl-type"}), f"$.{ACLS}.acl[3].type", "replaced_word"),
        (lambda v: v[ACLS]["acl"][0].update({"type": "ipv6-acl-type"}), f"$.{ACLS}.acl[0].type", "retyped_list"),
        (lambda v: v[ACLS]["acl"][1].update({"name": "out-4"}), f"$.{ACLS}.acl[1].name", "left_out"),
        (lambda v: entry(v, 0, 1).update({"name": "readings"}), f"$.{ACLS}.acl[0].aces.ace[1].name", "renamed_entry"),
        (
            lambda v: entry(v, 0, 0)["actions"].update({"forwarding": "permit"}),
            f"$.{ACLS}.acl[0].aces.ace[0].actions.forwarding",
            "replaced_word",
        ),
        (
            lambda v: entry(v, 0, 0).update({"actions/forwarding": entry(v, 0, 0).pop("actions")["forwarding"]}),
            f"$.{ACLS}.acl[0].aces.ace[0]['actions/forwarding']",
            "renamed_key",
        ),
        (
            lambda v: ports(v).update({"destination-port": 8883}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port",
            "converted",
        ),
        (
            lambda v: ports(v)["destination-port"].update({"port": "8883"}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port.port",
            "converted",
        ),
        (
            lambda v: ports(v)["destination-port"].update({"port": 70000}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port.port",
            "left_out",
        ),
        (
            lambda v: ports(v).update({"destination-port": {"operator": "range", "lower-port": 1, "upper-port": 9}}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port.operator",
            "replaced_word",
        ),
        (
            lambda v: ports(v).update({"destination-port": {"port-range": {"lower-port": 1}}}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port.port-range",
            "renamed_key",
        ),
        (
            lambda v: ports(v).update({"destination-port": {"lower-port": 9, "upper-port": 1}}),
            f"$.{ACLS}.acl[0].aces.ace[0].matches.tcp.destination-port",
            "left_out",
        ),
        (
            lambda v: entry(v, 1, 0)["matches"]["ipv6"].update({"destination-ipv6-network": "fe80:0::1"}),
            f"$.{ACLS}.acl[1].aces.ace[0].matches.ipv6.destination-ipv6-network",
            "completed",
        ),
        (
            lambda v: entry(v, 1, 0)["matches"]["ipv6"].update({"destination-ipv6-network": "10.0.0.1"}),
            f"$.{ACLS}.acl[1].aces.ace[0].matches.ipv6.destination-ipv6-network",
            "left_out",
        ),
        (
            lambda v: entry(v, 0, 4)["matches"]["ietf-mud:mud"].update({"my-controller": None}),
            f"$.{ACLS}.acl[0].aces.ace[4].matches.ietf-mud:mud.my-controller",
            "converted",
        ),
        (
            lambda v: entry(v, 3, 0)["matches"]["eth"].update({"ethertype": "0x888e"}),
            f"$.{ACLS}.acl[3].aces.ace[0].matches.eth.ethertype",
            "converted",
        ),
        (
            lambda v: entry(v, 3, 0)["matches"]["eth"].update({"destination-mac-address": "01-80-C2-00-00-03"}),
            f"$.{ACLS}.acl[3].aces.ace[0].matches.eth.destination-mac-address",
            "converted",
        ),
        (lambda v: entry(v, 0, 0)["matches"].update({"udp": {}}), f"$.{ACLS}.acl[0].aces.ace[0].matches", "left_out"),
        (lambda v: entry(v, 0, 0).pop("actions"), f"$.{ACLS}.acl[0].aces.ace[0]", "left_out"),
        (lambda v: v[ACLS]["acl"][2]["aces"].update({"ace": entry(v, 2, 0)}), f"$.{ACLS}.acl[2].aces.ace", "converted"),
    ],
)
def test_a_slip_is_refused_with_its_place_and_repaired_when_asked(change: Change, place: str, kind: str) -> None:
    """Every kind of slip: the strict reader names it, the lenient one repairs it and says so."""
    content = changed(change)
    assert place in refused(content)
    _, repairs = repaired(content)
    assert kind in {repair.kind for repair in repairs if repair.place == place}


@pytest.mark.parametrize(
    "change,place",
    [
        (lambda v: v.pop(MUD), "$"),
        (lambda v: v.update({MUD: [1]}), "$.ietf-mud:mud"),
        (lambda v: v[MUD].pop("mud-url"), "$.ietf-mud:mud"),
        (lambda v: v[MUD].update({"mud-url": 7}), "$.ietf-mud:mud.mud-url"),
        (lambda v: v[ACLS].update({"acl": 3}), f"$.{ACLS}.acl"),
        (
            lambda v: entry(v, 0, 3)["matches"]["ipv4"].update({"protocol": 999}),
            f"$.{ACLS}.acl[0].aces.ace[3].matches.ipv4.protocol",
        ),
    ],
)
def test_what_cannot_be_repaired_is_refused_by_both_readers(change: Change, place: str) -> None:
    """No place for policies, no URL; and an entry that forbids is never left out, which would permit more."""
    content = changed(change)
    assert place in refused(content)
    with pytest.raises(MudError) as caught:
        load(content, lenient=True)
    assert place in {problem.place for problem in caught.value.problems}


def test_all_problems_are_told_at_once() -> None:
    """An author sees every slip in one go."""
    content = changed(
        lambda v: v[MUD].pop("mud-version"),
        lambda v: v[MUD].update({"cache-validity": 0}),
        lambda v: ports(v).update({"destination-port": 7}),
    )
    assert len(refused(content)) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff",
        b'{"ietf-mud:mud": {"x": ' + b"[" * 100 + b"]" * 100 + b"}}",
        b"[" * 100_000,
        b" " * (LARGEST + 1),
    ],
    ids=["empty", "cut", "list", "number", "not text", "deep", "too deep", "large"],
)
def test_what_is_no_mud_file_is_refused(content: bytes) -> None:
    """Broken, deep and oversized input ends in the one error."""
    for lenient in (False, True):
        with pytest.raises(MudError):
            load(content, lenient=lenient)


def test_the_number_of_lists_and_entries_is_bounded() -> None:
    """A small file cannot make large work."""
    many = changed(lambda v: v[ACLS].update({"acl": [{"name": str(at), "aces": {}} for at in range(300)]}))
    assert f"$.{ACLS}.acl[256]" in refused(many)
    entries = [{"name": str(at), "matches": {}, "actions": {"forwarding": "accept"}} for at in range(17_000)]
    assert f"$.{ACLS}.acl[0].aces.ace[16384]" in refused(changed(lambda v: v[ACLS]["acl"][0]["aces"].update({"ace": entries})))


def test_unknown_keys_move_with_their_entries() -> None:
    """What an extension said stays with its entry when one before it is left out."""
    value, _ = repaired(
        changed(lambda v: entry(v, 2, 0).update({"example:x": {"y": [1]}}), lambda v: v[ACLS]["acl"].insert(0, {"no": "name"}))
    )
    assert value[ACLS]["acl"][2]["aces"]["ace"][0]["example:x"] == {"y": [1]}
    assert value[MUD]["ol:ol"] == EXAMPLE[MUD]["ol:ol"]


def spots(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a JSON value but the root."""
    if isinstance(value, dict):
        return [spot for key, item in value.items() for spot in ((*place, key), *spots(item, (*place, key)))]
    if isinstance(value, list):
        return [spot for at, item in enumerate(value) for spot in ((*place, at), *spots(item, (*place, at)))]
    return []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70000) | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["accept", "drop", "eq", "range", "0x0800", "10.0.0.0/8", "::1", "ipv4-acl-type", "out-4", "1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "port", "ipv4", "aces", "ace", "x:y"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The example after some accidents."""
    value = copy.deepcopy(EXAMPLE)
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(spots(value)))
        node: Any = value
        for step in way:
            node = node[step]
        accident = draw(st.sampled_from(["remove", "replace", "rename", "double"]))
        if accident == "remove":
            del node[last]
        elif accident == "replace":
            node[last] = draw(JSON)
        elif accident == "rename" and isinstance(last, str):
            node[draw(st.sampled_from([last.replace("-", "_"), last.rpartition(":")[2], "ietf-mud:" + last, "x"]))] = node.pop(last)
        elif isinstance(node, list):
            node.append(copy.deepcopy(node[0]))
        if not spots(value):
            break
    return value


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_accidents_end_in_a_file_or_in_the_error(value: dict[str, Any]) -> None:
    """Only ``MudError`` escapes; what is accepted comes back the same; what is repaired is legal and repaired no more."""
    content = orjson.dumps(value)
    refusal: MudError | None = None
    try:
        strict = load(content)
    except MudError as error:
        refusal = error
    else:
        assert load(dump(strict.file)).file == strict.file
        assert without_empty(value_of(strict.file)) == without_empty(value)
    with suppress(MudError):
        lenient = load(content, lenient=True)
        assert load(dump(lenient.file)).file == lenient.file
        assert bool(lenient.repairs) == (refusal is not None)


def without_empty(value: object) -> object:
    """A value without empty containers, which stand for absent ones."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value


@given(st.binary(max_size=200) | JSON.map(orjson.dumps))
def test_any_bytes_end_in_a_file_or_in_the_error(content: bytes) -> None:
    """Only ``MudError`` escapes."""
    for lenient in (False, True):
        with suppress(MudError):
            assert load(content, lenient=lenient).file.url
