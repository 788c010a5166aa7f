"""Whether a model learns or judges: a later span of learning adds to what is known, a message that comes late does not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.detect.values.points import Run


@dataclass(slots=True)
class Phase:
    """``judging``: whether the last runs were judged, and ``since``: from which time on, in epoch seconds."""

    judging: bool = False
    since: float = math.inf

    def begin_stream(self) -> None:
        """In traffic of another time nothing comes late."""
        self.since = -math.inf

    def learns(self, runs: Iterable[Run]) -> bool:
        """Whether ``runs`` teach: not if they come late, from before the time that was judged."""
        if self.judging:
            self.judging = all(max(run.times) < self.since for run in runs)
        return not self.judging

    def turns(self, runs: Iterable[Run]) -> bool:
        """Whether with ``runs`` judging begins, after learning."""
        if self.judging:
            return False
        self.judging = True
        self.since = min((min(run.times) for run in runs), default=math.inf)
        return True
