"""States as plain data: what goes in comes out, to the last bit, and nothing else comes out."""

from __future__ import annotations

import math
import random
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hauberk.detect.episode import Episodes
from hauberk.detect.rows import RowBuffer
from hauberk.detect.state.arrays import dump_array, load_array
from hauberk.detect.state.codec import Tree, decode, encode
from hauberk.detect.sweep import Attempt
from hauberk.detect.window import DistinctWindow
from hauberk.errors import InputError, StateError
from hauberk.model.finding import Band, Severity, Technique
from hauberk.model.flow import ACTIVITY
from hauberk.model.hint import HintKey

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 90), 1 << 90)
    | st.floats()
    | st.text()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.sampled_from([Severity.HIGH, HintKey.SNI, Band(1.0, 2.0, math.inf), Technique("T1", "one", "ics")])
    | st.floats().map(np.float64)
    | st.integers(0, 255).map(np.uint8)
)
_KEYS: st.SearchStrategy[Hashable] = st.recursive(
    st.none() | st.integers(-(1 << 70), 1 << 70) | st.text() | st.binary() | st.floats(allow_nan=False) | st.booleans(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
_ARRAYS = hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
_STATES = st.recursive(
    _SCALARS | _ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(_KEYS, inner, max_size=4)
        | st.dictionaries(_KEYS, inner, max_size=4).map(OrderedDict)
        | st.dictionaries(_KEYS, inner, max_size=4).map(lambda content: defaultdict(list, content))
        | st.lists(inner, max_size=4).map(lambda items: deque(items, maxlen=5))
        | st.sets(_KEYS, max_size=4)
        | st.lists(st.text(max_size=1), max_size=6).map(Counter)
    ),
    max_leaves=12,
)


def through(state: object, like: object = None) -> Any:
    """``state`` written and read, by way of JSON."""
    tree = encode(state)
    return decode(Tree(orjson.loads(orjson.dumps(tree.root)), [load_array(dump_array(array)) for array in tree.arrays]), like)


def shape(value: Any) -> object:
    """Something that is equal for two values only if they are the same in type, order and every bit."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, float | np.generic):
        return type(value), np.asarray(value).tobytes()
    if isinstance(value, dict):
        return type(value), getattr(value, "default_factory", None), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return type(value), frozenset((type(item), item) for item in value)
    if isinstance(value, list | tuple | deque):
        return type(value), getattr(value, "maxlen", None), [shape(item) for item in value]
    return type(value), value


@given(_STATES)
def test_any_plain_data_comes_back_as_it_was(state: object) -> None:
    """Types, order and bits, nan and infinities among them; written again it is the same."""
    again = through(state)
    assert shape(again) == shape(state)
    assert orjson.dumps(encode(again).root) == orjson.dumps(encode(state).root)


def test_order_is_kept_where_there_is_one_and_made_where_there_is_none() -> None:
    """Dictionaries differ by their order; sets do not, however they came to be."""
    assert list(through({"b": 1, "a": 2})) == ["b", "a"]
    names = [f"name {number}" for number in range(500)]
    shuffled = random.Random(1).sample(names, len(names))  # noqa: S311 - test data
    assert encode(set(names)).root == encode(set(shuffled)).root


def test_what_stands_in_two_places_stays_one() -> None:
    """A window that two parts of a state share goes on being shared, even with itself."""
    window = DistinctWindow(5.0, 3)
    ring: list[Any] = [window, window]
    ring.append(ring)
    first, second, whole = through(ring)
    assert first is second
    assert whole[0] is first


def test_arrays_of_rows_lose_nothing_and_carry_no_slack() -> None:
    """Aligned types come back aligned; what lies between columns and behind the last row is not written."""
    rows = np.frombuffer(bytes([255]) * ACTIVITY.itemsize * 3, ACTIVITY).copy()
    again = through({"rows": rows})["rows"]
    assert again.dtype == ACTIVITY
    assert (again == rows).all()
    buffer = RowBuffer(ACTIVITY, 100)
    for _ in range(5):
        buffer.append(rows)
    assert sum(array.nbytes for array in encode(buffer).arrays) < 16 * ACTIVITY.itemsize
    restored = through(buffer, RowBuffer(ACTIVITY, 100))
    assert (restored.rows == buffer.rows).all()
    restored.append(rows)
    assert len(restored) == 18


def test_objects_of_our_classes() -> None:
    """Plain objects with their attributes, named tuples with their items."""
    episodes = Episodes(5.0)
    episodes.begin(("a", 1), 7.5)
    restored = through(episodes, Episodes(5.0))
    assert restored.goes_on(("a", 1), 8.0)
    attempt = Attempt(1.0, 2, 3, 4, 5, 6, 7, 8)
    assert through([attempt])[0] == attempt


def test_what_a_class_leaves_out_comes_from_the_fresh_state() -> None:
    """Functions and types too."""
    fresh: dict[str, Any] = {"call": len, "dtype": ACTIVITY, "type": dict}
    assert through({"call": abs, "dtype": np.dtype("u1"), "type": list}, fresh) == fresh


class Tracker:
    """Knows a fleet, which is none of its state."""

    def __init__(self, fleet: object) -> None:
        self.fleet = fleet
        self.counts: dict[str, int] = {}

    def saved(self) -> dict[str, object]:
        """All but the fleet."""
        return {"counts": self.counts}


def test_what_a_class_says_not_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fleet of a restored tracker is the one of the fresh tracker."""
    module = ModuleType("hauberk.detect.pretended")
    module.Tracker = Tracker  # type: ignore[attr-defined]  # that is what a module is for
    monkeypatch.setattr(Tracker, "__module__", module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    old, fleet = Tracker(object()), object()
    old.counts["a"] = 1
    restored = through(old, Tracker(fleet))
    assert restored.fleet is fleet
    assert restored.counts == {"a": 1}


@dataclass
class Stranger:
    """Not one of our classes."""

    x: int = 1


@pytest.mark.parametrize(
    "state",
    [Stranger(), [object()], np.array([object()]), {1: iter(())}, random.Random(1), np.zeros(1, [("a", object)])],  # noqa: S311 - test data
)
def test_what_no_state_may_hold(state: object) -> None:
    """Said while writing, as a defect of ours."""
    with pytest.raises(StateError):
        encode(state)


def test_depth_is_bounded() -> None:
    """On both ways."""
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(StateError, match="deep"):
        encode(deep)
    node: list[Any] = ["l"]
    for _ in range(50_000):
        node = ["l", node]
    with pytest.raises(InputError):
        decode(Tree(node))


@pytest.mark.parametrize(
    "root,like",
    [
        ({"": "os.system", "a": 1}, None),
        ({"": "builtins.eval"}, None),
        ({"": "detect.engine.nothing"}, None),
        ({}, None),
        ({"": "detect.episode.Episodes", "quiet": 1.0}, Episodes(1.0)),
        ({"": "detect.episode.Episodes", "quiet": 1.0, "_last": ["d"]}, Episodes(1.0)),
        ({"": "detect.episode.Episodes", "quiet": 1.0, "_last": ["o"], "begin": 3}, Episodes(1.0)),
        ({"": "detect.episode.Episodes", "quiet": 1.0, "_last": ["o"], "__class__": 3}, Episodes(1.0)),
        ({"": "detect.window.DistinctWindow", "seconds": 1}, Episodes(1.0)),
        ({"": "detect.sweep.Attempt", "items": [1, 2]}, None),
        ({"": "model.finding.Severity", "value": 77}, None),
        (["d", 1], None),
        (["d", ["l"], 1], None),
        (["s", ["l"]], None),
        (["q", -1], None),
        (["q", "x"], None),
        (["D", "system"], None),
        (["D", "="], None),
        (["="], None),
        (["="], 5),
        (["&", 0], None),
        (["&", -1], None),
        (["a", 0, 0, "C", 5], None),
        (["a", -1, 0, "C", 5], None),
        (["a"], None),
        (["n", "O", "00"], None),
        (["n", "<f8", "00"], None),
        (["f", "zz"], None),
        (["i"], None),
        (["?", 1], None),
        ([], None),
        ("text", 5),
        (5, "text"),
        (["l"], ("a",)),
        (5, np.zeros(3)),
    ],
)
def test_what_a_file_may_not_ask_for(root: object, like: object) -> None:
    """Classes that are none of ours, attributes that are methods, types that a fresh state does not have: an error of input."""
    with pytest.raises(InputError):
        decode(Tree(root), like)


def test_arrays_of_other_types_are_refused() -> None:
    """By columns and dimensions."""
    for other in (np.zeros(3, "f4"), np.zeros((3, 1)), np.zeros(3, ACTIVITY)):
        with pytest.raises(InputError):
            decode(encode(other), np.zeros(3))


def test_an_array_is_handed_out_once() -> None:
    """Else a small file could ask for one array a million times."""
    tree = encode([np.arange(100)])
    assert isinstance(tree.root, list)
    decode(tree)
    with pytest.raises(InputError, match="more arrays than there are"):
        decode(Tree([*tree.root, tree.root[-1]], tree.arrays))


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_damaged_arrays(noise: bytes, place: int, byte: int) -> None:
    """A length that is not followed by as much, a type of objects, noise: an error, and no memory taken for it."""
    whole = dump_array(np.arange(10))
    changed = bytearray(whole)
    changed[place % len(whole)] = byte
    for content in (noise, bytes(changed), whole[:place], whole.replace(b"(10,)", b"(1 << 40,)"), whole.replace(b"<i8", b"|O ")):
        try:
            array = load_array(content)
        except InputError:
            continue
        assert array.nbytes <= len(whole)
