"""Backups that do not reach their end: stopped, out of room, cut off. No snapshot, nothing lost, less to do next."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from random import Random

import pytest

from covenant.adapters.stores.discarding import DiscardingStore
from covenant.adapters.stores.posix import PosixStore
from covenant.adapters.stores.retrying import RetryingStore
from covenant.kernel.errors import Interrupted, SourceError, StoreFull, StoreUnavailable
from covenant.kernel.progress import Silent
from covenant.protect.backup import Job, Settings, backup
from covenant.vault.names import DATA, INDEX, SNAPSHOTS
from covenant.vault.ports import AppendStore, Store
from covenant.vault.vault import Vault, open_vault
from tests.clocks import FrozenClock
from tests.faults.stores import Died, DiesAfterWrite, Flaky, Full
from tests.protect.counted import files, keep, not_the_same
from tests.small_worlds import damage
from tests.vaults import CLOCK, OWNER, PASSWORD, a_store, a_vault

SMALL_PACKS = Settings(pack_size=64 << 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some small files in two directories, and a large one."""
    made = tmp_path / "live"
    (made / "inner").mkdir(parents=True)
    noise = Random(5)
    for number in range(40):
        (made / "inner" / f"{number}").write_bytes(noise.randbytes(9000))
    (made / "large").write_bytes(noise.randbytes(40 << 20))
    return made


def test_a_stopped_backup_keeps_what_it_read(tmp_path: Path, folder: Path) -> None:
    """Stopped in the middle of a large file: no snapshot, every blob so far is kept, the next run adds the rest."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    stop = threading.Event()

    class StopsMidway(Silent):
        def advance(self, *, files: int = 0, bytes: int = 0) -> None:
            if bytes > 1 << 20:
                stop.set()

    open_before = _descriptors()
    with pytest.raises(Interrupted) as caught:
        backup(Job(files(folder), vault, store, OWNER, CLOCK, progress=StopsMidway(), stop=stop))

    assert "Run it again" in caught.value.hint
    assert [] == [*store.list(SNAPSHOTS)]
    assert open_before == _descriptors()
    fresh = open_vault(store, PASSWORD)
    kept = len(fresh.index)
    again = keep(fresh, store, files(folder))
    assert kept > 5
    assert len(fresh.index) - kept == again.added.data_blobs + again.added.tree_blobs
    assert again.added.data_bytes < 35 << 20
    assert [] == not_the_same(fresh, again.snapshot, folder, tmp_path / "out")


def test_a_backup_stopped_before_it_begins_does_nothing(tmp_path: Path, folder: Path) -> None:
    """A signal that came early is not forgotten."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    stop = threading.Event()
    stop.set()
    source = files(folder)

    with pytest.raises(Interrupted):
        backup(Job(source, vault, store, OWNER, CLOCK, stop=stop))

    assert [] == source.read
    assert [] == [*store.list(DATA)]


def test_a_dry_run_writes_nothing_and_tells_the_same(tmp_path: Path, folder: Path) -> None:
    """What would be new is told as it then is, and the vault is as it was, object for object."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    before = sorted(store.list(""))

    dry = backup(Job(files(folder), vault, DiscardingStore(store), OWNER, CLOCK, dry_run=True))

    assert before == sorted(store.list(""))
    assert "" == dry.snapshot.id
    wet = keep(open_vault(store, PASSWORD), store, files(folder))
    assert (dry.tally, dry.added.data_blobs, dry.added.data_bytes) == (
        wet.tally,
        wet.added.data_blobs,
        wet.added.data_bytes,
    )


@pytest.mark.parametrize("room", [0, 100_000, 20 << 20])
def test_a_full_store_ends_it_without_a_snapshot(tmp_path: Path, folder: Path, room: int) -> None:
    """Whenever the room runs out, the error says so, and what is in the vault is sound."""
    store = a_store(tmp_path / "v")
    a_vault(store)
    full = Full(store, room)
    open_before = _descriptors()

    with pytest.raises(StoreFull):
        keep(open_vault(full, PASSWORD), full, files(folder), settings=SMALL_PACKS)

    assert full.refused
    assert open_before == _descriptors()
    _still_sound(store, folder, tmp_path)


def test_a_store_that_stammers_is_asked_again(tmp_path: Path, folder: Path) -> None:
    """Transient failures of single calls are got over, and the snapshot is whole."""
    store = a_store(tmp_path / "v")
    a_vault(store)
    flaky = Flaky(store, 7, after=True)
    patient = RetryingStore(flaky, FrozenClock(), Random(1))

    done = keep(open_vault(patient, PASSWORD), patient, files(folder), settings=SMALL_PACKS)

    assert 0 == flaky.left
    assert [] == damage(store)
    assert [] == not_the_same(open_vault(store, PASSWORD), done.snapshot, folder, tmp_path / "out")


def test_a_store_that_stays_away_ends_it(tmp_path: Path, folder: Path) -> None:
    """Patience has an end: the error is the store's own."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    patient = RetryingStore(Flaky(store, 10_000), FrozenClock(), Random(1), attempts=3)

    with pytest.raises(StoreUnavailable):
        keep(vault, patient, files(folder), settings=SMALL_PACKS)

    _still_sound(store, folder, tmp_path)


@pytest.mark.parametrize("before", [True, False])
def test_a_backup_that_dies_anywhere_leaves_no_snapshot(tmp_path: Path, before: bool) -> None:
    """Dead after write n, for all n: what the vault held is whole, and only the last write makes a snapshot."""
    live = tmp_path / "live"
    live.mkdir()
    (live / "old").write_bytes(b"old")
    new = [os.urandom(30_000) for _ in range(6)]
    total = _write_until_death(tmp_path / "first", live, new, None, before)
    assert total >= 5

    for n in range(total):
        vault = tmp_path / f"{before} {n}"
        _write_until_death(vault, live, new, n, before)
        store = PosixStore(vault)
        snapshots = len([*store.list(SNAPSHOTS)])

        assert (2 if n == total - 1 and not before else 1) == snapshots
        assert [] == damage(store)


def test_no_snapshot_without_a_lock_that_stood(tmp_path: Path, folder: Path) -> None:
    """Where someone took the vault for themselves meanwhile, the snapshot is not stored."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)

    def refuse() -> None:
        raise Interrupted("someone else was quicker")

    with pytest.raises(Interrupted):
        backup(Job(files(folder), vault, store, OWNER, CLOCK, confirm=refuse))

    assert [] == [*store.list(SNAPSHOTS)]


def test_a_source_with_nothing_there_is_an_error(tmp_path: Path) -> None:
    """An unmounted disk makes no empty snapshot."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)

    with pytest.raises(SourceError) as caught:
        keep(vault, store, files(tmp_path / "gone"))

    assert "mounted" in caught.value.hint
    assert [] == [*store.list(SNAPSHOTS)]


def _write_until_death(where: Path, live: Path, new: list[bytes], n: int | None, before: bool) -> int:
    """One whole backup, then one of new files that dies after ``n`` writes; returns how many writes it has."""
    store = a_store(where)
    vault = a_vault(store)
    for number in range(len(new)):
        (live / f"new {number}").unlink(missing_ok=True)
    first = keep(vault, store, files(live))
    for number, content in enumerate(new):
        (live / f"new {number}").write_bytes(content)
    dies = DiesAfterWrite(store, n, before)
    if n is None:
        keep(_opened(dies), dies, files(live), parent=first.snapshot, settings=SMALL_PACKS)
    else:
        with pytest.raises(Died):
            keep(_opened(dies), dies, files(live), parent=first.snapshot, settings=SMALL_PACKS)
    return dies.writes


def _opened(store: AppendStore) -> Vault:
    return open_vault(store, PASSWORD)


def _still_sound(store: Store, folder: Path, tmp_path: Path) -> None:
    """No snapshot, nothing damaged, and the next backup is whole."""
    assert [] == [*store.list(SNAPSHOTS)]
    assert [] == damage(store)
    fresh = open_vault(store, PASSWORD)
    done = keep(fresh, store, files(folder))
    assert [*store.list(INDEX)]
    assert [] == not_the_same(fresh, done.snapshot, folder, tmp_path / "out")


def _descriptors() -> int:
    """How many files this process has open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))
