"""Which promised drills were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.schedule import Schedule
from covenant.prove.missed import held_at, missed
from covenant.prove.record import DrillRecord, Level
from covenant.prove.telling import to_json

FIRST = Schedule(cron="0 9 1 * *")
PROMISED = datetime(2026, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def on(month: int, day: int = 1) -> datetime:
    """A morning of 2026."""
    return datetime(2026, month, day, 9, tzinfo=UTC)


def test_a_month_without_a_drill_is_missed_for_good() -> None:
    """A drill in April answers April, whether on the day or late; February and March stay missed."""
    held = [on(4, 20)]

    assert (on(2), on(3)) == missed(FIRST, "monthly", PROMISED, held, on(4, 25))


def test_the_last_one_may_be_a_day_late() -> None:
    """Before that it is only due."""
    held = [on(2), on(3)]

    assert () == missed(FIRST, "monthly", PROMISED, held, on(4) + DAY)
    assert (on(4),) == missed(FIRST, "monthly", PROMISED, held, on(4) + DAY + timedelta(seconds=1))


def test_what_was_due_before_the_promise_was_not_promised() -> None:
    """January's moment came before anybody promised anything."""
    assert () == missed(FIRST, "monthly", PROMISED, [], on(2) - timedelta(seconds=1))


@given(st.lists(st.integers(0, 400)))
def test_every_moment_is_either_answered_or_missed(days: list[int]) -> None:
    """Over a year, with drills on any days: a month is missed exactly if none was held in it."""
    held = [PROMISED + day * DAY for day in days]
    now = datetime(2027, 1, 1, tzinfo=UTC)

    found = missed(FIRST, "monthly", PROMISED, held, now)

    for month in range(2, 13):
        ends = on(month + 1) if month < 12 else now + DAY
        assert (on(month) in found) == (not any(on(month) <= each < ends for each in held))


def test_a_drill_over_chosen_sources_answers_nothing() -> None:
    """One that a person narrowed proves what it proves, and is not the drill that was promised."""
    record = DrillRecord(id="1", level=Level.MONTHLY, began_at=on(2), ended_at=on(2), due_at=None)
    narrowed = DrillRecord(id="2", level=Level.MONTHLY, began_at=on(2), ended_at=on(2), narrowed=True)

    assert (on(2), None, None) == (held_at(to_json(record)), held_at(to_json(narrowed)), held_at("nonsense"))
