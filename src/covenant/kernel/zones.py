"""Wall clocks: which instants a time on the wall means where clocks are turned twice a year.

In spring a stretch of the wall's times never comes; in autumn one comes twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """The time zone of that name. Raises ``ZoneInfoNotFoundError`` and ``ValueError``."""
    return UTC if name == "UTC" else ZoneInfo(name)


def instants(wall: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The instants, in UTC, at which the clock on the wall shows a naive time: none, one or two."""
    if zone is UTC:
        return (wall.replace(tzinfo=UTC),)
    both = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(dict.fromkeys(each for each in both if each.astimezone(zone).replace(tzinfo=None) == wall))


def first_instant(wall: datetime, zone: tzinfo) -> datetime:
    """The first instant, in UTC, at which the clock shows a naive time, or at which it was turned beyond it."""
    found = instants(wall, zone)
    if found:
        return found[0]
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    return turned(before, after, zone)


def turned(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant between two at which the clock is turned. It is turned once."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=16384)
def turning(day: date, zone: tzinfo) -> datetime | None:
    """The instant on a day at which the clock is turned, or ``None``."""
    if zone is UTC:
        return None
    begins = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    ends = begins + timedelta(hours=25)
    if begins.astimezone(zone).utcoffset() == ends.astimezone(zone).utcoffset():
        return None
    return turned(begins, ends, zone)
