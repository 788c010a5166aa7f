"""States as plain data, and back.

What JSON can say without loss stands as it is: null, true, false, integers of 64 bits, finite floats (orjson writes the shortest
text that reads back to the same bits), text. All else is a list that begins with a mark or, for an object, a JSON object with its
class under ``""``. Sets are sorted by their encoding, so equal states give equal bytes; what has an order keeps it. A mutable
thing that stands in several places is written once and stays one.

Reading makes objects of ``state_classes`` only, without calling constructors, and compares their types with those of a fresh state.
"""

from __future__ import annotations

import math
import struct
from base64 import b85decode, b85encode
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import numpy as np
import orjson

from hauberk.detect.state.arrays import Array, Pools, is_plain, packed, take
from hauberk.detect.state.classes import attributes, is_frozen, is_named_tuple, leaves_out, may_hold, required, state_classes
from hauberk.errors import InputError, StateError

_DEEPEST = 100
"""Levels of nesting; orjson writes twice as many."""
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
_FACTORIES: Final[dict[str, Callable[[], object]]] = {
    cls.__name__: cls for cls in (list, dict, set, frozenset, int, float, str, bytes, tuple, deque, OrderedDict, Counter)
}
_MAPPINGS: Final[dict[type, str]] = {dict: "d", OrderedDict: "o", Counter: "c", defaultdict: "D"}
_SEQUENCES: Final[dict[type, str]] = {list: "l", deque: "q"}
_GIVEN = "="
"""Marks what cannot be written and is the same in every fresh state: a function, a type."""
_MISSING: Final = object()
_NUMBERS = (int, float, np.generic)


@dataclass(frozen=True, slots=True)
class Tree:
    """An encoded state: ``root`` is what JSON can say, ``arrays`` are the arrays it refers to, one a type."""

    root: object
    arrays: list[Array] = field(default_factory=list)


def encode(state: object) -> Tree:
    """``state`` as it is now; raises ``StateError`` for what no state may hold."""
    encoder = _Encoder()
    root = encoder.encode(state)
    return Tree(root, encoder.pools.arrays())


def decode(tree: Tree, like: object = _MISSING) -> Any:  # noqa: ANN401 - whatever was encoded
    """The state in ``tree``; raises ``InputError`` where it is damaged, or of other types than the fresh state ``like``."""
    try:
        return _Decoder(tree).decode(tree.root, like)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, struct.error) as error:
        raise InputError(f"a saved state is damaged: {error}") from error


class _Encoder:
    """Writes one state."""

    def __init__(self) -> None:
        self.pools: Final = Pools()
        self._names = {cls: name for name, cls in state_classes().items()}
        self._numbers: dict[int, int] = {}
        self._met: list[object] = []
        self._depth = 0
        self._in_set = 0

    def encode(self, value: Any) -> object:  # noqa: ANN401 - a state is anything
        cls = type(value)
        if value is None or cls is bool:
            return value
        if cls is int:
            return value if _LEAST <= value <= _MOST else ["i", hex(value)]
        if cls is float:
            return value if math.isfinite(value) else ["f", struct.pack(">d", value).hex()]
        if cls is str:
            plain = value.isascii() or _is_text(value)
            return value if plain else ["u", b85encode(value.encode("utf-8", "surrogatepass")).decode()]
        if cls is tuple:
            return ["t", *self._items(value)]
        if cls is bytes:
            return ["b", b85encode(value).decode()]
        return self._rare(value, cls)

    def _rare(self, value: Any, cls: type) -> object:  # noqa: ANN401, PLR0911 - same
        if isinstance(value, np.generic):
            if not is_plain(value.dtype) or value.dtype.names:
                raise StateError(f"a state holds a NumPy scalar of type {value.dtype}, which cannot be kept")
            return ["n", value.dtype.str, value.tobytes().hex()]
        if cls is frozenset:
            return ["z", *self._members(value)]
        if isinstance(value, Enum):
            return {"": self._name(cls), "value": self.encode(value.value)}
        if is_named_tuple(cls):
            return {"": self._name(cls), "items": self._items(value)}
        if callable(value) or isinstance(value, np.dtype):
            return [_GIVEN]
        if is_frozen(cls):
            return self._object(value, cls)
        if cls is np.ndarray and not value.size:
            return self._array(value)  # nothing to share
        if self._in_set:
            raise StateError(f"a set of a state holds a {cls.__name__}, which can change")
        number = self._numbers.get(id(value))
        if number is not None:
            return ["&", number]
        self._numbers[id(value)] = len(self._met)
        self._met.append(value)  # else its id might serve another
        return self._shared(value, cls)

    def _shared(self, value: Any, cls: type) -> object:  # noqa: ANN401 - same
        """A thing that can change, met for the first time."""
        if cls is np.ndarray:
            return self._array(value)
        if cls is set:
            return ["s", *self._members(value)]
        if cls is list:
            return ["l", *self._items(value)]
        if cls is deque:
            return ["q", value.maxlen, *self._items(value)]
        if cls is defaultdict:
            return ["D", self._factory(value.default_factory), *self._items(_flat(value))]
        if cls in _MAPPINGS:
            return [_MAPPINGS[cls], *self._items(_flat(value))]
        return self._object(value, cls)

    def _items(self, values: Iterable[object]) -> list[object]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise StateError(f"a state is nested more than {_DEEPEST} levels deep")
        encode = self.encode
        items = [encode(value) for value in values]
        self._depth -= 1
        return items

    def _members(self, values: Iterable[object]) -> list[object]:
        self._in_set += 1
        items = self._items(values)
        self._in_set -= 1
        return sorted(items, key=orjson.dumps)

    def _array(self, value: Array) -> list[object]:
        if not is_plain(value.dtype):
            raise StateError(f"a state holds an array of {value.dtype}, which cannot be kept")
        return ["a", *self.pools.add(value)]

    def _object(self, value: object, cls: type) -> dict[str, object]:
        encoded: dict[str, object] = {"": self._name(cls)}
        kept = attributes(value)
        encoded.update(zip(kept, self._items(kept.values()), strict=True))
        return encoded

    def _name(self, cls: type) -> str:
        name = self._names.get(cls)
        if name is None:
            raise StateError(f"a state holds a {cls.__module__}.{cls.__qualname__}, which is no class of states")
        return name

    def _factory(self, factory: Callable[[], object] | None) -> str | None:
        if factory is None:
            return None
        if isinstance(factory, type):
            name: str = factory.__name__
            return name if _FACTORIES.get(name) is factory else self._name(factory)
        return _GIVEN


class _Decoder:
    """Reads one state."""

    def __init__(self, tree: Tree) -> None:
        self._arrays = tree.arrays
        self._left = sum(array.size for array in tree.arrays)
        self._classes = state_classes()
        self._met: list[object] = []
        self._like: dict[type, object] = {}

    def decode(self, node: Any, like: object) -> object:  # noqa: ANN401 - what a file says
        if isinstance(node, list):
            value = self._marked(node, like)
        elif isinstance(node, dict):
            value = self._object(node, like)
        else:
            value = node
        if like is not _MISSING and like is not None:
            _compare(value, like)
        return value

    def _marked(self, node: list[Any], like: object) -> object:
        mark, *items = node
        if mark == "t":
            return tuple(self._items(items, like if isinstance(like, tuple) else ()))
        if mark in _CONTAINERS:
            return self._container(mark, items, like)
        if mark == "a":
            array = take(self._arrays, items)
            self._left -= array.size
            if self._left < 0:
                raise InputError("a saved state asks for more arrays than there are")
            if array.size:
                self._met.append(array)
            return array
        if mark == "&":
            return self._met[_index(items[0])]
        if mark == "z":
            return frozenset(self._items(items, ()))
        if mark == _GIVEN:
            if like is _MISSING or not (callable(like) or isinstance(like, np.dtype)):
                raise InputError("a saved state misses what a fresh one does not have either")
            return like
        return _scalar(mark, *items)

    def _container(self, mark: str, items: list[Any], like: object) -> object:
        if mark == "l":
            listed: list[object] = self._meet([])
            listed.extend(self._items(items, like if isinstance(like, list) else ()))
            return listed
        if mark == "s":
            members: set[object] = self._meet(set())
            members.update(self._items(items, ()))
            return members
        if mark == "q":
            queue: deque[object] = self._meet(deque(maxlen=items[0]))
            queue.extend(self._items(items[1:], like if isinstance(like, deque) else ()))
            return queue
        mapping: dict[object, object]
        if mark == "D":
            mapping = self._meet(defaultdict(self._factory(items.pop(0), like)))
        else:
            mapping = self._meet({"d": dict, "o": OrderedDict, "c": Counter}[mark]())
        known = like if isinstance(like, dict) else {}
        if len(items) % 2:
            raise InputError("a mapping in a saved state is cut off")
        for key, value in zip(items[::2], items[1::2], strict=True):
            name = self.decode(key, _MISSING)
            mapping[name] = self.decode(value, known.get(name, _MISSING))
        return mapping

    def _meet(self, thing: Any) -> Any:  # noqa: ANN401 - passed through
        self._met.append(thing)
        return thing

    def _items(self, nodes: list[Any], like: Iterable[object]) -> Iterator[object]:
        templates = list(like)
        if len(templates) != len(nodes):
            templates = [_MISSING] * len(nodes)
        return (self.decode(node, template) for node, template in zip(nodes, templates, strict=True))

    def _factory(self, name: object, like: object) -> Callable[[], object] | None:
        if isinstance(like, defaultdict):
            return like.default_factory
        if name is None:
            return None
        factory = _FACTORIES.get(str(name)) or self._classes.get(str(name))
        if factory is None:
            raise InputError(f"a saved state asks for '{name}', which is unknown")
        return factory

    def _object(self, node: dict[str, Any], like: object) -> object:
        cls = self._classes.get(node.get("", ""))
        if cls is None:
            raise InputError(f"a saved state holds a '{node.get('')}', which is unknown")
        if issubclass(cls, Enum):
            return cls._value2member_map_[self.decode(node["value"], _MISSING)]
        if is_named_tuple(cls):
            values = tuple(self._items(node["items"], like if type(like) is cls else ()))  # type: ignore[arg-type]  # a tuple
            if len(values) != len(cls._fields):  # type: ignore[attr-defined]  # named tuples have it
                raise InputError(f"a '{node['']}' in a saved state has {len(values)} items")
            return tuple.__new__(cls, values)  # type: ignore[type-var]  # it is derived from tuple
        return self._made(cls, node, like)

    def _made(self, cls: type, node: dict[str, Any], like: object) -> object:
        made: object = object.__new__(cls)
        if not is_frozen(cls):
            self._met.append(made)
        if type(like) is cls:
            self._like.setdefault(cls, like)
        template = attributes(like) if type(like) is cls else {}
        for name in leaves_out(cls, like) if type(like) is cls else ():
            object.__setattr__(made, name, getattr(like, name))
        names = set(node) - {""}
        expected = required(cls) | set(attributes(self._like[cls]) if cls in self._like else ())
        if missing := expected - names:
            raise InputError(f"a '{node['']}' in a saved state has no {min(missing)}")
        for name, value in node.items():
            if name:
                if name not in expected and not may_hold(cls, name):
                    raise InputError(f"a '{node['']}' in a saved state cannot have '{name}'")
                object.__setattr__(made, name, self.decode(value, template.get(name, _MISSING)))
        return made


_CONTAINERS = frozenset({*_MAPPINGS.values(), *_SEQUENCES.values(), "s"})


def _scalar(mark: str, *items: Any) -> object:  # noqa: ANN401 - what a file says
    if mark == "i":
        return int(items[0], 16)
    if mark == "f":
        return struct.unpack(">d", bytes.fromhex(items[0]))[0]
    if mark == "b":
        return b85decode(items[0])
    if mark == "u":
        return b85decode(items[0]).decode("utf-8", "surrogatepass")
    if mark == "n":
        dtype = np.dtype(str(items[0]))
        data = bytes.fromhex(items[1])
        if not is_plain(dtype) or dtype.names or dtype.itemsize != len(data) or not data:
            raise InputError("a number in a saved state is damaged")
        return np.frombuffer(data, dtype)[0]
    raise InputError(f"a saved state holds something marked '{mark}', which is unknown")


def _index(number: Any) -> int:  # noqa: ANN401 - what a file says
    if type(number) is not int or number < 0:
        raise InputError("a saved state refers to nothing")
    return number


def _compare(value: object, like: object) -> None:
    """Raise ``InputError`` where ``value`` cannot stand in the place of ``like``."""
    if value is None or (isinstance(value, _NUMBERS) and isinstance(like, _NUMBERS)):
        return
    if type(value) is not type(like) and not (callable(like) and value is like):
        raise InputError(f"a saved state holds a {type(value).__name__} where a {type(like).__name__} belongs")
    if isinstance(value, np.ndarray):
        assert isinstance(like, np.ndarray)
        if packed(value.dtype) != packed(like.dtype) or value.ndim != like.ndim:
            raise InputError(f"a saved state holds an array of {value.dtype} where one of {like.dtype} belongs")


def _flat(mapping: dict[Any, Any]) -> Iterator[object]:
    for key, value in mapping.items():
        yield key
        yield value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
