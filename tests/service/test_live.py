"""When live learning ends."""

from __future__ import annotations

import pytest

from hauberk.errors import SettingError
from hauberk.service.live import live_learn_until


@pytest.mark.parametrize("span,until", [(None, None), ("10m", 1600.0), ("until=5", 5.0)])
def test_learning_ends(span: str | None, until: float | None) -> None:
    """A duration counts from now; a moment is a moment."""
    assert live_learn_until(span, 1000.0) == until


def test_share_of_live_traffic_has_no_meaning() -> None:
    """Live traffic has no end."""
    with pytest.raises(SettingError, match="no end"):
        live_learn_until("50%", 0.0)
