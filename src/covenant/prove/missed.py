"""Drills that were promised and not held: a schedule's moments, held against what was done.

A moment is answered by a drill of its level, or of a more thorough one, that was held for it or from then on until the
next moment. One that nothing answers within a day is missed. (``evidence.promised`` judges the same way, from what an
auditor is given; this is for who holds drills.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from covenant.kernel.errors import DamageError
from covenant.kernel.schedule import Schedule
from covenant.prove.record import Level
from covenant.prove.telling import from_json

GRACE = timedelta(days=1)
"""How late a drill may be before it counts as missed."""
_MOST = 1000


def answering(level: str) -> tuple[str, ...]:
    """The levels whose drills answer a moment of this one."""
    levels = tuple(Level)
    return levels[levels.index(Level(level)) :]


def held_at(detail: str) -> datetime | None:
    """Which moment a drill answers, by the text of its record; ``None`` for what answers none."""
    try:
        record = from_json(detail)
    except DamageError:
        return None
    return None if record.narrowed else record.due_at or record.began_at


def moments(schedule: Schedule, level: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The moments after ``since`` and up to ``until``, at most a thousand."""

    def following() -> Iterator[datetime]:
        moment = schedule.following(since, level)
        while moment is not None and moment <= until:
            yield moment
            moment = schedule.following(moment, level)

    return islice(following(), _MOST)


def missed(
    schedule: Schedule, level: str, since: datetime, held: Iterable[datetime], now: datetime
) -> tuple[datetime, ...]:
    """The moments since the promise that no drill answered, the oldest first."""
    answers = sorted(held)
    promised = list(moments(schedule, level, since, now))
    ends = [*promised[1:], now + timedelta.resolution]
    return tuple(
        moment
        for moment, end in zip(promised, ends, strict=False)  # without a moment there is one end too many
        if now - moment > GRACE and not any(moment <= answer < end for answer in answers)
    )
