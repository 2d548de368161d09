"""When something falls due: by a cron expression or by an interval, in a time zone, outside of blackouts.

A schedule never remembers anything. It is asked which moment was the latest at which it fell due; whoever asks compares
that with what was done. So a missed run, a restart and a clock that jumped are one case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from covenant.kernel.durations import format_interval, parse_interval
from covenant.kernel.errors import UsageError

EVERY_DAY = frozenset(range(7))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Blackout:
    """A part of the day in which nothing begins, by the wall clock of the schedule's zone.

    ``days`` are those on which it begins, Monday is 0. One that ends before it begins reaches into the next day.
    """

    begins: time
    ends: time
    days: frozenset[int] = EVERY_DAY

    def __str__(self) -> str:
        hours = f"{self.begins:%H:%M}-{self.ends:%H:%M}"
        return hours if self.days == EVERY_DAY else f"{','.join(_DAYS[day] for day in sorted(self.days))} {hours}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either ``every`` so long, or whenever a ``cron`` expression of five fields fits; exactly one of the two.

    ``jitter`` is the most by which a source's moment is moved back, by an amount that its name decides and that is
    the same each time, so that a thousand sources do not begin at once.

    Raises ``UsageError`` for one that means nothing.
    """

    every: timedelta | None = None
    cron: str = ""
    zone: str = "UTC"
    jitter: timedelta = timedelta()
    blackouts: tuple[Blackout, ...] = ()

    def __post_init__(self) -> None:
        if (self.every is None) == (not self.cron):
            raise UsageError("a schedule is either an interval or a cron expression", "Write 'every 15m' or a cron.")
        if self.every is not None and self.every < _SHORTEST:
            raise UsageError(f"'every {format_interval(self.every)}' is too often", "Wait a minute or more.")

    def __str__(self) -> str:
        return self.cron if self.every is None else f"every {format_interval(self.every)}"


def parse_schedule(text: str) -> Schedule | None:
    """A schedule from ``"every 15m"`` or ``"0 3 * * Mon"``; ``None`` for ``"never"``. Raises ``ValueError``."""
    words = text.split()
    if words == ["never"]:
        return None
    if words[:1] == ["every"]:
        every = parse_interval("".join(words[1:]))
        if every < _SHORTEST:
            raise ValueError(f"'{text}' is more often than once a minute")
        return Schedule(every=every)
    if len(words) != 5:
        raise ValueError(f"'{text}' is neither an interval nor the five fields of cron")
    _checked(" ".join(words))
    return Schedule(cron=" ".join(words))


@lru_cache(maxsize=4096)
def _checked(cron: str) -> None:
    from datetime import datetime

    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"'{cron}' is no cron expression: {str(error).lower()}") from error
    except StopIteration:
        raise ValueError(f"'{cron}' never comes") from None


def parse_zone(text: str) -> str:
    """The name of a time zone, which is known. Raises ``ValueError``."""
    try:
        zone_named(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone '{text}'") from error
    return text


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """The time zone of that name."""
    return UTC if name == "UTC" else ZoneInfo(name)


def parse_blackout(text: str) -> Blackout:
    """A blackout from ``"22:00-02:00"`` or ``"Mon-Fri,Sun 08:00-10:00"``. Raises ``ValueError``."""
    found = re.fullmatch(r"(?:([A-Za-z,-]+) +)?([0-9]{2}:[0-9]{2}) *- *([0-9]{2}:[0-9]{2})", text.strip())
    if not found:
        raise ValueError(f"'{text}' is no blackout like 'Mon-Fri 08:00-10:00'")
    days = EVERY_DAY if found[1] is None else frozenset(_days(found[1]))
    return Blackout(_time(found[2]), _time(found[3]), days)


def _days(text: str) -> list[int]:
    """The days that ``"Mon-Fri,Sun"`` names; ``"Sat-Mon"`` reaches over the end of the week."""
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        begins, ends = _day(first), _day(last or first)
        days += [day % 7 for day in range(begins, ends + 1 if ends >= begins else ends + 8)]
    return days


def _day(text: str) -> int:
    if text.capitalize() not in _DAYS:
        raise ValueError(f"'{text}' is no day; days are {', '.join(_DAYS)}")
    return _DAYS.index(text.capitalize())


def _time(text: str) -> time:
    try:
        return time.fromisoformat("00:00" if text == "24:00" else text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no time of the day") from error
