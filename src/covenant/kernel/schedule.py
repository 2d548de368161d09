"""When something falls due: by a cron expression or by an interval, in a time zone, outside of blackouts.

A schedule never remembers anything. It is asked which moment was the latest at which it fell due; whoever asks compares
that with what was done. So a missed run, a restart and a clock that jumped are one case.

An interval counts from the first moment of 1970, so it needs no beginning of its own. A moment is first put off by the
source's share of the jitter, and then, where it falls into a blackout, to that blackout's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfoNotFoundError

from covenant.kernel.blackout import (
    Blackout,
    begun,
    covered,
    leave_no_time,
    longest_put_off,
    parse_blackout,
    put_off,
)
from covenant.kernel.cron import REFERENCE, Cron, cron_in
from covenant.kernel.durations import format_interval, parse_interval
from covenant.kernel.errors import UsageError
from covenant.kernel.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Blackout", "Schedule", "parse_blackout", "parse_schedule", "parse_zone"]

_SHORTEST, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


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
        if self.blackouts and leave_no_time(self.blackouts):
            raise UsageError("the blackouts leave no time at all", "Leave out one of them.")

    def latest(self, now: datetime, seed: str = "") -> datetime | None:
        """The newest moment at or before ``now`` at which it fell due; ``None`` where there is none in fifty years.

        ``seed`` decides the share of the jitter: the name of the source or the vault.
        """
        delay = self._delay(seed)
        due = self._latest(now - delay)
        if due is None or not self.blackouts:
            return None if due is None else due + delay
        moment = put_off(due + delay, self.zone, self.blackouts)
        if moment <= now:
            return moment
        # It waits for the end of the blackout that we are in, so the newest is one from before that.
        due = self._latest(begun(now, self.zone, self.blackouts) - delay - _TICK)
        return None if due is None else put_off(due + delay, self.zone, self.blackouts)

    def following(self, after: datetime, seed: str = "") -> datetime | None:
        """The first moment after ``after`` at which it falls due; ``None`` where there is none in fifty years."""
        delay = self._delay(seed)
        if self.blackouts and covered(after, self.zone, self.blackouts):
            waiting = self._latest(after - delay)
            if waiting is not None and waiting + delay >= begun(after, self.zone, self.blackouts):
                return put_off(after, self.zone, self.blackouts)
        due = self._following(after - delay)
        if due is None or not self.blackouts:
            return None if due is None else due + delay
        return put_off(due + delay, self.zone, self.blackouts)

    def longest_gap(self) -> timedelta:
        """The longest wait between two moments, whatever the seed, with clocks turned and blackouts counted.

        Never too short; it may be too long by one blackout where moments are many.
        """
        return _longest_gap(self)

    @property
    def swallowed(self) -> bool:
        """Whether every one of its moments falls into a blackout: it never begins when it says."""
        return bool(self.blackouts) and _swallowed(self)

    def _delay(self, seed: str) -> timedelta:
        seconds = self.jitter // timedelta(seconds=1)
        if not seconds:
            return timedelta()
        share = int.from_bytes(sha256(seed.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        return timedelta(seconds=share % (seconds + 1))

    def _latest(self, at: datetime) -> datetime | None:
        if self.every is not None:
            return (at - (at - _EPOCH) % self.every).astimezone(UTC)
        return self._expression.latest(at)

    def _following(self, after: datetime) -> datetime | None:
        if self.every is not None:
            return (after - (after - _EPOCH) % self.every + self.every).astimezone(UTC)
        return self._expression.following(after)

    @property
    def _expression(self) -> Cron:
        return cron_in(self.cron, self.zone)

    def __str__(self) -> str:
        return self.cron if self.every is None else f"every {format_interval(self.every)}"


@lru_cache(maxsize=4096)
def _longest_gap(schedule: Schedule) -> timedelta:
    bare = schedule.every if schedule.every is not None else cron_in(schedule.cron, schedule.zone).longest_gap
    if not schedule.blackouts:
        return bare
    most = longest_put_off(schedule.zone, schedule.blackouts)
    if _many(schedule):
        return bare + most
    moments = pairwise(_from_reference(schedule, 2))
    return max(bare, *(later - earlier + _put_off_at_most(schedule, later, most) for earlier, later in moments))


def _many(schedule: Schedule) -> bool:
    """Whether its moments are too many, or too irregular beside the days, to be looked at one by one."""
    if schedule.every is not None:
        return schedule.every < _HOUR or bool(_DAY % schedule.every)
    cron = cron_in(schedule.cron, schedule.zone)
    return len(cron.walls) > 24 or not cron.weekly


def _put_off_at_most(schedule: Schedule, due: datetime, most: timedelta) -> timedelta:
    """How long a moment may be put off by blackouts, whatever its share of the jitter."""
    zone, blackouts = schedule.zone, schedule.blackouts
    steps = schedule.jitter // _SHORTEST + 1
    if any(covered(due + step * _SHORTEST, zone, blackouts) for step in range(1, min(steps, 24 * 60) + 1) if steps > 1):
        return most
    return put_off(due, zone, blackouts) - due


@lru_cache(maxsize=4096)
def _swallowed(schedule: Schedule) -> bool:
    moments = islice(_from_reference(schedule, 9), 500)
    return all(covered(moment, schedule.zone, schedule.blackouts) for moment in moments)


def _from_reference(schedule: Schedule, years: int) -> Iterator[datetime]:
    """Its moments, without jitter and blackouts, in the years from ``REFERENCE`` on."""
    begins = datetime(REFERENCE.year, 1, 1, tzinfo=UTC)
    moment = schedule._following(begins)
    while moment is not None and moment < begins.replace(year=REFERENCE.year + years):
        yield moment
        moment = schedule._following(moment)


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
    cron_in(" ".join(words), "UTC")
    return Schedule(cron=" ".join(words))


def parse_zone(text: str) -> str:
    """The name of a time zone, which is known. Raises ``ValueError``."""
    try:
        zone_named(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone '{text}'") from error
    return text
