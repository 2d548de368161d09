"""After every damage, repair leaves a sound vault with everything in it that could be saved."""

from __future__ import annotations

from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import Refusal
from covenant.vault.names import INDEX, LOCKS, SNAPSHOTS
from covenant.vault.pack import BlobType
from covenant.vault.ports import Store
from covenant.vault.repair.index import apply_index, plan_index
from covenant.vault.repair.packs import apply_packs, plan_packs
from covenant.vault.repair.snapshots import apply_snapshots, plan_snapshots
from covenant.vault.vault import Vault
from tests.faults.damaged_worlds import (
    Damage,
    World,
    a_world,
    checked,
    delete,
    empty,
    flip,
    halve,
    lengthen,
    readable,
    reopened,
    shorten,
)
from tests.faults.stores import Died, DiesAfterWrite
from tests.small_worlds import PIECE, contents, copied, restic_refuses

DAMAGES: list[Damage] = [shorten, halve, empty, lengthen, delete, flip(200), flip(-1), flip(-40), flip(5000)]
Contents: TypeAlias = dict[str, bytes]


@pytest.fixture(scope="module")
def world() -> World:
    """One sound vault for all tests of this module, which only ever damage copies."""
    return a_world()


def repaired(vault: Vault, store: Store) -> Vault:
    """The vault after every repair, each planned and applied."""
    apply_index(plan_index(vault), vault, store)
    apply_packs(plan_packs(vault, checked(vault).damaged_packs), vault, store)
    apply_snapshots(plan_snapshots(vault, forget=True), vault, store)
    return Vault(store, vault.master, vault.config, key_id=vault.key_id)


def store_of(vault: Vault) -> MemoryStore:
    """The store of a vault of these tests."""
    assert isinstance(vault.store, MemoryStore)
    return vault.store


def without_ids(world: World, vault: Vault, but_not: Set[str] = frozenset()) -> dict[str, Contents]:
    """By a snapshot's moment, the files that are not said to suffer: path below the root to content."""
    return {
        snapshot.time_: {file.partition(":/")[2]: data for file, data in readable(vault, snapshot, but_not)}
        for snapshot in world.snapshots
    }


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", list(BlobType))
def test_what_a_damaged_pack_leaves_is_saved(world: World, kind: BlobType, damage: Damage) -> None:
    """The vault is sound again; files that lost nothing are whole; of the others every whole piece is kept."""
    for name in world.packs_of(kind):
        vault = world.damaged((name, damage))
        suffering = world.sufferers(world.lost(name, damage))
        sound = without_ids(world, world.vault, suffering)

        mended = repaired(vault, store_of(vault))

        assert () == checked(mended).findings
        assert len(world.snapshots) - sum(file.endswith(":/") for file in suffering) == len(mended.snapshot_ids())
        for snapshot in mended.snapshots():
            saved = contents(mended, snapshot)
            assert sound[snapshot.time_].items() <= saved.items()
            for path in saved.keys() - sound[snapshot.time_].keys():
                assert path.endswith(".damaged")
                whole = contents(world.vault, next(s for s in world.snapshots if s.time_ == snapshot.time_))
                original = whole[path.removesuffix(".damaged")]
                pieces = {original[at : at + PIECE] for at in range(0, len(original), PIECE)}
                assert all(piece in pieces for piece in split(saved[path], pieces))


def split(content: bytes, pieces: set[bytes]) -> list[bytes]:
    """Content as the pieces that it is made of."""
    found, at = [], 0
    while at < len(content):
        piece = next((piece for piece in pieces if content.startswith(piece, at)), content[at:])
        found.append(piece)
        at += len(piece)
    return found


@pytest.mark.parametrize("damage", [delete, flip(100), empty])
def test_lost_index_files_cost_nothing(world: World, damage: Damage) -> None:
    """However many index files are damaged or gone, the packs' headers bring back all of them."""
    names = world.objects(INDEX)
    for damaged in (names[:1], names[1:], names):
        vault = world.damaged(*((name, damage) for name in damaged))

        apply_index(plan_index(vault), vault, store_of(vault))

        assert () == checked(vault).findings
        assert without_ids(world, world.vault) == without_ids(world, reopened(vault, store_of(vault)))


def test_a_sound_vault_needs_no_repair(world: World) -> None:
    """Plans for a sound vault are empty, and applying them changes nothing."""
    store = copied(world.store)
    vault = reopened(world.vault, store)
    before = {name: store.get(name) for name, _ in store.list("")}

    plans = [plan_index(vault), plan_packs(vault, []), plan_snapshots(vault, forget=True)]
    repaired(vault, store)

    assert all(plan.empty and plan.findings == () for plan in plans)
    assert before == {name: store.get(name) for name, _ in store.list("")}


def test_all_packs_read_makes_the_same_index_anew(world: World) -> None:
    """An index listed from the packs alone knows every blob that there was."""
    store = copied(world.store)
    vault = reopened(world.vault, store)

    apply_index(plan_index(vault, read_all_packs=True), vault, store)

    assert () == checked(vault).findings
    assert checked(world.vault).counts.blobs == checked(vault).counts.blobs
    assert not set(world.objects(INDEX)) & {name for name, _ in store.list(INDEX)}


def test_a_plan_writes_nothing_and_says_everything(world: World) -> None:
    """A plan names every object that will go, why, and what is lost for good; until applied nothing changes."""
    name = world.packs_of(BlobType.DATA)[0]
    vault = world.damaged((name, flip(200)))
    before = {name for name, _ in store_of(vault).list("")}

    packs = plan_packs(vault, checked(vault).damaged_packs)
    snapshots = plan_snapshots(vault, forget=True)

    assert before == {name for name, _ in store_of(vault).list("")}
    assert name in {step.subject for step in packs.steps if step.act == "remove"}
    assert all(step.reason for step in (*packs.steps, *snapshots.steps))
    assert [name] == [finding.subject for finding in packs.findings]


def test_snapshots_stay_unless_told_to_go(world: World) -> None:
    """A repaired snapshot says which one it was made from; the old one is only removed on demand."""
    name = world.packs_of(BlobType.DATA)[0]
    vault = world.damaged((name, delete))
    apply_index(plan_index(vault), vault, store_of(vault))
    plan = plan_snapshots(vault)

    made = apply_snapshots(plan, vault, store_of(vault))

    assert set(plan.mended) == {snapshot.original for snapshot in made}
    assert all("repaired" in snapshot.tags for snapshot in made)
    assert {snapshot.id for snapshot in world.snapshots} < set(vault.snapshot_ids())


def test_a_plan_for_another_state_is_refused(world: World) -> None:
    """An index file that came after the plan would be lost by it."""
    store = copied(world.store)
    vault = reopened(world.vault, store)
    plan = plan_index(vault)
    store.delete(world.objects(INDEX)[0])

    with pytest.raises(Refusal):
        apply_index(plan, vault, store)


def test_a_repair_may_die_after_any_write(world: World) -> None:
    """Stopped after each write in turn and begun again, the repair ends as if it had never been stopped."""
    name = world.packs_of(BlobType.DATA)[1]
    damage = flip(200)
    sound = without_ids(world, world.vault, world.sufferers(world.lost(name, damage)))
    writes = 0
    while True:
        vault = world.damaged((name, damage), (world.objects(INDEX)[1], flip(9)))
        dying = DiesAfterWrite(store_of(vault), writes)
        try:
            repaired(vault, dying)
            break
        except Died:
            writes += 1
        mended = repaired(reopened(vault, store_of(vault)), store_of(vault))

        assert () == checked(mended).findings
        for snapshot in mended.snapshots():
            assert sound[snapshot.time_].items() <= contents(mended, snapshot).items()
    assert writes > 6


@settings(max_examples=24, deadline=None)
@given(st.data())
def test_any_damages_together_are_repaired(world: World, data: st.DataObject) -> None:
    """Packs, indexes and snapshots damaged at random: afterwards the vault is sound, and no sound file is lost."""
    packs = data.draw(st.lists(st.sampled_from(sorted(world.packs)), max_size=3, unique=True))
    others = data.draw(st.lists(st.sampled_from(world.objects(INDEX) + world.objects(SNAPSHOTS)[:1]), unique=True))
    kinds = st.one_of(st.sampled_from(DAMAGES), st.integers(0, 1 << 20).map(flip))
    damages = [(name, data.draw(kinds)) for name in (*packs, *others)]
    headless = [(name, damage) for name, damage in damages if name in packs]
    vault = world.damaged(*damages)

    mended = repaired(vault, store_of(vault))

    assert () == checked(mended).findings
    if not any(
        name.startswith(INDEX) for name in others
    ):  # else a damaged header may hide blobs that no one else knows
        lost = set().union(*(world.lost(name, damage) for name, damage in headless))
        sound = without_ids(world, world.vault, world.sufferers(lost))
        for snapshot in mended.snapshots():
            assert sound[snapshot.time_].items() <= contents(mended, snapshot).items()


def test_restic_finds_nothing_wrong_after_a_repair(world: World, tmp_path: Path) -> None:
    """The stock restic program agrees that the repaired vaults are sound."""
    unlocked = [(name, delete) for name in world.objects(LOCKS)]
    samples = [(world.packs_of(kind)[0], damage) for kind in BlobType for damage in (delete, flip(200), shorten)]
    samples.append((world.objects(INDEX)[0], flip(50)))
    vaults = [world.damaged(sample, *unlocked) for sample in samples]
    stores = [store_of(repaired(vault, store_of(vault))) for vault in vaults]

    with ThreadPoolExecutor(2) as side_by_side:
        complaints = list(side_by_side.map(restic_refuses, stores, [tmp_path / str(at) for at in range(len(stores))]))

    assert [""] * len(stores) == complaints
