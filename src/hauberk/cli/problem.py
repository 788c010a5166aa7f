"""What the input left unread, told on standard error."""

from __future__ import annotations

from collections.abc import Collection

from hauberk.cli.complaint import complain
from hauberk.cli.exit_code import ExitCode
from hauberk.sense.sensor import Sensor
from hauberk.service.feed import Feed

_SHOWN = 20


def report_problems(feed: Feed) -> ExitCode:
    """Say what could not be read, and give the exit code that follows from it."""
    for error in feed.problems[:_SHOWN]:
        complain(error.diagnostics())
    if len(feed.problems) > _SHOWN:
        complain(f"and {len(feed.problems) - _SHOWN:,} more problems of the input")
    code = report_sensor(feed.name, feed.sensor, feed.unread_links)
    if feed.captures is not None and not (feed.sensor.counters.packets or feed.problems or feed.logs):
        complain(f"{feed.name}: holds no packets")
    return ExitCode.UNASSESSED if feed.problems else code


def report_sensor(name: str, sensor: Sensor, links: Collection[int] = ()) -> ExitCode:
    """Say what of ``name`` the sensor could not assess. ``links``: the link types it met and does not read."""
    code = ExitCode.CLEAN
    reader = sensor.reader
    if reader is not None and reader.defects:
        for sample in reader.defect_samples:
            complain(f"{name}: {sample}\nThis is a defect of Hauberk: please report it with the frame.")
        if reader.defects > len(reader.defect_samples):
            complain(f"{name}: and {reader.defects - len(reader.defect_samples):,} more defects")
        code = ExitCode.UNASSESSED
    counters = sensor.counters
    if counters.unknown_link:
        which = f" (LINKTYPE {', '.join(str(link) for link in sorted(links))})" if links else ""
        complain(f"{name}: {counters.unknown_link:,} of {counters.packets:,} packets have a link type that is not read{which}")
        code = ExitCode.UNASSESSED
    return code


def unread(feed: Feed) -> list[str]:
    """What the sensor could not use, in sentences."""
    counters, fragments, evicted = feed.sensor.counters, feed.sensor.fragments.dropped, feed.sensor.table.evicted
    said = (
        (counters.truncated, "packets end inside a header"),
        (counters.contradictory, "packets contradict their own headers"),
        (counters.too_deep, "packets nest too deep"),
        (counters.unknown_link, "packets have a link type that is not read"),
        (fragments, "IP fragments or datagrams stayed incomplete"),
        (evicted, "conversations were cut short because the table was full"),
    )
    return [f"{count:,} {text}" for count, text in said if count]
