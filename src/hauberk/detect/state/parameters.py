"""Limits in force win over those stored in a state.

No state says which of its attributes are limits. But beginning is pure: where a fresh state under the old limits and one under the
new differ, a limit stands, and there the new value belongs. Where more than numbers differ (the length of an array, say), old and
new do not fit together.
"""

from __future__ import annotations

from typing import Any

from hauberk.detect.state.codec import Tree

_NUMBERS = frozenset({"i", "f", "n"})
_MAPPINGS = frozenset({"d", "o", "c", "D"})


class Unfit(Exception):  # noqa: N818 - it names what a state is; never leaves ``hauberk.detect``
    """Old and new state differ in more than numbers."""


def under(stored: Tree, old: Tree, new: Tree) -> Tree:
    """``stored`` with the limits of ``new`` for those of ``old``, both fresh states; raises ``Unfit``."""
    if len(old.arrays) != len(new.arrays) or any(a.tobytes() != b.tobytes() for a, b in zip(old.arrays, new.arrays, strict=True)):
        raise Unfit
    return Tree(_adopt(stored.root, old.root, new.root), stored.arrays)


def _adopt(stored: Any, old: Any, new: Any) -> Any:  # noqa: ANN401 - encoded states
    if old == new and type(old) is type(new):
        return stored
    if _is_scalar(old) and _is_scalar(new):
        return new
    if isinstance(old, dict) and isinstance(new, dict) and isinstance(stored, dict):
        if not old.keys() == new.keys() == stored.keys() or not old[""] == new[""] == stored[""]:
            raise Unfit
        return {name: _adopt(stored[name], old[name], new[name]) for name in stored}
    if not (isinstance(old, list) and isinstance(new, list) and isinstance(stored, list)):
        raise Unfit
    if not old[:1] == new[:1] == stored[:1] or not old:
        raise Unfit
    if old[0] in _MAPPINGS:
        return _adopt_mapping(stored, old, new)
    if old[0] == "q" and old[2:] == new[2:]:
        items = stored[2:]
        return ["q", new[1], *(items[-new[1] :] if new[1] else [] if new[1] == 0 else items)]
    if old[0] in {"t", "l"} and len(old) == len(new) == len(stored):
        return [old[0], *(_adopt(*items) for items in zip(stored[1:], old[1:], new[1:], strict=True))]
    raise Unfit


def _adopt_mapping(stored: list[Any], old: list[Any], new: list[Any]) -> list[Any]:
    start = 2 if old[0] == "D" else 1
    if old[start::2] != new[start::2]:
        raise Unfit
    result = list(stored)
    for place in range(start, len(old), 2):
        if old[place + 1] == new[place + 1]:
            continue
        keys = stored[start::2]
        if old[place] not in keys:
            raise Unfit
        at = start + 2 * keys.index(old[place]) + 1
        result[at] = _adopt(stored[at], old[place + 1], new[place + 1])
    return result


def _is_scalar(node: Any) -> bool:  # noqa: ANN401 - same
    return node is None or isinstance(node, int | float | str) or (isinstance(node, list) and node[0] in _NUMBERS)
