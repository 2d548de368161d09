"""Terms are planned so that what is locked can be restored by itself, extended only, and cheaply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import ObjectMissing
from covenant.safeguard import forget, terms
from covenant.vault.names import (
    CHECKPOINTS,
    CONFIG,
    DATA,
    EVIDENCE,
    EVIDENCE_KEYS,
    INDEX,
    LOCKS,
    SNAPSHOTS,
    object_name,
)
from covenant.vault.repair.index import apply_index, plan_index
from covenant.vault.snapshot import SOURCE_TAG, Snapshot
from covenant.vault.vault import Vault, open_vault
from tests.clocks import FrozenClock
from tests.faults.stores import Died, DiesAfterWrite
from tests.faults.termed import Termed
from tests.small_worlds import BEGINNING, a_small_vault, contents, everything, noise, take
from tests.vaults import PASSWORD

TERM = timedelta(days=30)
DAY = timedelta(days=1)
PROMISED = {"shoots": TERM, "books": 3 * TERM}


class World:
    """A vault with three snapshots of one source, one of another with a longer term, and one that nobody promised."""

    def __init__(self) -> None:
        self.memory, self.vault = a_small_vault()
        self.shoots = [self.take("shoots", day) for day in range(3)]
        self.books = self.take("books", 1)
        self.take("", 2)
        self.clock = FrozenClock(BEGINNING + 3 * DAY)
        self.store = Termed(self.memory, self.clock)
        self.remembered: dict[str, datetime] = {}

    def take(self, source: str, day: int) -> Snapshot:
        """Files that change from day to day, and some that do not."""
        files = {f"{source}/{n}": noise(f"{source} {n} {day if n % 2 else 0}", 2500) for n in range(6)}
        return take(self.vault, self.memory, files, day=day, tags=(SOURCE_TAG + source,) if source else ())

    def plan(self) -> terms.TermPlan:
        """What is to be extended now."""
        self.vault.forget_index()
        now = self.clock.now()
        held = terms.promised(list(self.vault.snapshots()), PROMISED, now)
        return terms.plan(self.vault, held, self.remembered, now=now)

    def extend(self, store: terms.TermStore | None = None) -> None:
        """Plan and apply."""
        assert () == terms.apply(self.plan(), store or self.store, self.remembered)


@pytest.fixture
def world() -> World:
    """Fresh for each test."""
    return World()


def only_locked(world: World) -> MemoryStore:
    """What is left when someone deletes everything that can be deleted."""
    left = MemoryStore()
    for name, _ in world.memory.list(""):
        if world.store.term(name) is not None:
            left.put(name, world.memory.get(name))
    return left


def rebuilt(store: MemoryStore) -> Vault:
    """The vault, its index made anew from its packs."""
    vault = open_vault(store, PASSWORD)
    apply_index(plan_index(vault), vault, store)
    return open_vault(store, PASSWORD)


def test_what_is_locked_can_be_restored_by_itself(world: World) -> None:
    """Whoever finds only the locked objects makes the index anew, and every promised snapshot is whole."""
    world.extend()
    everything_there = everything(world.memory)

    vault = rebuilt(only_locked(world))

    found = {snapshot.id: contents(vault, snapshot) for snapshot in vault.snapshots()}
    assert {snapshot.id for snapshot in (*world.shoots, world.books)} == set(found)
    assert all(files in everything_there.values() for files in found.values())


@settings(max_examples=8, deadline=None)
@given(days=st.integers(0, 100))
@example(days=26)
@example(days=27)
@example(days=28)
@example(days=88)
@example(days=89)
def test_at_any_moment_what_is_promised_still_is_whole(days: int) -> None:
    """However long ago it was extended, every snapshot whose term is not over survives the loss of all the rest."""
    world = World()
    world.extend()
    world.clock.sleep(days * 86400)
    alive = [
        snapshot
        for snapshot in (*world.shoots, world.books)
        if snapshot.time + PROMISED[snapshot.source] > world.clock.now()
    ]

    left = only_locked(world)

    if alive:
        vault = rebuilt(left)
        assert {snapshot.id for snapshot in alive} <= set(vault.snapshot_ids())
        for snapshot in alive:
            assert contents(world.vault, snapshot) == contents(vault, vault.load_snapshot(snapshot.id))


def test_index_files_and_locks_stay_free(world: World) -> None:
    """An index file is rebuilt from packs; locked, it would keep every pack that it names."""
    world.memory.put(object_name(LOCKS, "ab" * 32), b"lock")

    world.extend()

    free = {name.partition("/")[0] for name, _ in world.memory.list("") if world.store.term(name) is None}
    assert {INDEX, LOCKS} <= free
    assert CONFIG not in free


def test_the_evidence_is_held_as_long_as_anything(world: World) -> None:
    """While any snapshot is held, nobody deletes the key, the pages or the checkpoints of what was done."""
    for folder in (EVIDENCE_KEYS, EVIDENCE, CHECKPOINTS):
        world.memory.put(object_name(folder, "ab" * 32), b"evidence")

    world.extend()

    held = {
        folder: world.store.term(object_name(folder, "ab" * 32)) for folder in (EVIDENCE_KEYS, EVIDENCE, CHECKPOINTS)
    }
    longest = world.store.term(CONFIG)
    assert longest is not None
    assert {longest} == set(held.values())


def test_a_term_is_never_shortened(world: World) -> None:
    """What is locked for longer already stays so."""
    name = object_name(SNAPSHOTS, world.books.id)
    far = world.clock.now() + 1000 * DAY
    world.store.extend(name, far)

    world.extend()

    assert far == world.store.term(name)


def test_nothing_to_do_costs_nothing(world: World) -> None:
    """The second time no object is extended, and no tree is read."""
    world.extend()
    world.store.extended = 0

    plan = world.plan()

    assert () == plan.extensions
    assert 4 == len(plan.promised)


def test_a_new_day_asks_for_little(world: World) -> None:
    """A further backup extends its own new objects; packs that it shares have some days in hand."""
    world.extend()
    world.clock.sleep(1)
    new = world.take("shoots", 3)

    names = {step.name for step in world.plan().extensions}

    assert object_name(SNAPSHOTS, new.id) in names
    assert len(names) < len(list(world.memory.list(DATA)))
    world.remembered.clear()
    assert len(names) < len(world.plan().extensions)


def test_a_snapshot_dated_in_the_future_is_held_from_now(world: World) -> None:
    """A clock that ran ahead by ten years does not lock anything for ten years."""
    ahead = world.take("shoots", 3650)

    (held,) = (one for one in terms.promised([ahead], PROMISED, world.clock.now()))

    assert world.clock.now() + TERM == held.until


def test_a_missing_pack_is_told_and_the_rest_is_extended(world: World) -> None:
    """What is not there cannot be locked: a finding, and it is looked at again next time."""
    gone = next(step.name for step in world.plan().extensions if step.name.startswith(DATA))
    world.memory.delete(gone)

    findings = terms.apply(world.plan(), world.store, world.remembered)

    assert gone in {finding.subject for finding in findings}
    assert world.store.term(object_name(SNAPSHOTS, world.books.id)) is not None
    assert any(step.name == gone for step in world.plan().extensions)


class Dying(Termed):
    """Dies before or after its ``n``-th extension."""

    def __init__(self, world: World, n: int, before: bool) -> None:
        super().__init__(world.memory, world.clock)
        self.terms = world.store.terms
        self._dying = DiesAfterWrite(MemoryStore(), n, before)

    def extend(self, name: str, until: datetime) -> None:
        self._dying._write(lambda: super(Dying, self).extend(name, until))


@pytest.mark.parametrize("before", [True, False])
def test_extending_may_die_anywhere(before: bool) -> None:
    """Killed at any extension, the next run ends with the same terms as if nothing had happened."""
    whole = World()
    whole.extend()
    steps = len(World().plan().extensions)
    for n in range(steps):
        world = World()
        with pytest.raises(Died):
            terms.apply(world.plan(), Dying(world, n, before), world.remembered, lanes=1)

        world.extend()

        assert len(whole.store.terms) == len(world.store.terms)
        assert set(contents(rebuilt(only_locked(world)), world.books)) == {f"books/{n}" for n in range(6)}


def test_forget_leaves_what_is_immutable(world: World) -> None:
    """A snapshot within its term stays with the reason; named by a person it is a finding as well."""
    world.extend()
    snapshots = list(world.vault.snapshots())
    named = forget.plan_named(snapshots, [world.books.id], now=world.clock.now())

    plan = forget.around(named, world.store)

    assert () == plan.forget
    assert "immutable until 2026-04-02 12:00:00" in {judged.why() for judged in plan.keep}
    assert ["snapshot-immutable"] == [finding.kind for finding in plan.findings]


def test_a_refused_forget_goes_on_with_the_rest(world: World) -> None:
    """Where the store refuses against all planning, the others are forgotten first, and then it is told."""
    world.store.extend(object_name(SNAPSHOTS, world.books.id), world.clock.now() + TERM)
    ids = [world.books.id, world.shoots[0].id]
    plan = forget.plan_named(list(world.vault.snapshots()), ids, now=world.clock.now())

    with pytest.raises(Exception, match="1 snapshots stay"):
        forget.apply(plan, world.vault, world.store)

    with pytest.raises(ObjectMissing):
        world.memory.size(object_name(SNAPSHOTS, world.shoots[0].id))
    assert datetime(2026, 1, 4, 12, tzinfo=UTC) == world.clock.now()
