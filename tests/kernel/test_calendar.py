"""Counting back on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel import calendar
from covenant.kernel.durations import Span


@pytest.mark.parametrize(
    ("moment", "span", "expected"),
    [
        ("2026-03-31T10:00:00+00:00", Span(months=1), "2026-03-03T10:00:00+00:00"),
        ("2028-03-31T10:00:00+00:00", Span(months=1), "2028-03-02T10:00:00+00:00"),
        ("2028-02-29T10:00:00+00:00", Span(years=1), "2027-03-01T10:00:00+00:00"),
        ("2026-01-15T00:30:00+09:00", Span(months=1, hours=1), "2025-12-14T23:30:00+09:00"),
        ("2026-12-31T12:00:00+00:00", Span(years=1, months=12, days=31), "2024-11-30T12:00:00+00:00"),
        ("2026-06-01T00:00:00+00:00", Span(years=3000), "0001-01-01T00:00:00+00:00"),
        ("2026-06-01T00:00:00+00:00", Span(days=10**12), "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_short_month_runs_over_into_the_next(moment: str, span: Span, expected: str) -> None:
    """Years and months come off first, then days, then hours; what cannot be named ends at the beginning of time."""
    actual = calendar.before(datetime.fromisoformat(moment), span)

    assert datetime.fromisoformat(expected) == actual


def test_days_turn_the_wall_clock_and_hours_elapse() -> None:
    """Across the change to summer time a day back is the same hour, and 24 hours back is not."""
    after_the_change = datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    assert datetime(2026, 3, 28, 11, tzinfo=UTC) == calendar.before(after_the_change, Span(days=1))
    assert datetime(2026, 3, 28, 10, tzinfo=UTC) == calendar.before(after_the_change, Span(hours=24))


@given(moment=st.datetimes(timezones=st.just(UTC)), days=st.integers(0, 10**6), hours=st.integers(0, 10**6))
def test_days_and_hours_are_plain_subtraction_in_utc(moment: datetime, days: int, hours: int) -> None:
    """Where the wall clock never jumps, days and hours are what a timedelta says."""
    try:
        expected = moment - timedelta(days=days, hours=hours)
    except OverflowError:
        expected = calendar.BEGINNING

    assert expected == calendar.before(moment, Span(days=days, hours=hours))


@pytest.mark.parametrize(
    ("span", "expected"),
    [(Span(), "0h"), (Span(years=1, months=5, days=7, hours=2), "1y5m7d2h"), (Span(days=30), "30d")],
)
def test_a_span_is_spelled_as_restic_spells_it(span: Span, expected: str) -> None:
    """What is zero is left out."""
    assert expected == calendar.spelled(span)
