"""The file of a snapshot: whole, bounded, the same bytes for the same content, and an error a person can read for all else."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.detect import snapshot as container
from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.codec import encode
from hauberk.errors import InputError

_SETS = st.sets(st.tuples(st.text(st.characters(codec="utf-8"), max_size=8), st.text(st.characters(codec="utf-8"), max_size=8)))


def small() -> Snapshot:
    """A snapshot with a state, an array and something learned."""
    part = Part(encode({"a": [1, 2.5, {"x"}], "b": np.arange(50)}), {"threshold": 3.0}, True, 10.0, None)
    return Snapshot(Baseline({("02:00:00:00:00:01",)}, until=12.5), {"flood": part}, {"attempts": part}, "1.2.3")


@cache
def dumped() -> bytes:
    """``small`` as a file."""
    return small().dump()


def entries(content: bytes) -> dict[str, bytes]:
    """The entries of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(content: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


@given(macs=_SETS, masters=_SETS, until=st.none() | st.floats(0, 4e9))
def test_what_was_learned_survives(macs: set[tuple[str, ...]], masters: set[tuple[str, ...]], until: float | None) -> None:
    """Round trip, and the same bytes for the same content."""
    baseline = Baseline(macs=macs, masters=masters, until=until)
    content = Snapshot(baseline, {}, {}, "1").dump()
    loaded = Snapshot.load(content)
    assert loaded.baseline == baseline
    assert loaded.dump() == content


def test_the_file_says_what_it_is() -> None:
    """Any tool that unpacks can read what was learned."""
    head = json.loads(entries(dumped())["baseline.json"])
    assert (head["format"], head["version"], head["product"]) == ("hauberk-baseline", 3, "1.2.3")
    assert head["baseline"]["macs"] == [["02:00:00:00:00:01"]]
    assert head["detectors"]["flood"]["parameters"] == {"threshold": 3.0}
    assert Snapshot.load(dumped()).dump() == dumped()


@settings(deadline=None)
@given(st.data())
def test_damaged_files(data: st.DataObject) -> None:
    """Cut off, flipped, with bytes put in or taken out: refused, or read as what it was."""
    content = bytearray(dumped())
    place = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["cut", "flip", "insert", "remove", "swap"])):
        case "cut":
            del content[place:]
        case "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        case "insert":
            content[place:place] = data.draw(st.binary(min_size=1, max_size=30))
        case "remove":
            del content[place : place + data.draw(st.integers(1, 30))]
        case _:
            content = content[place:] + content[:place]
    try:
        loaded = Snapshot.load(bytes(content))
    except InputError:
        return
    assert loaded.dump() == dumped()


@settings(deadline=None)
@given(st.data())
def test_wrong_words_in_a_whole_archive(data: st.DataObject) -> None:
    """Anything in the place of anything in the head: refused, or harmless."""
    parts = entries(dumped())
    head = orjson.loads(parts["baseline.json"])
    where: Any = head
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [value for value in where.values() if isinstance(value, dict)]
        where = data.draw(st.sampled_from(inner)) if inner else where
    numbers = st.booleans() | st.integers(-5, 1 << 40) | st.floats(allow_nan=False)
    junk: st.SearchStrategy[Any] = st.none() | numbers | st.text() | st.just([]) | st.just({})
    where[data.draw(st.sampled_from([*where, "new"]))] = data.draw(junk)
    content = archive_of({**parts, "baseline.json": orjson.dumps(head)})
    try:
        Snapshot.load(content).dump()
    except InputError:
        return


@pytest.mark.parametrize(
    "content,words",
    [
        (b"", "not a Hauberk baseline"),
        (b"PK", "damaged"),
        (b"PK\x03\x04" + bytes(200), "damaged"),
        (b"[]", "not a Hauberk baseline"),
        (b'{"format":"other"}', "not a Hauberk baseline"),
        (b'{"format":"hauberk-baseline","version":1,"macs":[]}', "version 1 .* make a new one: hauberk analyze"),
        (archive_of({}), "not a Hauberk baseline"),
        (archive_of({"baseline.json": b"{"}), "damaged"),
        (archive_of({"baseline.json": b'{"format":"hauberk-baseline","version":4}'}), "version 4 .* make a new one"),
        (archive_of({"baseline.json": b'{"format":"hauberk-baseline","version":2}'}), "version 2 .* make a new one"),
        (archive_of({"baseline.json": b'{"format":"hauberk-baseline","version":3}'}), "damaged"),
        (archive_of({"baseline.json": entries(dumped())["baseline.json"]}), "misses its entry"),
        (archive_of(entries(dumped()), zipfile.ZIP_BZIP2), "packed in an unknown way"),
    ],
)
def test_anything_else_is_refused(content: bytes, words: str) -> None:
    """With a sentence that says what to do."""
    with pytest.raises(InputError, match=words):
        Snapshot.load(content)


def test_archives_that_unpack_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large entries, many large entries, many entries, two of one name: refused at the limit."""
    whole = entries(dumped())
    monkeypatch.setattr(container, "_LARGEST_ENTRY", 1 << 16)
    monkeypatch.setattr(container, "_LARGEST_TOTAL", 1 << 18)
    monkeypatch.setattr(container, "_MOST_ENTRIES", 20)
    assert Snapshot.load(dumped()).product
    bombs = (
        {**whole, "bomb": bytes(1 << 20)},
        {**whole, **{f"bomb{number}": bytes((1 << 16) - 1) for number in range(8)}},
        {**whole, **{f"small{number}": b"" for number in range(20)}},
    )
    for bomb in bombs:
        with pytest.raises(InputError, match=r"unpacks to more|more than 20 entries"):
            Snapshot.load(archive_of(bomb))
    lying = bytearray(archive_of({"baseline.json": bytes(1 << 20)}))
    place = lying.rindex(b"PK\x01\x02") + 24
    lying[place : place + 4] = (5).to_bytes(4, "little")
    with pytest.raises(InputError):
        Snapshot.load(bytes(lying))


def test_a_state_of_another_kind_is_refused(make_traffic: Callable[[], Any]) -> None:
    """What a detector never had, in a file that is otherwise whole."""
    del make_traffic
    whole = DetectionEngine(detectors(), _Nobody()).snapshot()
    for wrong in ({"": "detect.episode.Episodes", "quiet": 1.0, "_last": ["o"]}, 5, ["l", 1], {"": "detect.nothing.Nothing"}):
        part = Part(type(whole.detectors["flood"].tree)(wrong, []), {}, False)
        bad = Snapshot.load(Snapshot(whole.baseline, {**whole.detectors, "flood": part}, whole.trackers).dump())
        with pytest.raises(InputError, match="flood"):
            DetectionEngine(detectors(), _Nobody(), snapshot=bad)


class _Nobody:
    """A fleet without devices."""

    def device(self, address: str) -> None:
        """None."""

    def kind(self, address: str) -> None:
        """None."""

    def is_local(self, address: str) -> bool:
        """Nothing is."""
        return not address

    def is_infrastructure(self, address: str) -> bool:
        """Nothing is."""
        return not address


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Nothing is shared but the bytes of one file."""
    yield
    assert Snapshot.load(dumped()).product == "1.2.3"
