"""How large states are: as written, and in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from hauberk.detect.detectors.interface import Detector
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.classes import attributes
from hauberk.detect.state.codec import Tree, decode


def written(tree: Tree) -> int:
    """Bytes of an encoded state before it is compressed."""
    return len(orjson.dumps(tree.root)) + sum(array.nbytes for array in tree.arrays)


def held(state: Any) -> int:  # noqa: ANN401 - a state is anything
    """Bytes of memory that a state takes, as far as CPython tells; what stands in several places counts once."""
    met: set[int] = set()
    todo = [state]
    total = 0
    while todo:
        value = todo.pop()
        if id(value) in met or value is None or callable(value):
            continue
        met.add(id(value))
        if isinstance(value, np.ndarray):
            total += value.nbytes
            continue
        total += sys.getsizeof(value)
        if isinstance(value, dict):
            todo += value.keys()
            todo += value.values()
        elif not isinstance(value, str | bytes | int | float | np.generic | np.dtype):
            iterable = hasattr(value, "__iter__")
            todo += list(value) if iterable else attributes(value).values()
    return total


def state_of(detector: Detector, part: Part) -> Any:  # noqa: ANN401 - each detector has a state type of its own
    """The state of ``detector`` in a snapshot, to be looked at."""
    defaults = detector.defaults()
    known = {name: value for name, value in part.parameters.items() if name in defaults}
    return decode(part.tree, detector.begin({**defaults, **known}))


def bytes_per_device(snapshot: Snapshot, devices: int) -> Mapping[str, float]:
    """Bytes a device, as written, of every state: detectors by id, trackers in angle brackets, the sets as ``<baseline>``."""
    share = 1 / max(devices, 1)
    sizes = {name: written(part.tree) * share for name, part in snapshot.detectors.items()}
    sizes.update({f"<{name}>": written(part.tree) * share for name, part in snapshot.trackers.items()})
    sizes["<baseline>"] = len(orjson.dumps(snapshot.baseline.plain())) * share
    return sizes
