"""When something falls due: by a cron expression or by an interval, in a time zone, outside of blackouts.

A schedule never remembers anything. It is asked which moment was the latest at which it fell due; whoever asks compares
that with what was done. So a missed run, a restart and a clock that jumped are one case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Blackout:
    """A part of the day in which nothing begins, by the wall clock of the schedule's zone.

    ``days`` are those on which it begins, Monday is 0. One that ends before it begins reaches into the next day.
    """

    begins: time
    ends: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either ``every`` so long, or whenever a ``cron`` expression of five fields fits; exactly one of the two.

    ``jitter`` is the most by which a source's moment is moved back, by an amount that its name decides and that is
    the same each time, so that a thousand sources do not begin at once.
    """

    every: timedelta | None = None
    cron: str = ""
    zone: str = "UTC"
    jitter: timedelta = timedelta()
    blackouts: tuple[Blackout, ...] = ()
