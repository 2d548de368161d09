"""Forgetting: what a plan lets go is deleted, what it keeps is not, and it says why."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from covenant.kernel.errors import Refusal, SnapshotMissing
from covenant.kernel.keep import Keep
from covenant.safeguard import forget
from covenant.vault.snapshot import Snapshot
from tests.small_worlds import a_small_vault, take

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def a_snapshot(time: str, name: str = "a") -> Snapshot:
    """A snapshot that is in no vault."""
    return Snapshot(time_=time, tree="0" * 64, hostname="h", id=name * 64)


def test_a_policy_is_carried_out() -> None:
    """Of ten days the last three stay; those and no others are in the vault afterwards."""
    store, vault = a_small_vault()
    taken = [take(vault, store, {"day": b"%d" % day}, day=day) for day in range(10)]
    plan = forget.plan(vault.snapshots(), Keep(daily=3), now=NOW)

    deleted = forget.apply(plan, vault, store)

    assert 7 == deleted
    assert {snapshot.id for snapshot in taken[-3:]} == set(vault.snapshot_ids())


def test_applied_twice_it_does_no_more() -> None:
    """A run that was killed halfway is simply run again."""
    store, vault = a_small_vault()
    taken = [take(vault, store, {"day": b"%d" % day}, day=day) for day in range(4)]
    plan = forget.plan(vault.snapshots(), Keep(last=1), now=NOW)
    store.delete(f"snapshots/{taken[0].id}")

    assert (2, 0) == (forget.apply(plan, vault, store), forget.apply(plan, vault, store))
    assert [taken[-1].id] == vault.snapshot_ids()


def test_a_snapshot_that_came_later_is_not_touched() -> None:
    """A plan lets go what it names, and knows nothing of the rest."""
    store, vault = a_small_vault()
    take(vault, store, {"day": b"1"}, day=1)
    plan = forget.plan_named(vault.snapshots(), vault.snapshot_ids(), now=NOW)
    later = take(vault, store, {"day": b"2"}, day=2)

    forget.apply(plan, vault, store)

    assert [later.id] == vault.snapshot_ids()


def test_named_snapshots_go_alone() -> None:
    """Every other stays, and the plan says so."""
    store, vault = a_small_vault()
    first, second = (take(vault, store, {"day": b"%d" % day}, day=day) for day in range(2))

    plan = forget.plan_named(vault.snapshots(), [first.id], now=NOW)
    forget.apply(plan, vault, store)

    assert ["not named"] == [judged.why() for judged in plan.keep]
    assert [second.id] == vault.snapshot_ids()


def test_a_name_that_fits_nothing_is_refused() -> None:
    """Nothing is forgotten by mistake for something else."""
    with pytest.raises(SnapshotMissing):
        forget.plan_named([], ["ab" * 32], now=NOW)


def test_a_plan_that_contradicts_itself_cannot_be_made() -> None:
    """A snapshot is kept or forgotten, never both."""
    judged = forget.Judged(a_snapshot("2026-01-01T00:00:00Z"), ())

    with pytest.raises(Refusal):
        forget.ForgetPlan(NOW, "", keep=(judged,), forget=(judged,))


def test_a_day_is_that_of_the_wall_clock() -> None:
    """Two snapshots of one day in Tokyo lie on two days of Greenwich; only one of them is kept as daily."""
    morning, evening = a_snapshot("2026-01-10T01:00:00+09:00", "a"), a_snapshot("2026-01-10T23:00:00+09:00", "b")

    plan = forget.plan([morning, evening], Keep(daily=5), now=NOW)

    assert [evening.id] == [judged.snapshot.id for judged in plan.keep]


def test_a_plan_is_json() -> None:
    """Each row with its reasons, for people and programs."""
    plan = forget.plan(
        [a_snapshot(f"2026-01-0{day}T00:00:00Z", name) for day, name in ((1, "a"), (2, "b"))], Keep(last=1), now=NOW
    )

    rows = json.loads(json.dumps(plan.as_json()))

    assert [("b" * 64, "last")] == [(row["id"], row["reasons"][0]["rule"]) for row in rows["keep"]]
    assert [("a" * 64, "no rule keeps it: 1 last")] == [
        (row["id"], row["reasons"][0]["text"]) for row in rows["forget"]
    ]
