"""What may not be let go, whatever the rules say: each with its own reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from covenant.kernel.keep import Keep
from covenant.safeguard import forget
from covenant.safeguard.forget import ForgetPlan
from covenant.safeguard.protecting import HOLD_TAG, POINT_TAG, protected
from covenant.vault.snapshot import KIND_TAG, Snapshot, snapshot_time

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def taken(days_ago: int, kind: str = "incremental", *tags: str) -> Snapshot:
    """A snapshot of that day."""
    time = NOW - timedelta(days=days_ago)
    return Snapshot(
        time_=snapshot_time(time), tree="t", tags_=[*tags, KIND_TAG + kind], id=f"{days_ago:03}-{kind}-{len(tags)}"
    )


def plan(*snapshots: Snapshot) -> ForgetPlan:
    """Only the last is kept by a rule."""
    return forget.plan(snapshots, Keep(last=1), (), now=NOW)


def saved(decided: ForgetPlan, snapshot: Snapshot) -> str:
    """Why a snapshot stays; ``""`` where it goes."""
    return next((judged.why() for judged in decided.keep if judged.snapshot.id == snapshot.id), "")


def test_the_base_of_the_next_differential_stays() -> None:
    """The newest whole snapshot stays, though newer ones use up the count; an older whole one goes."""
    old, base, last = taken(20, "full"), taken(9, "full"), taken(1)

    decided = protected([plan(old, base, last)])[0]

    assert "the next differential builds on it" == saved(decided, base)
    assert [old.id] == [judged.snapshot.id for judged in decided.forget]


def test_a_hold_outlives_retention() -> None:
    """What is held stays, and says for what."""
    held = taken(400, "incremental", HOLD_TAG + "case-17")

    assert "held: case-17" == saved(protected([plan(held, taken(1))])[0], held)


def test_a_recovery_point_stays_whole() -> None:
    """As long as a rule keeps the database of a recovery point, the media of the same point stay; then both go."""
    database, media = taken(1, "incremental", POINT_TAG + "p1"), taken(5, "incremental", POINT_TAG + "p1")

    with_point = protected([plan(database), plan(media, taken(0))])
    without = protected([plan(taken(5, "incremental", POINT_TAG + "p1"), taken(1)), plan(media, taken(0))])

    assert "belongs to recovery point p1" == saved(with_point[1], media)
    assert "" == saved(without[1], media)
