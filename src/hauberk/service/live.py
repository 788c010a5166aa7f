"""Live analysis of an interface: the same sensor and detectors as for files, on packets as they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

from hauberk.detect.engine import DetectorSetting
from hauberk.detect.snapshot import Snapshot
from hauberk.errors import CaptureError, SettingError
from hauberk.model.observation import Observations
from hauberk.sense.capture.live import LiveSource
from hauberk.sense.sensor import Sensor
from hauberk.service.analysis import Analysis
from hauberk.service.learning import parse_learn


def observe_live(
    source: LiveSource,
    by: Sensor,
    learn: str | None,
    known: Snapshot | None,
    settings: Mapping[str, DetectorSetting],
    duration: float | None,
    clock: Callable[[], float] = time.time,
) -> tuple[Analysis, Iterator[Observations]]:
    """An analysis and the stream to run it on. ``learn``: a duration from now or ``until=EPOCH``; ``duration``: seconds until the
    capture stops. ``by`` should be warm, as packets wait in the ring already. Where the interface goes away the stream hands over
    what it has and
    raises ``CaptureError``."""
    until = live_learn_until(learn, clock())
    return Analysis(learn_until=until, settings=settings, snapshot=known), _observations(source, by, duration)


def live_learn_until(learn: str | None, now: float) -> float | None:
    """The moment at which learning ends when it begins at ``now``; both in epoch seconds."""
    if learn is None:
        return None
    span = parse_learn(learn)
    if span.share is not None:
        raise SettingError(f"'{learn}': live traffic has no end to take a share of; give a duration (10m) or until=EPOCH")
    return span.until if span.until is not None else now + (span.seconds or 0.0)


def _observations(source: LiveSource, by: Sensor, duration: float | None) -> Iterator[Observations]:
    timer = threading.Timer(duration, source.stop) if duration is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    problem = None
    try:
        try:
            for block in source.blocks():
                yield by.process(block)
        except CaptureError as error:
            problem = error
        yield by.finish()
        if problem is not None:
            raise problem
    finally:
        if timer is not None:
            timer.cancel()
