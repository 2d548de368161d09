"""The moments at which the five fields of a cron expression fit, in a time zone.

As Debian's cron has it: an expression with fixed hours and minutes falls due once on each of its days, so a time that
the clock was turned beyond falls due at the turning, and one that comes twice does so the first time. An expression
whose minutes or hours begin with a star goes by what passes: it falls due whenever the clock on the wall fits.

The expression itself is taken apart by the library; the moments are found day by day, and remembered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from functools import cached_property, lru_cache
from itertools import pairwise

from cronsim import CronSim, CronSimError

from covenant.kernel.zones import first_instant, instants, turning, zone_named

_DAY = timedelta(days=1)
_YEARS = 50
"""An expression that fits no day in so many years is none."""

REFERENCE = date(2024, 1, 1)
"""From here on gaps are measured: years with and without a leap day, and the turnings of clocks in them."""


class Cron:
    """One expression in one zone. Raises ``ValueError`` for one that cannot be read or that never comes."""

    def __init__(self, expression: str, zone: str) -> None:
        try:
            self._parsed = CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"'{expression}' is no cron expression: {str(error).lower()}") from error
        minutes, hours, *days = expression.split()
        self.zone = zone_named(zone)
        self._passing = minutes.startswith("*") or hours.startswith("*")
        self.weekly = days[:2] == ["*", "*"]
        """Whether its days are the same every week."""
        self._cycle = 2 if self.weekly else 9 if days[2] == "*" else 41
        """After so many years its days come again as they were: leap years count, and weeks with them."""
        self.walls = tuple(
            wall_time(hour, minute) for hour in sorted(self._parsed.hours) for minute in sorted(self._parsed.minutes)
        )
        if self._matching(date(2000, 1, 1), 1) is None:
            raise ValueError(f"'{expression}' never comes")

    def latest(self, at: datetime) -> datetime | None:
        """The newest moment at or before an instant."""
        today = at.astimezone(self.zone).date()
        near = (_moments(self, today + days * _DAY) for days in (1, 0, -1))
        found = [moments[bisect_right(moments, at) - 1] for moments in near if moments and moments[0] <= at]
        if found:
            return max(found)
        earlier = _fitting(self, today - 2 * _DAY, -1)
        return None if earlier is None else _moments(self, earlier)[-1]

    def following(self, after: datetime) -> datetime | None:
        """The first moment after an instant."""
        today = after.astimezone(self.zone).date()
        near = (_moments(self, today + days * _DAY) for days in (-1, 0, 1))
        found = [moments[bisect_right(moments, after)] for moments in near if moments and moments[-1] > after]
        if found:
            return min(found)
        later = _fitting(self, today + 2 * _DAY, 1)
        return None if later is None else _moments(self, later)[0]

    @cached_property
    def longest_gap(self) -> timedelta:
        """The longest wait between two moments that follow one another, in the years from ``REFERENCE`` on."""
        longest, last = timedelta(), None
        for day in self._days(self._cycle):
            first, final, within = self._edges(day)
            longest = max(longest, within, *((first - last,) if last is not None else ()))
            last = final
        return longest or timedelta(days=365 * _YEARS)

    def _edges(self, day: date) -> tuple[datetime, datetime, timedelta]:
        """The first and the last moment of a day, and the longest wait between two within it."""
        if turning(day, self.zone) is not None:
            moments = _moments(self, day)
            return moments[0], moments[-1], max((b - a for a, b in pairwise(moments)), default=timedelta())
        first, last = (first_instant(datetime.combine(day, self.walls[end]), self.zone) for end in (0, -1))
        return first, last, self._within

    @cached_property
    def _within(self) -> timedelta:
        """The longest wait between two times of a day on which no clock is turned."""
        walls = [datetime.combine(REFERENCE, wall) for wall in self.walls]
        return max((later - earlier for earlier, later in pairwise(walls)), default=timedelta())

    def _days(self, years: int) -> Iterator[date]:
        """The days that it fits, from ``REFERENCE`` on."""
        end = REFERENCE.replace(year=REFERENCE.year + years)
        day = _fitting(self, REFERENCE, 1)
        while day is not None and day <= end:
            yield day
            day = _fitting(self, day + _DAY, 1)

    def fitting(self, day: date, step: int) -> date | None:
        """The nearest day on which it falls due; the clock may be turned beyond every time of a day that it fits."""
        found = self._matching(day, step)
        while found is not None and self._passing and turning(found, self.zone) and not _moments(self, found):
            found = self._matching(found + step * _DAY, step)
        return found

    def _matching(self, day: date, step: int) -> date | None:
        """The nearest day from this one on, forwards or backwards, that it fits; ``None`` where there is none."""
        far = day.year + step * _YEARS
        while day.year != far:
            if day.month not in self._parsed.months:
                day = _beyond_month(day, step)
            elif self._parsed.match_day(day):
                return day
            else:
                day += step * _DAY
        return None

    def moments_of(self, day: date) -> tuple[datetime, ...]:
        """The moments whose time on the wall lies on a day, in order."""
        if day.month not in self._parsed.months or not self._parsed.match_day(day):
            return ()
        walls = (datetime.combine(day, wall) for wall in self.walls)
        if self.zone is UTC:
            return tuple(wall.replace(tzinfo=UTC) for wall in walls)
        if self._passing:
            return tuple(sorted({each for wall in walls for each in instants(wall, self.zone)}))
        return tuple(sorted({first_instant(wall, self.zone) for wall in walls}))


def _beyond_month(day: date, step: int) -> date:
    """The first day of the next month, or the last day of the one before."""
    first = day.replace(day=1)
    return (first + 31 * _DAY).replace(day=1) if step > 0 else first - _DAY


@lru_cache(maxsize=1024)
def cron_in(expression: str, zone: str) -> Cron:
    """An expression, taken apart. Raises ``ValueError``."""
    return Cron(expression, zone)


@lru_cache(maxsize=16384)
def _moments(cron: Cron, day: date) -> tuple[datetime, ...]:
    return cron.moments_of(day)


@lru_cache(maxsize=16384)
def _fitting(cron: Cron, day: date, step: int) -> date | None:
    return cron.fitting(day, step)
