"""One batch of what was observed: the stream every later room reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hauberk.model.flow import ACTIVITY, CLAIM, FLOW
from hauberk.model.transaction import Transaction

Columns = NDArray[np.void]


def _none_of(dtype: np.dtype[np.void]) -> Columns:
    return np.empty(0, dtype)


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen since the previous batch.

    ``activity``: ``ACTIVITY`` rows, what each conversation did in each second, in order of their time. ``flows``: ``FLOW`` rows,
    conversations that ended. ``claims``: ``CLAIM`` rows. ``transactions``: application messages in order. ``watermark``:
    traffic time in
    epoch seconds up to which everything has been handed over (-inf: nothing yet).
    """

    activity: Columns = field(default_factory=lambda: _none_of(ACTIVITY))
    flows: Columns = field(default_factory=lambda: _none_of(FLOW))
    claims: Columns = field(default_factory=lambda: _none_of(CLAIM))
    transactions: list[Transaction] = field(default_factory=list)
    watermark: float = float("-inf")
