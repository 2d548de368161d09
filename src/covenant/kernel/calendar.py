"""Counting back on the calendar: what moment lies one year, five months and seven days before this one.

A month is not a number of days, so "one month before 31 March" needs a rule. Ours is that of restic (and of Go's
``time.AddDate``): years and months are taken off first, and days that the month does not have run over into the next
one. One month before 31 March is therefore "31 February", which is 3 March (2 March in a leap year). Years, months
and days turn the wall clock; hours are elapsed time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""The first moment that a ``datetime`` can name; a span that reaches further back ends here."""


class Span(Protocol):
    """A length of time in the calendar's own units, none of them negative."""

    @property
    def years(self) -> int: ...
    @property
    def months(self) -> int: ...
    @property
    def days(self) -> int: ...
    @property
    def hours(self) -> int: ...


def before(moment: datetime, span: Span) -> datetime:
    """The moment that lies ``span`` before an aware ``moment``, on the same wall clock."""
    try:
        months_since_zero = moment.year * 12 + (moment.month - 1) - span.years * 12 - span.months
        year, month = divmod(months_since_zero, 12)
        first_of_month = moment.replace(year=year, month=month + 1, day=1)
        wall = first_of_month + timedelta(days=moment.day - 1 - span.days)
        return (wall.astimezone(UTC) - timedelta(hours=span.hours)).astimezone(moment.tzinfo)
    except (OverflowError, ValueError):
        return BEGINNING


def is_zero(span: Span) -> bool:
    """Whether the span has no length at all, which restic reads as "no such rule"."""
    return not (span.years or span.months or span.days or span.hours)


def spelled(span: Span) -> str:
    """The span as people and restic write it: ``1y5m7d2h``."""
    parts = ((span.years, "y"), (span.months, "m"), (span.days, "d"), (span.hours, "h"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0h"
