"""Pruning takes away what no snapshot needs, and nothing else."""

from __future__ import annotations

import json

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import DamageError, ObjectMissing, Refusal
from covenant.vault.names import DATA, INDEX, SNAPSHOTS, object_name
from covenant.vault.pack import BlobType
from covenant.vault.prune import Action, PruneOptions, apply_prune, plan_prune
from covenant.vault.segment import Location
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.faults.stores import DiesAfterWrite
from tests.small_worlds import a_small_vault, contents, copied, damage, everything, noise, take

OLD = {f"shoot/{n}.raw": noise(f"old {n}", 2500) for n in range(8)} | {"notes": b"a few words"}
NEW = OLD | {f"shoot/{n}.raw": noise(f"new {n}", 2500) for n in range(0, 8, 2)}
ALL_OF_IT = PruneOptions(max_unused=0.0, pack_size=4096)


def sizes(store: MemoryStore, folder: str) -> dict[str, int]:
    """The objects of a folder, with their sizes."""
    return dict(store.list(folder))


@pytest.fixture
def world() -> tuple[MemoryStore, Vault, Snapshot, Snapshot]:
    """A vault with two snapshots that share half of their blobs."""
    store, vault = a_small_vault()
    return store, vault, take(vault, store, OLD), take(vault, store, NEW, day=1)


def forget(store: MemoryStore, snapshot: Snapshot) -> None:
    """Delete a snapshot."""
    store.delete(object_name(SNAPSHOTS, snapshot.id))


def prune(vault: Vault, store: MemoryStore, options: PruneOptions = ALL_OF_IT) -> None:
    """Plan and apply."""
    apply_prune(plan_prune(vault, options), vault, store)


def spoil(store: MemoryStore, vault: Vault, piece: bytes) -> None:
    """Flip a byte in every copy of a blob."""
    for place in vault.index.find_all(piece, BlobType.DATA):
        name = object_name(DATA, place.pack.hex())
        data = bytearray(store.get(name))
        data[place.offset + 20] ^= 1
        store.overwrite(name, data)


def piece_of(vault: Vault, snapshot: Snapshot, name: str) -> bytes:
    """The id of the first piece of a file in ``shoot``."""
    from covenant.vault.reader import read_tree

    shoot = next(node for node in read_tree(vault, snapshot.tree) if node.name == "shoot")
    node = next(node for node in read_tree(vault, shoot.subtree or "") if node.name == name)
    return bytes.fromhex((node.content or [])[0])


def test_what_a_forgotten_snapshot_alone_needed_is_gone(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """The vault holds what it would if the forgotten snapshot had never been; the other reads back exactly."""
    store, vault, old, new = world
    forget(store, old)

    prune(vault, store)

    assert NEW == contents(vault, new)
    assert [] == damage(store)
    afresh, empty = a_small_vault()
    take(empty, afresh, NEW)
    assert len(empty.index) == len(vault.index)


def test_a_vault_in_which_all_is_needed_is_not_written_to(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """No object is put and none deleted."""
    store, vault, _, _ = world
    counting = DiesAfterWrite(store, None)

    plan = plan_prune(vault, ALL_OF_IT)
    apply_prune(plan, vault, counting)

    assert plan.empty
    assert 0 == counting.writes


def test_a_plan_changes_nothing(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Planning alone, as a dry run does, leaves every object as it was."""
    store, vault, old, _ = world
    forget(store, old)
    before = sizes(store, "")

    plan_prune(vault)

    assert before == sizes(store, "")


def test_a_plan_accounts_for_every_pack(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Each pack of the store stands in the plan once, with a reason; the plan is JSON; its figures come true."""
    store, vault, old, _ = world
    forget(store, old)

    plan = plan_prune(vault, ALL_OF_IT)

    rows = json.loads(json.dumps(plan.as_json()))["packs"]
    assert sorted(name.rpartition("/")[2] for name in sizes(store, DATA)) == sorted(row["id"] for row in rows)
    assert all(row["why"] for row in rows)
    assert {"keep", "repack", "remove"} == {row["action"] for row in rows}
    before = sum(sizes(store, DATA).values())
    apply_prune(plan, vault, store)
    assert plan.totals.bytes == before
    frames = 36 * len(sizes(store, DATA))
    assert abs(before - plan.totals.freed - sum(sizes(store, DATA).values())) <= frames


def test_packs_in_which_little_is_unused_are_left_alone(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """With everything allowed to be unused, packs of data go whole or not at all."""
    store, vault, old, new = world
    forget(store, old)

    plan = plan_prune(vault, PruneOptions(max_unused=1.0, pack_size=4096))

    assert not [fate for fate in plan.packs(Action.REPACK) if fate.pack.of_data_alone]
    apply_prune(plan, vault, store)
    assert NEW == contents(vault, new)


def test_packs_that_stay_are_not_read(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """A pack of data that the plan keeps is never opened, so damage in it does not stop a prune."""
    store, vault, old, _ = world
    forget(store, old)
    plan = plan_prune(vault, ALL_OF_IT)
    for fate in plan.packs(Action.KEEP):
        if fate.pack.of_data_alone:
            name = object_name(DATA, fate.pack.id)
            store.overwrite(name, bytes(len(store.get(name))))

    apply_prune(plan, vault, store)

    assert plan_prune(vault, ALL_OF_IT).empty


def test_only_index_files_that_name_a_lost_pack_are_written_anew() -> None:
    """What other index files say of packs that stay is not touched."""
    store, vault = a_small_vault()
    take(vault, store, OLD)
    untouched = set(sizes(store, INDEX))
    gone = take(vault, store, {"other": noise("other", 9000)}, day=1)
    forget(store, gone)

    prune(vault, store)

    assert untouched == set(sizes(store, INDEX))
    assert [] == damage(store)


def test_packs_of_a_backup_that_died_are_removed(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """A pack that no index names is nobody's, for whoever writes holds a lock."""
    store, vault, _, _ = world
    stray = object_name(DATA, "ab" * 32)
    store.put(stray, b"the beginning of something")

    plan = plan_prune(vault, ALL_OF_IT)
    apply_prune(plan, vault, store)

    assert (("ab" * 32, 26),) == plan.unindexed
    assert stray not in sizes(store, DATA)
    assert [] == damage(store)


def test_of_two_copies_one_stays(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Two writers that did not know of one another stored the same; afterwards it is there once."""
    store, vault, _, new = world
    aside = copied(store)
    elsewhere = Vault(aside, vault.master, vault.config)
    extra = {"extra": noise("extra", 6000)}
    take(vault, store, extra, day=2)
    take(elsewhere, aside, extra | {"more": b"x"}, day=3)
    for name, _ in aside.list(""):
        if name not in sizes(store, ""):
            store.put(name, aside.get(name))
    twice = len(vault.read_index())

    prune(vault, store)

    assert len(vault.index) == twice - 9
    assert 4 == len(everything(store))
    assert NEW == contents(vault, new)
    assert [] == damage(store)
    assert plan_prune(vault, ALL_OF_IT).empty


def test_a_pack_that_two_index_files_name_is_named_once(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """A prune that died between writing new index files and deleting old ones leaves that; the next sets it right."""
    store, vault, old, new = world
    forget(store, old)
    plan = plan_prune(vault, ALL_OF_IT)
    before = set(sizes(store, INDEX))
    kept = copied(store)
    apply_prune(plan, vault, store)
    for name in before - set(sizes(store, INDEX)):
        store.put(name, kept.get(name))
    for name in sizes(kept, DATA):
        if name not in sizes(store, DATA):
            store.put(name, kept.get(name))
    vault.forget_index()

    prune(vault, store)

    assert NEW == contents(vault, new)
    assert [] == damage(store)
    packs = [pack.id for name in sizes(store, INDEX) for pack in vault.load_index(name.rpartition("/")[2]).packs]
    assert len(set(packs)) == len(packs)


def test_a_missing_pack_that_somebody_needs_stops_it_all(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """Before anything is written; the files that suffer are named."""
    store, vault, _, new = world
    place = vault.index.find(piece_of(vault, new, "0.raw"), BlobType.DATA)
    assert place is not None
    store.delete(object_name(DATA, place.pack.hex()))
    before = sizes(store, "")

    with pytest.raises(ObjectMissing, match=rf"nothing was changed: .*{new.short_id}:/shoot/0.raw") as raised:
        prune(vault, store)

    assert "covenant repair" in raised.value.hint
    assert before == sizes(store, "")


def test_a_missing_pack_that_nobody_needs_is_dropped_from_the_index() -> None:
    """It would have gone anyway."""
    store, vault = a_small_vault()
    take(vault, store, OLD)
    packs = set(sizes(store, DATA))
    gone = take(vault, store, {"other": noise("other", 9000)}, day=1)
    forget(store, gone)
    store.delete(min(set(sizes(store, DATA)) - packs))

    prune(vault, store)

    assert packs == set(sizes(store, DATA))
    assert [] == damage(store)


@pytest.mark.parametrize("folder", [SNAPSHOTS, INDEX, DATA])
def test_what_cannot_be_read_stops_it_all(world: tuple[MemoryStore, Vault, Snapshot, Snapshot], folder: str) -> None:
    """A damaged snapshot, index file or tree might have needed anything: no object is written or deleted."""
    store, vault, old, _ = world
    forget(store, old)
    trees = {place.pack.hex() for place in _tree_places(vault)}
    for name in sizes(store, folder):
        if folder != DATA or name.rpartition("/")[2] in trees:
            store.overwrite(name, b"\0" * len(store.get(name)))
    counting = DiesAfterWrite(store, None)

    with pytest.raises(DamageError):
        apply_prune(plan_prune(vault, ALL_OF_IT), vault, counting)

    assert 0 == counting.writes


def _tree_places(vault: Vault) -> list[Location]:
    return [
        segment.location(position)
        for segment in vault.index.segments
        for position in range(segment.count)
        if segment.type_at(position) == BlobType.TREE
    ]


def test_damage_is_not_carried_into_a_new_pack(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """A needed blob that is damaged where it is to be repacked ends the prune: the file is named, nothing removed."""
    store, vault, old, new = world
    forget(store, old)
    plan = plan_prune(vault, ALL_OF_IT)
    name = next(
        f"{n}.raw"
        for n in range(8)
        if (place := vault.index.find(piece_of(vault, new, f"{n}.raw"), BlobType.DATA))
        and place.pack.hex() in {fate.pack.id for fate in plan.packs(Action.REPACK)}
    )
    spoil(store, vault, piece_of(vault, new, name))
    before = set(sizes(store, ""))

    with pytest.raises(DamageError, match=f"nothing was removed: .*{new.short_id}:/shoot/{name}"):
        apply_prune(plan, vault, store)

    assert before <= set(sizes(store, ""))


def test_another_copy_stands_in_for_a_damaged_one() -> None:
    """Where a second pack has the blob whole, that is what is carried over."""
    store, vault = a_small_vault()
    aside = copied(store)
    wanted = {"shoot/wanted": noise("wanted", 600)}
    gone = [take(vault, store, wanted | {"junk": noise("a", 600)})]
    gone.append(take(Vault(aside, vault.master, vault.config), aside, wanted | {"junk": noise("b", 600)}, day=1))
    for name in set(sizes(aside, "")) - set(sizes(store, "")):
        store.put(name, aside.get(name))
    snapshot = take(vault, store, wanted, day=2)
    for each in gone:
        forget(store, each)
    plan = plan_prune(vault, ALL_OF_IT)
    (repacked,) = (fate.pack.id for fate in plan.packs(Action.REPACK) if fate.pack.of_data_alone)
    places = list(vault.index.find_all(piece_of(vault, snapshot, "wanted"), BlobType.DATA))
    (place,) = (place for place in places if place.pack.hex() == repacked)
    name = object_name(DATA, repacked)
    store.overwrite(name, store.get(name)[: place.offset] + bytes(len(store.get(name)) - place.offset))

    apply_prune(plan, vault, store)

    assert 2 == len(places)
    assert wanted == contents(vault, snapshot)
    assert [] == damage(store)


def test_a_plan_for_a_vault_that_has_changed_is_void(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot],
) -> None:
    """A snapshot that came after the plan might need what the plan lets go."""
    store, vault, old, _ = world
    forget(store, old)
    plan = plan_prune(vault, ALL_OF_IT)
    take(vault, store, OLD, day=5)
    before = sizes(store, "")

    with pytest.raises(Refusal):
        apply_prune(plan, vault, store)

    assert before == sizes(store, "")


def test_small_packs_are_put_together_when_asked() -> None:
    """Many small backups leave many small packs; the option makes few of them, and only once."""
    store, vault = a_small_vault()
    taken = [take(vault, store, {f"{day}": noise(f"{day}", 500)}, day=day) for day in range(6)]
    options = PruneOptions(repack_small=True, pack_size=16384)
    before = len(sizes(store, DATA))

    prune(vault, store, options)

    assert (12, 2) == (before, len(sizes(store, DATA)))
    assert [{f"{day}": noise(f"{day}", 500)} for day in range(6)] == [contents(vault, each) for each in taken]
    assert plan_prune(vault, options).empty


def test_work_is_bounded_when_asked(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """No more is rewritten in one prune than was allowed; several of them come to the same end."""
    store, vault, old, new = world
    forget(store, old)
    options = PruneOptions(max_unused=0, max_repack_size=5000, pack_size=4096)
    rounds = 0

    while (plan := plan_prune(vault, options)).index_files:
        assert plan.totals.bytes_repacked <= 5000
        apply_prune(plan, vault, store)
        rounds += 1
        assert rounds < 20

    assert rounds > 1
    assert NEW == contents(vault, new)
    assert [] == damage(store)
