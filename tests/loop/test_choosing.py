"""Which of what is due may begin beside what is at work."""

from __future__ import annotations

from datetime import timedelta

from covenant.loop.choosing import choose, in_the_way
from covenant.loop.due import Due
from tests.loop.worlds import NOON


def a_due(subject: str, kind: str = "incremental", *, late: timedelta = timedelta(), vault: str = "default") -> Due:
    """Something due ``late`` ago, whose promise lasts for a day."""
    return Due(
        subject=subject,
        vault=vault,
        kind=kind,
        due_at=NOON - late,
        deadline=NOON + timedelta(days=1),
        priority=1,
        reason="",
    )


def test_no_more_begin_than_there_is_room_for() -> None:
    """After an outage a thousand sources are due; as many begin as may work at once, the first ones."""
    waiting = [a_due(f"s{number:04}") for number in range(1000)]

    assert waiting[:3] == choose(waiting, [], 3, NOON)
    assert waiting[:1] == choose(waiting, [a_due("x"), a_due("y")], 3, NOON)


def test_one_run_of_a_source_at_a_time() -> None:
    """What is at work is not begun a second time."""
    assert [] == choose([a_due("a")], [a_due("a", "full")], 3, NOON)


def test_who_takes_away_is_alone_in_its_vault() -> None:
    """A prune does not begin beside a backup, nor a backup beside a prune; in another vault both may."""
    prune, backup, elsewhere = a_due("default", "prune"), a_due("a"), a_due("b", vault="offsite")

    assert [elsewhere] == choose([prune, elsewhere], [backup], 3, NOON)
    assert [elsewhere] == choose([backup, elsewhere], [prune], 3, NOON)


def test_who_takes_away_gets_its_turn() -> None:
    """When a prune has waited for long, backups that can wait do, until it was done."""
    prune = a_due("default", "prune", late=timedelta(hours=2))

    assert [] == choose([a_due("b"), prune], [a_due("a")], 3, NOON)
    assert [prune] == choose([a_due("b"), prune], [], 3, NOON)


def test_what_is_done_in_spare_time_makes_way() -> None:
    """A reading back is asked to stop where a chore of its vault waits, or where nobody else has room to begin."""
    verify, sync, backup = a_due("default", "verify"), a_due("default", "sync"), a_due("a")

    assert [verify] == in_the_way([sync], [verify], 3)
    assert [verify] == in_the_way([backup], [verify, a_due("b")], 2)
    assert [] == in_the_way([backup], [verify, backup], 3)
    assert [] == in_the_way([a_due("offsite", "sync", vault="offsite")], [verify], 3)
    assert [] == in_the_way([], [verify], 1)


def test_only_what_is_done_in_spare_time_makes_way() -> None:
    """A backup under way is never broken off because something else is due."""
    assert [] == in_the_way([a_due("default", "sync"), a_due("b")], [a_due("a"), a_due("offsite", "check")], 2)
