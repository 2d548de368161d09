"""A prune goes around what its store lets nobody delete, and comes back for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.vault.names import DATA, INDEX, SNAPSHOTS, id_of, object_name
from covenant.vault.ports import Store
from covenant.vault.prune import Action, PruneOptions, PrunePlan, apply_prune, plan_prune
from covenant.vault.prune.reindex import named_by
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.clocks import FrozenClock
from tests.faults.crashes import dies_well
from tests.faults.termed import Termed
from tests.small_worlds import Files, a_small_vault, contents, damage, label, noise, take

OLD = {f"shoot/{n}.raw": noise(f"old {n}", 2500) for n in range(8)}
NEW = OLD | {f"shoot/{n}.raw": noise(f"new {n}", 2500) for n in range(0, 8, 2)}
ALL_OF_IT = PruneOptions(max_unused=0.0, pack_size=4096)
TERM = timedelta(days=30)


class World:
    """Two snapshots that share half of their blobs, the older of them forgotten."""

    def __init__(self) -> None:
        self.memory, self.vault = a_small_vault()
        old: Snapshot = take(self.vault, self.memory, OLD)
        self.new = take(self.vault, self.memory, NEW, day=1)
        self.memory.delete(object_name(SNAPSHOTS, old.id))
        self.vault.forget_index()
        self.store = Termed(self.memory, FrozenClock(datetime(2026, 3, 1, tzinfo=UTC)))

    def names(self, folder: str) -> list[str]:
        """The objects of a folder."""
        return sorted(name for name, _ in self.memory.list(folder))

    def plan(self) -> PrunePlan:
        """What a prune would do."""
        return plan_prune(self.vault, ALL_OF_IT, terms=self.store)


@pytest.fixture
def world() -> World:
    """Fresh for each test."""
    return World()


def test_a_pack_within_its_term_is_left_and_counted(world: World) -> None:
    """Nothing of it is touched; the plan says how many bytes must stay, and until when."""
    going = next(fate.pack for fate in world.plan().fates if fate.action is Action.REMOVE)
    name = object_name(DATA, going.id)
    world.store.extend(name, world.store.clock.now() + TERM)

    plan = world.plan()
    findings = apply_prune(plan, world.vault, world.store)

    assert () == findings
    assert [(name, going.size)] == [(held.name, held.bytes) for held in plan.held]
    assert going.size == plan.totals.bytes_held
    assert any(fate.why == "locked until 2026-03-31 00:00:00" for fate in plan.fates)
    assert name in world.names(DATA)
    assert [] == damage(world.memory)


def test_after_its_term_it_goes(world: World) -> None:
    """What was left is removed by the first prune after, and the vault is as small as without any term."""
    plain = World()
    apply_prune(plain.plan(), plain.vault, plain.store)
    for name in world.names(DATA):
        world.store.extend(name, world.store.clock.now() + TERM)
    apply_prune(world.plan(), world.vault, world.store)
    world.store.clock.sleep(TERM.total_seconds())

    apply_prune(world.plan(), world.vault, world.store)

    assert len(plain.names(DATA)) == len(world.names(DATA))
    assert NEW == contents(world.vault, world.new)


def test_an_index_file_within_its_term_keeps_its_packs(world: World) -> None:
    """I5: no index file names a pack that is gone, also where the index file cannot go."""
    doomed = {fate.pack.id for fate in world.plan().fates if fate.action is not Action.KEEP}
    index = max(world.names(INDEX), key=lambda name: len(named_by(world.vault, id_of(name)) & doomed))
    world.store.extend(index, world.store.clock.now() + TERM)

    plan = world.plan()
    apply_prune(plan, world.vault, world.store)

    assert index in world.names(INDEX)
    assert any("an index file that is locked until" in held.why for held in plan.held)
    assert [] == damage(world.memory)


@pytest.mark.parametrize("folder", [DATA, INDEX])
def test_a_refusal_that_no_plan_foresaw_is_told_and_the_rest_goes_on(world: World, folder: str) -> None:
    """A store that says one thing and does another: what it keeps is a finding, and the vault stays whole."""
    for name in world.names(folder)[:1]:
        world.store.extend(name, world.store.clock.now() + TERM)
    world.store.silent = True
    plan = world.plan()
    doomed = {object_name(DATA, fate.pack.id) for fate in plan.fates if fate.action is not Action.KEEP}
    doomed |= {object_name(INDEX, index) for index in plan.index_files}
    expected = doomed & set(world.names(folder)[:1])

    findings = apply_prune(plan, world.vault, world.store)

    assert expected == {finding.subject for finding in findings}
    assert [] == damage(world.memory)
    assert NEW == contents(world.vault, world.new)


def test_nothing_is_asked_where_nothing_would_go(world: World) -> None:
    """An ordinary prune of a vault without waste costs no question about terms."""
    apply_prune(world.plan(), world.vault, world.store)
    world.store.asked = 0

    plan = world.plan()

    assert plan.empty
    assert 0 == world.store.asked


def test_a_second_prune_around_a_term_has_nothing_to_do(world: World) -> None:
    """What is held is not written anew, prune after prune, while its term lasts."""
    for name in [*world.names(INDEX), *world.names(DATA)[:2]]:
        world.store.extend(name, world.store.clock.now() + TERM)
    apply_prune(world.plan(), world.vault, world.store)

    plan = world.plan()

    assert plan.empty
    assert plan.held


@settings(max_examples=20, deadline=None)
@given(locks=st.sets(st.integers(0, 30)), silent=st.booleans())
def test_whatever_is_locked_the_vault_stays_whole(locks: set[int], silent: bool) -> None:
    """Any set of locked objects, foretold or not: no damage, nothing locked is gone, and afterwards all waste goes."""
    world = World()
    names = sorted(name for name, _ in world.memory.list("") if name.startswith((DATA, INDEX)))
    chosen = [name for number, name in enumerate(names) if number in locks]
    for name in chosen:
        world.store.extend(name, world.store.clock.now() + TERM)
    world.store.silent = silent

    apply_prune(world.plan(), world.vault, world.store)

    assert [] == damage(world.memory)
    assert set(chosen) <= {name for name, _ in world.memory.list("")}
    assert NEW == contents(world.vault, world.new)
    world.store.clock.sleep(TERM.total_seconds())
    apply_prune(world.plan(), world.vault, world.store)
    last = world.plan()
    assert last.empty
    assert [] == [fate for fate in last.fates if fate.pack.unused]


class _Going:
    """A prune around terms, whatever store it is done on."""

    def __init__(self, locked: dict[str, datetime], clock: FrozenClock) -> None:
        self._locked = locked
        self._clock = clock

    def __call__(self, vault: Vault, store: Store) -> None:
        termed = Termed(store, self._clock)
        termed.terms = self._locked
        apply_prune(plan_prune(vault, ALL_OF_IT, terms=termed), vault, termed)


def test_a_prune_around_terms_may_die_anywhere(world: World, tmp_path: Path) -> None:
    """Killed at any of its writes, nothing needed is gone, and the next one goes on."""
    until = world.store.clock.now() + TERM
    doomed = [fate.pack.id for fate in world.plan().fates if fate.action is not Action.KEEP]
    index = min(world.names(INDEX), key=lambda name: len(named_by(world.vault, id_of(name)) & set(doomed)))
    locked = dict.fromkeys([*(object_name(DATA, pack) for pack in doomed[::3]), index], until)
    kept: dict[str, Files] = {label(world.new): NEW}

    died = dies_well(world.memory, _Going(locked, world.store.clock), kept, kept, tmp_path)

    assert died >= 2
