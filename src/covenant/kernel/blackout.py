"""Parts of the day in which nothing begins, and where what falls into them is put off to.

What they cover is judged by the clock on the wall. Between two edges, a time on the wall or a turning of the clock,
nothing changes; so the end of a blackout is the first edge that none of them covers, also where several overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias

from covenant.kernel.cron import REFERENCE
from covenant.kernel.zones import instants, turning, zone_named

EVERY_DAY = frozenset(range(7))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Blackout:
    """A part of the day in which nothing begins, by the wall clock of the schedule's zone.

    ``days`` are those on which it begins, Monday is 0. One that ends before it begins reaches into the next day.
    """

    begins: time
    ends: time
    days: frozenset[int] = EVERY_DAY

    def covers(self, wall: datetime) -> bool:
        """Whether nothing begins at a time on the wall."""
        at, day = wall.time(), wall.weekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= at < self.ends
        return (day in self.days and at >= self.begins) or ((day - 1) % 7 in self.days and at < self.ends)

    def __str__(self) -> str:
        hours = f"{self.begins:%H:%M}-{self.ends:%H:%M}"
        return hours if self.days == EVERY_DAY else f"{','.join(_DAYS[day] for day in sorted(self.days))} {hours}"


Blackouts: TypeAlias = tuple[Blackout, ...]


def covered(moment: datetime, zone: str, blackouts: Blackouts) -> bool:
    """Whether nothing begins at a moment."""
    wall = moment.astimezone(zone_named(zone)).replace(tzinfo=None)
    return any(blackout.covers(wall) for blackout in blackouts)


def put_off(moment: datetime, zone: str, blackouts: Blackouts) -> datetime:
    """The first moment, from this one on, at which something may begin."""
    if not covered(moment, zone, blackouts):
        return moment
    edges = _edges_from(moment, zone, blackouts, 1)
    return next(edge for edge in edges if edge > moment and not covered(edge, zone, blackouts))


def begun(moment: datetime, zone: str, blackouts: Blackouts) -> datetime:
    """When the time began in which nothing begins; ``moment`` lies in it."""
    edges = _edges_from(moment, zone, blackouts, -1)
    return next(edge for edge in edges if edge <= moment and not covered(edge - _JUST_BEFORE, zone, blackouts))


@lru_cache(maxsize=1024)
def longest_put_off(zone: str, blackouts: Blackouts) -> timedelta:
    """How long nothing begins at the most."""
    days = (REFERENCE + count * _DAY for count in range(2 * 366))
    edges = (edge for day in days for edge in _edges(day, zone, blackouts))
    return max((put_off(edge, zone, blackouts) - edge for edge in edges), default=timedelta())


@lru_cache(maxsize=1024)
def leave_no_time(blackouts: Blackouts) -> bool:
    """Whether they cover the whole week."""
    week = datetime(2024, 1, 1)  # noqa: DTZ001  a Monday on the wall, in no zone
    return all(
        any(blackout.covers(week + minute * timedelta(minutes=1)) for blackout in blackouts)
        for minute in range(7 * 24 * 60)
    )


def _edges_from(moment: datetime, zone: str, blackouts: Blackouts, step: int) -> Iterator[datetime]:
    """The edges around a moment and beyond it, in order, for more than a week."""
    today = moment.astimezone(zone_named(zone)).date()
    for count in range(-1, 11):
        yield from _edges(today + step * count * _DAY, zone, blackouts)[::step]


@lru_cache(maxsize=16384)
def _edges(day: date, zone: str, blackouts: Blackouts) -> tuple[datetime, ...]:
    """The instants of a day at which it may change whether something is covered, in order."""
    place = zone_named(zone)
    times = {time for blackout in blackouts for time in (blackout.begins, blackout.ends)} | {time()}
    edges = {edge for time in times for edge in instants(datetime.combine(day, time), place)}
    turn = turning(day, place)
    return tuple(sorted(edges if turn is None else {*edges, turn}))


def parse_blackout(text: str) -> Blackout:
    """A blackout from ``"22:00-02:00"`` or ``"Mon-Fri,Sun 08:00-10:00"``. Raises ``ValueError``."""
    found = re.fullmatch(r"(?:([A-Za-z,-]+) +)?([0-9]{2}:[0-9]{2}) *- *([0-9]{2}:[0-9]{2})", text.strip())
    if not found:
        raise ValueError(f"'{text}' is no blackout like 'Mon-Fri 08:00-10:00'")
    days = EVERY_DAY if found[1] is None else frozenset(_days(found[1]))
    return Blackout(_time(found[2]), _time(found[3]), days)


def _days(text: str) -> Iterator[int]:
    """The days that ``"Mon-Fri,Sun"`` names; ``"Sat-Mon"`` reaches over the end of the week."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        begins, ends = _day(first), _day(last or first)
        yield from (day % 7 for day in range(begins, ends + 1 if ends >= begins else ends + 8))


def _day(text: str) -> int:
    if text.capitalize() not in _DAYS:
        raise ValueError(f"'{text}' is no day; days are {', '.join(_DAYS)}")
    return _DAYS.index(text.capitalize())


def _time(text: str) -> time:
    try:
        return time.fromisoformat("00:00" if text == "24:00" else text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no time of the day") from error
