"""Damage of every kind in every kind of object is found, named, and blamed for exactly the files that it costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covenant.vault.check.proof import PackJob, prove_sound
from covenant.vault.names import CONFIG, INDEX, KEYS, LOCKS, SNAPSHOTS, id_of
from covenant.vault.pack import BlobType
from tests.faults.damaged_worlds import (
    Damage,
    World,
    a_world,
    affected,
    checked,
    delete,
    empty,
    flip,
    halve,
    lengthen,
    readable,
    replace,
    shorten,
    subjects,
)
from tests.small_worlds import restic_refuses

DAMAGES: list[Damage] = [shorten, halve, empty, lengthen]
FLIPS: list[Damage] = [flip(bit) for bit in (0, 7, 100, 130, 300, 2000, -400, -300, -129, -40, -32, -31, -25, -8, -1)]


@pytest.fixture(scope="module")
def world() -> World:
    """One sound vault for all tests of this module, which only ever damage copies."""
    return a_world()


def test_a_sound_vault_has_no_findings(world: World) -> None:
    """Nothing is found where nothing is wrong, and everything was looked at."""
    report = checked(world.vault)

    assert () == report.findings
    assert len(world.packs) == report.counts.packs_read
    assert sum(len(entries) for entries in world.packs.values()) == report.counts.blobs
    assert sum(size for _, size in world.store.list("data")) == report.bytes_read
    assert ["lock-stale"] == [note.kind for note in report.notes]


@pytest.mark.parametrize("damage", [*DAMAGES, *FLIPS, delete])
@pytest.mark.parametrize("kind", list(BlobType))
def test_a_damaged_pack_is_named_with_the_files_it_costs(world: World, kind: BlobType, damage: Damage) -> None:
    """Whatever happens to a pack, it is found; the files named are those that need its lost blobs, and no others."""
    for name in world.packs_of(kind):
        vault = world.damaged((name, damage))
        report = checked(vault)

        assert name in subjects(report)
        assert world.sufferers(world.lost(name, damage)) == affected(report)


@pytest.mark.parametrize("damage", [*DAMAGES, *FLIPS])
@pytest.mark.parametrize("folder", [INDEX, SNAPSHOTS, KEYS, CONFIG])
def test_a_damaged_small_object_is_named(world: World, folder: str, damage: Damage) -> None:
    """An index, snapshot, key or config that is not as it was written is found by name."""
    for name in world.objects(folder) or [CONFIG]:
        report = checked(world.damaged((name, damage)))

        assert name in subjects(report)


def test_every_bit_of_a_pack_counts(world: World) -> None:
    """No bit of a pack can change unseen: all are tried."""
    name = min(world.packs, key=lambda name: len(world.store.get(name)))
    whole = world.store.get(name)
    job = PackJob(bytes.fromhex(id_of(name)), len(whole), sum(entry.length for entry in world.packs[name]))
    assert prove_sound(world.vault, job) is not None

    unseen = [bit for bit in range(len(whole) * 8) if prove_sound(world.damaged((name, flip(bit))), job) is not None]

    assert [] == unseen


def test_a_missing_config_or_key_is_found(world: World) -> None:
    """Whoever has the vault open learns that nobody else could open it."""
    assert {CONFIG} == subjects(checked(world.damaged((CONFIG, delete))))
    in_use = f"{KEYS}/{world.vault.key_id}"
    assert {in_use} == subjects(checked(world.damaged((in_use, delete))))
    assert {KEYS} == subjects(checked(world.damaged(*((name, delete) for name in world.objects(KEYS)))))


def test_a_missing_index_costs_the_files_that_only_it_knew(world: World) -> None:
    """Blobs that no index names are missing, and so are the files that need them."""
    for name in world.objects(INDEX):
        known = world.vault.load_index(name.partition("/")[2])
        lost = {(entry.type, entry.id) for pack in known.packs for entry in pack.entries()}
        for damage in (delete, flip(50)):
            report = checked(world.damaged((name, damage)))

            assert not report.sound
            assert world.sufferers(lost) == affected(report)
            assert "pack-unindexed" in {note.kind for note in report.notes}


def test_a_damaged_snapshot_is_its_own_sufferer(world: World) -> None:
    """A snapshot that cannot be read costs all of itself."""
    for snapshot in world.snapshots:
        report = checked(world.damaged((f"{SNAPSHOTS}/{snapshot.id}", flip(99))))

        assert {f"{snapshot.short_id}:/"} == affected(report)


@pytest.mark.parametrize("damage", [*DAMAGES, flip(0), flip(-1)])
def test_a_damaged_lock_is_a_note(world: World, damage: Damage) -> None:
    """A lock holds no data: an unreadable one is told, and is no damage."""
    (lock,) = world.objects(LOCKS)

    report = checked(world.damaged((lock, damage)))

    assert report.sound
    assert [("lock-unreadable", lock)] == [(note.kind, note.subject) for note in report.notes]


@pytest.mark.parametrize("folder", ["data", INDEX, SNAPSHOTS, KEYS])
def test_two_objects_that_changed_places_are_both_named(world: World, folder: str) -> None:
    """Whole and authentic bytes under a wrong name are damage."""
    names = world.objects(folder)
    for first, second in pairwise(names):
        swap = [(first, replace(world.store.get(second))), (second, replace(world.store.get(first)))]

        assert {first, second} <= subjects(checked(world.damaged(*swap)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damages_together_are_all_found(world: World, data: st.DataObject) -> None:
    """However many packs are damaged and however, each is named; files are blamed exactly; the others read back."""
    names = data.draw(st.lists(st.sampled_from(sorted(world.packs)), min_size=1, max_size=4, unique=True))
    kinds = st.one_of(st.sampled_from([*DAMAGES, delete]), st.integers(0, 1 << 20).map(flip))
    damages = [(name, data.draw(kinds)) for name in names]
    lost = set().union(*(world.lost(name, damage) for name, damage in damages))
    vault = world.damaged(*damages)

    report = checked(vault)

    assert set(names) == subjects(report)
    assert world.sufferers(lost) == affected(report)
    for snapshot in world.snapshots:
        whole = dict(readable(world.vault, snapshot, affected(report)))
        assert whole == dict(readable(vault, snapshot, affected(report)))


@pytest.mark.parametrize("gone", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_restic_agrees_that_something_is_wrong(world: World, tmp_path: Path, gone: bool) -> None:
    """What we call damage, the stock restic program calls damage too. A pack that is gone it looks for again and
    again, for most of a minute."""
    samples = [world.packs_of(kind)[0] for kind in BlobType]
    samples += [world.objects(INDEX)[0], world.objects(SNAPSHOTS)[0]]
    unlocked = [(name, delete) for name in world.objects(LOCKS)]
    assert "" == restic_refuses(world.damaged(*unlocked).store, tmp_path / "sound")
    damages = [(samples[0], delete)] if gone else [(name, flip(200)) for name in samples]
    damaged = [world.damaged(damage, *unlocked) for damage in damages]

    with ThreadPoolExecutor(len(damaged)) as side_by_side:
        places = [tmp_path / str(number) for number in range(len(damaged))]
        complaints = list(side_by_side.map(restic_refuses, [vault.store for vault in damaged], places))

    assert all(complaints)
    assert not any(checked(vault).sound for vault in damaged)
