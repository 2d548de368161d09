"""What is due: the moments that nothing answered, each once, the most urgent first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.catalog.history import History, SourceHistory, VaultHistory
from covenant.catalog.records import State
from covenant.kernel.schedule import Schedule
from covenant.loop.due import Due, due, pause, upcoming
from tests.loop.worlds import (
    DAILY,
    HOURLY,
    NOON,
    a_past,
    a_policy,
    a_run,
    a_source,
    a_vault,
    failed,
    good,
    kept,
)

MIDNIGHT = NOON.replace(hour=0)


def only(found: tuple[Due, ...]) -> tuple[str, datetime]:
    """The kind and the moment of the one thing that is due."""
    assert 1 == len(found), found
    return found[0].kind, found[0].due_at


def test_what_was_never_kept_is_due_once_and_in_full() -> None:
    """Of a new source the most thorough kind is due, and answers the others."""
    assert ("full", MIDNIGHT) == only(due(a_policy(a_source()), History(), NOON))


def test_what_was_answered_is_not_due_again() -> None:
    """A good run for the moment, or a snapshot taken since, leaves nothing due until the next moment."""
    past = a_past(kinds={"full": kept("full", MIDNIGHT)}, past={"incremental": good(a_run())})

    assert () == due(a_policy(a_source()), past, NOON)
    assert () == due(a_policy(a_source()), past, NOON + timedelta(minutes=59))
    assert ("incremental", NOON + timedelta(hours=1)) == only(
        due(a_policy(a_source()), past, NOON + timedelta(hours=1))
    )


@pytest.mark.parametrize("days", [1, 9, 400])
def test_missed_moments_are_one(days: int) -> None:
    """However long the outage, one run catches up."""
    past = a_past(kinds={"full": kept("full", NOON - timedelta(days=days))})

    assert ("full", MIDNIGHT) == only(due(a_policy(a_source()), past, NOON))


def test_a_more_thorough_kind_answers_a_lesser_one() -> None:
    """Where a full backup was taken at noon, the incremental one of noon is not due; the other way round it is."""
    source = a_source(schedules={"full": HOURLY, "incremental": HOURLY})

    assert () == due(a_policy(source), a_past(kinds={"full": kept("full")}), NOON)
    assert ("full", NOON) == only(due(a_policy(source), a_past(kinds={"incremental": kept("incremental")}), NOON))


def test_a_log_without_a_change_log_is_an_incremental_backup() -> None:
    """No change log is followed yet: at the moments of its log a source takes an incremental backup."""
    source = a_source(schedules={"log": HOURLY})

    assert ("incremental", NOON) == only(due(a_policy(source), History(), NOON))


def test_what_is_not_covered_or_at_work_is_never_due() -> None:
    """A kind that this version cannot keep, and a source that is being kept, are left alone."""
    running = a_past(running=a_run(state=State.RUNNING))

    assert () == due(a_policy(replace(a_source(), covered=False)), History(), NOON)
    assert () == due(a_policy(a_source()), running, NOON)


def test_a_clock_that_was_ahead_answers_nothing() -> None:
    """A run that was made under a clock set to another year does not silence the source until then."""
    ahead = NOON + timedelta(days=3650)
    past = a_past(kinds={"full": kept("full", ahead)}, past={"full": good(a_run("full", ahead))})

    assert ("full", MIDNIGHT) == only(due(a_policy(a_source()), past, NOON))


def test_a_clock_that_was_set_back_repeats_nothing() -> None:
    """A run for noon that began at five past is not made again when the clock goes back to one past noon."""
    run = a_run(started_at=NOON + timedelta(minutes=5))
    past = a_past(
        kinds={"full": kept("full", MIDNIGHT), "incremental": kept("incremental", NOON + timedelta(minutes=5))},
        past={"incremental": good(run)},
    )

    assert () == due(a_policy(a_source()), past, NOON + timedelta(minutes=1))


def test_after_a_failure_there_is_a_pause() -> None:
    """What failed is not tried at once again, but after a while."""
    source = a_source(schedules={"incremental": HOURLY})
    past = a_past(newest=kept(time=NOON - timedelta(hours=1)), past={"incremental": failed(a_run(state=State.FAILED))})

    assert () == due(a_policy(source), past, NOON + timedelta(seconds=90))
    assert ("incremental", NOON) == only(due(a_policy(source), past, NOON + timedelta(seconds=121)))


def test_what_was_lost_once_is_begun_anew_at_once() -> None:
    """Whoever takes over from a daemon that died does not wait; what is lost again and again is waited for."""
    source = a_source(schedules={"incremental": HOURLY})
    lost = a_run(state=State.LOST)
    at = NOON + timedelta(seconds=61)

    assert ("incremental", NOON) == only(due(a_policy(source), a_past(past={"incremental": failed(lost)}), at))
    assert () == due(a_policy(source), a_past(past={"incremental": failed(lost, 2)}), at)


def test_a_failure_in_the_future_is_not_waited_for() -> None:
    """A failure under a clock that was ahead does not hold a source back."""
    source = a_source(schedules={"incremental": HOURLY})
    ahead = a_run(state=State.FAILED, due_at=NOON + timedelta(days=400))

    assert ("incremental", NOON) == only(due(a_policy(source), a_past(past={"incremental": failed(ahead)}), NOON))


@given(failures=st.integers(1, 60), left=st.timedeltas(timedelta(hours=-5), timedelta(days=3)))
def test_a_pause_grows_and_leaves_time_for_another_try(failures: int, left: timedelta) -> None:
    """Pauses never shrink with failures, never exceed an hour, and end before the promise breaks where they can."""
    length = pause(failures, left)

    assert timedelta(minutes=1) <= length <= timedelta(hours=1)
    assert length <= pause(failures + 1, left)
    if left > timedelta(minutes=2):
        assert length <= left / 2


def test_the_most_urgent_comes_first() -> None:
    """Priority goes before the nearness of a broken promise, and that before names."""
    sources = (
        a_source("later", rpo=timedelta(days=2), priority=2),
        a_source("sooner", priority=2),
        a_source("first", rpo=timedelta(days=9), priority=1),
    )

    assert ["first", "sooner", "later"] == [each.subject for each in due(a_policy(*sources), History(), NOON)]


def vault_past(*sources: SourceHistory, **past: object) -> History:
    """A past of the vault ``default``, and of sources in it."""
    mine = VaultHistory(vault="default", past=past)  # type: ignore[arg-type]
    return History(sources={each.source: each for each in sources}, vaults={"default": mine})


def test_a_prune_is_due_only_after_something_was_let_go() -> None:
    """As long as no forget let a snapshot go, there is nothing to prune, and no need to lock the vault."""
    policy = a_policy(vault=a_vault(forget=HOURLY, prune=HOURLY))
    idle = good(a_run("forget", tally={"unpruned": 0}))
    busy = good(a_run("forget", tally={"unpruned": 4}))

    assert () == due(policy, vault_past(forget=idle), NOON)
    assert ("prune", NOON) == only(due(policy, vault_past(forget=busy), NOON))
    assert () == due(policy, vault_past(forget=busy, prune=good(a_run("prune", id=2))), NOON)


def test_nothing_is_taken_away_beside_a_backup() -> None:
    """Where a source of the vault is being kept, a forget waits, and a check does not."""
    policy = a_policy(a_source(), vault=a_vault(forget=HOURLY, check=HOURLY))
    at_work = SourceHistory(source="media", running=a_run(state=State.RUNNING))

    assert ["check"] == [each.kind for each in due(policy, vault_past(at_work), NOON)]


def test_reading_back_waits_for_everything_else() -> None:
    """It is due after all other chores of its vault and after every source; not while one waits for the vault to be
    free; and while it is at work the others still fall due."""
    policy = a_policy(a_source(), vault=a_vault(sync=HOURLY, verify=HOURLY))
    synced = good(a_run("sync"))
    backing_up = SourceHistory(source="media", running=a_run(state=State.RUNNING))
    reading = VaultHistory(vault="default", running=a_run("verify", state=State.RUNNING))

    assert ["full", "sync"] == [each.kind for each in due(policy, vault_past(), NOON)]
    assert ["full", "verify"] == [each.kind for each in due(policy, vault_past(sync=synced), NOON)]
    assert [] == [each.kind for each in due(policy, vault_past(backing_up), NOON)]
    assert ["sync"] == [each.kind for each in due(policy, History(vaults={"default": reading}), NOON) if each.chore]


@given(
    now=st.integers(0, 60 * 24 * 40).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    every=st.sampled_from([timedelta(minutes=5), timedelta(hours=1), timedelta(hours=12)]),
    age=st.integers(0, 60 * 24 * 3),
)
def test_doing_what_is_due_leaves_nothing_due(now: datetime, every: timedelta, age: int) -> None:
    """Whatever the past: once what is due is done, nothing is due at that moment, and asking twice is asking once."""
    policy = a_policy(a_source(schedules={"full": DAILY, "incremental": Schedule(every=every)}))
    past = a_past(kinds={"full": kept("full", now - timedelta(minutes=age))})

    found = due(policy, past, now)
    done = {each.kind: good(a_run(each.kind, each.due_at, started_at=now)) for each in found}

    assert found == due(policy, past, now)
    assert () == due(policy, a_past(kinds=past.source("media").kinds, past=done), now)


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_what_failed_does_not_hold_a_lesser_backup_back_for_ever(kind: str) -> None:
    """A full backup that keeps failing pauses; an incremental one whose moment came after that failure is made."""
    source = a_source()
    tried = failed(a_run("full", MIDNIGHT, State.FAILED, started_at=NOON - timedelta(minutes=2)), failures=8)
    past = a_past(newest=kept(time=NOON - timedelta(hours=1, minutes=10)), past={"full": tried})

    found = due(a_policy(source), past, NOON if kind == "incremental" else NOON + timedelta(hours=3))

    assert kind == found[0].kind


@pytest.mark.parametrize("failures", [1, 3, 7, 12])
def test_who_waits_for_a_pause_wakes_at_its_end(failures: int) -> None:
    """A chore that failed again and again is due at one of the moments that the loop wakes for, and not before: also
    where its next moment has come meanwhile."""
    policy = a_policy(vault=a_vault(sync=Schedule(every=timedelta(hours=6))))
    earlier, began = NOON - timedelta(hours=6), NOON - timedelta(minutes=9)
    run = a_run("sync", earlier, State.FAILED, subject="default", started_at=began)
    past = History(vaults={"default": VaultHistory(vault="default", past={"sync": failed(run, failures)})})
    ticks = [NOON + timedelta(seconds=second) for second in range(0, 3 * 3600, 10)]
    begins = next(tick for tick in ticks if due(policy, past, tick))

    wakes = min((moment for moment in upcoming(policy, past, NOON) if moment > NOON), default=NOON)

    assert begins == NOON or begins - timedelta(seconds=10) < wakes <= begins
