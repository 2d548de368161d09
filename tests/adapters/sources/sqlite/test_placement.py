"""A restored database takes the live one's place whole, and neither is lost, wherever it stops."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from covenant.adapters.sources.sqlite import placement
from covenant.adapters.sources.sqlite.placement import beside, integrity_problems, swap_in
from covenant.adapters.sources.sqlite.restoring import restore_database
from covenant.adapters.sources.sqlite.source import SqliteSource
from covenant.kernel.errors import DamageError, TargetError, UsageError
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.adapters.sources.sqlite.databases import TOTAL, a_bank, balance, moved, transfer
from tests.faults.stores import FlipsLastByte
from tests.protect.counted import files, keep
from tests.vaults import CLOCK, a_store, a_vault

NOW = datetime(2026, 11, 23, 12, 30, 15, tzinfo=UTC)
ASIDE = "bank.db.before-restore-20261123T123015"


def with_log(path: Path, *, mode: str = "wal") -> Path:
    """A database whose last commit lies in its log alone, as a killed program leaves it."""
    work = path.with_name("at-work.db")
    a_bank(work, mode=mode)
    with contextlib.closing(sqlite3.connect(work, isolation_level=None)) as bank:
        bank.execute("PRAGMA wal_autocheckpoint=0")
        bank.execute("PRAGMA cache_size=1")  # so that an open transaction reaches the file
        if mode == "wal":
            transfer(bank, 5)
        else:
            bank.execute("BEGIN IMMEDIATE")
            bank.execute("UPDATE owed SET amount = 777")
            bank.execute("INSERT INTO padding SELECT randomblob(100000)")
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(f"{work}{suffix}"):
                shutil.copy(f"{work}{suffix}", f"{path}{suffix}")
    work.unlink()
    return path


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_old_log_is_never_replayed_into_the_restored_one(tmp_path: Path, mode: str) -> None:
    """What the live database had in its log goes aside with it, and both open as they were."""
    live = with_log(tmp_path / "bank.db", mode=mode)
    assert (tmp_path / ("bank.db-wal" if mode == "wal" else "bank.db-journal")).exists()
    restored = a_bank(beside(live))
    wanted = restored.read_bytes()

    placed = swap_in(restored, live, NOW)

    assert wanted == live.read_bytes()
    assert (0, TOTAL) == (moved(live), balance(live))
    assert placed.set_aside == tmp_path / ASIDE
    with contextlib.closing(sqlite3.connect(placed.set_aside)) as old:
        assert (5 if mode == "wal" else 0) == old.execute("SELECT max(amount) FROM owed").fetchone()[0]
        assert "ok" == old.execute("PRAGMA integrity_check").fetchone()[0]


def test_an_unsound_one_is_refused_and_the_live_one_untouched(tmp_path: Path) -> None:
    """Nothing is moved before SQLite itself finds nothing wrong."""
    live = with_log(tmp_path / "bank.db")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    restored = beside(live)
    restored.write_bytes(a_bank(tmp_path / "other.db", padding=1).read_bytes()[:-5000])
    (tmp_path / "other.db").unlink()

    with pytest.raises(DamageError, match="not sound") as caught:
        swap_in(restored, live, NOW)

    assert "left as it is" in caught.value.hint
    assert before == {name: (tmp_path / name).read_bytes() for name in before}
    assert not list(tmp_path.glob("*before-restore*"))


def test_a_log_left_beside_the_restored_one_is_not_its_own(tmp_path: Path) -> None:
    """What an earlier attempt left is not replayed while the restored database is checked."""
    live = a_bank(tmp_path / "bank.db")
    restored = beside(live)
    with_log(restored)
    a_bank(tmp_path / "clean.db").replace(restored)

    swap_in(restored, live, NOW)

    assert (0, TOTAL) == (moved(live), balance(live))


def test_after_each_step_both_are_there(tmp_path: Path) -> None:
    """Stopped between any two steps: the old one opens with its last commit, and the new one is whole."""
    live = with_log(tmp_path / "bank.db")
    restored = a_bank(beside(live))
    wanted = restored.read_bytes()

    placement._settle(restored)
    assert (5, wanted) == (_moved_in_copy(live, tmp_path / "1"), restored.read_bytes())

    aside = placement._set_aside(live, NOW)
    assert aside == tmp_path / ASIDE
    assert (5, wanted) == (_moved_in_copy(aside, tmp_path / "2"), restored.read_bytes())
    assert not (tmp_path / "bank.db-wal").exists()
    assert live.exists()

    restored.replace(live)
    assert (5, wanted) == (_moved_in_copy(aside, tmp_path / "3"), live.read_bytes())


def test_a_swap_that_broke_off_can_be_done_again(tmp_path: Path) -> None:
    """After a crash behind the setting aside, the same swap ends well and finds another name for the old one."""
    live = with_log(tmp_path / "bank.db")
    restored = a_bank(beside(live))
    placement._set_aside(live, NOW)

    placed = swap_in(restored, live, NOW)

    assert tmp_path / f"{ASIDE}.1" == placed.set_aside
    assert 5 == _moved_in_copy(tmp_path / ASIDE, tmp_path / "copy")
    assert 0 == moved(live)


def test_a_place_where_nothing_was(tmp_path: Path) -> None:
    """A bare machine has no live database: there is nothing to set aside."""
    live = tmp_path / "bank.db"

    placed = swap_in(a_bank(beside(live)), live, NOW)

    assert placement.Placed(live, None) == placed
    assert TOTAL == balance(live)


def test_a_swap_that_fails_says_where_things_are(tmp_path: Path) -> None:
    """The error names the whole restored file, and the live one is still there."""
    live = a_bank(tmp_path / "bank.db")
    restored = a_bank(tmp_path / "restored.db")
    live.unlink()
    live.mkdir()

    with pytest.raises(TargetError) as caught:
        swap_in(restored, live, NOW)

    assert str(restored) in caught.value.hint
    assert TOTAL == balance(restored)


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Vault, Snapshot, Path]:
    """A vault with a snapshot of a database, which has moved on since."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    (tmp_path / "live").mkdir()
    bank = a_bank(tmp_path / "live" / "bank.db", padding=2)
    done = keep(vault, store, SqliteSource("bank", str(bank)))
    with contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as open_bank:
        transfer(open_bank)
    return vault, done.snapshot, bank


def test_a_database_comes_back_in_its_place(kept: tuple[Vault, Snapshot, Path]) -> None:
    """Restored beside the live one and swapped in: as it was at the snapshot, the newer one set aside."""
    vault, snapshot, bank = kept

    done = restore_database(vault, snapshot, live=bank, clock=CLOCK)

    assert (bank, 0, TOTAL) == (done.path, moved(bank), balance(bank))
    assert done.set_aside is not None
    assert 7 == moved(done.set_aside)
    assert (bank.stat().st_size, ()) == (done.bytes, done.findings)
    assert done.seconds > 0
    assert {bank.name, done.set_aside.name} == {path.name for path in bank.parent.iterdir() if path.suffix != ""} - {
        f"{done.set_aside.name}-shm",
        f"{done.set_aside.name}-wal",
        "bank.db-shm",
        "bank.db-wal",
    }


def test_a_database_comes_back_behind_a_link(kept: tuple[Vault, Snapshot, Path], tmp_path: Path) -> None:
    """Named by a link, it is replaced where it lies, and the link stays a link."""
    vault, snapshot, bank = kept
    link = tmp_path / "link.db"
    link.symlink_to(bank)

    done = restore_database(vault, snapshot, live=link, clock=CLOCK)

    assert link.is_symlink()
    assert bank == done.path
    assert 0 == moved(bank)


def test_a_database_comes_back_into_another_folder(kept: tuple[Vault, Snapshot, Path], tmp_path: Path) -> None:
    """Beside nothing: proved sound, under its own name, alone in the folder, the live one untouched."""
    vault, snapshot, bank = kept
    target = tmp_path / "new" / "folder"

    done = restore_database(vault, snapshot, target=target, clock=CLOCK)

    assert target / "bank.db" == done.path
    assert ["bank.db"] == [path.name for path in target.iterdir()]
    assert (0, None) == (moved(done.path), done.set_aside)
    assert 7 == moved(bank)


def test_nothing_is_written_over_in_another_folder(kept: tuple[Vault, Snapshot, Path], tmp_path: Path) -> None:
    """A file of that name in the target is not replaced."""
    vault, snapshot, _ = kept
    (tmp_path / "bank.db").write_bytes(b"mine")

    with pytest.raises(TargetError, match="already"):
        restore_database(vault, snapshot, target=tmp_path, clock=CLOCK)

    assert b"mine" == (tmp_path / "bank.db").read_bytes()


def test_a_damaged_vault_replaces_nothing(kept: tuple[Vault, Snapshot, Path]) -> None:
    """A blob that is not what was kept: an error, and the live database is as it was."""
    vault, snapshot, bank = kept
    before = bank.read_bytes()
    vault.store = FlipsEverything(vault.store)  # type: ignore[arg-type]

    with pytest.raises(DamageError):
        restore_database(vault, snapshot, live=bank, clock=CLOCK)

    assert before == bank.read_bytes()
    assert 7 == moved(bank)


def test_an_unsound_copy_gets_no_name(tmp_path: Path) -> None:
    """A database that was damaged when it was kept is not put anywhere under its own name."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = tmp_path / "bank.db"
    bank.write_bytes(a_bank(tmp_path / "whole.db", padding=1).read_bytes()[:-9000])
    snapshot = keep(vault, store, files(bank)).snapshot

    with pytest.raises(DamageError, match="not sound"):
        restore_database(vault, snapshot, target=tmp_path / "out", clock=CLOCK)

    assert not (tmp_path / "out" / "bank.db").exists()


def test_only_a_snapshot_of_one_database_and_one_place(kept: tuple[Vault, Snapshot, Path], tmp_path: Path) -> None:
    """Two places, none, or a snapshot of several paths: refused before anything is done."""
    vault, snapshot, bank = kept
    for live, target in ((None, None), (bank, tmp_path)):
        with pytest.raises(UsageError):
            restore_database(vault, snapshot, live=live, target=target, clock=CLOCK)
    with pytest.raises(UsageError):
        restore_database(
            vault, Snapshot(time_=snapshot.time_, tree=snapshot.tree, paths=["/a", "/b"]), live=bank, clock=CLOCK
        )

    assert () == integrity_problems(bank)


class FlipsEverything(FlipsLastByte):
    """Flips the last byte of every stretch that is read."""

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._flip(name, self.inside.get_range(name, offset, length))


def _moved_in_copy(path: Path, folder: Path) -> int:
    """How much a database would tell, asked of a copy of it and its log, so that nothing is replayed here."""
    folder.mkdir()
    for suffix in ("", "-wal", "-journal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copy(f"{path}{suffix}", folder / f"copy{suffix}")
    with contextlib.closing(sqlite3.connect(folder / "copy")) as opened:
        return int(opened.execute("SELECT max(amount) FROM owed").fetchone()[0])
