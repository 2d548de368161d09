"""A database is kept as of one moment, whoever writes to it, and only when something was committed."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from covenant.adapters.sources.sqlite.copying import copy_database
from covenant.adapters.sources.sqlite.placement import integrity_problems
from covenant.adapters.sources.sqlite.source import SqliteSource
from covenant.adapters.sources.sqlite.state import parse_position, read_state
from covenant.kernel.errors import SourceError
from covenant.vault.names import SNAPSHOTS
from tests.adapters.sources.sqlite.databases import TOTAL, Writer, a_bank, balance, moved, transfer
from tests.protect.counted import Counted, bring_back, keep, settle
from tests.servers.small_disk import SmallDisk, small_disk
from tests.vaults import a_store, a_vault

__all__ = ["small_disk"]


def test_every_snapshot_is_one_moment(tmp_path: Path) -> None:
    """Under a writer that never rests each copy keeps the rule that every commit keeps; nobody waits long."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db", padding=24)
    seen, parent = [], None
    with Writer(bank) as writer:
        for number in range(5):
            parent = keep(vault, store, SqliteSource("bank", str(bank)), parent=parent).snapshot
            copy = bring_back(vault, parent, bank, tmp_path / f"out{number}") / "bank.db"
            assert () == integrity_problems(copy)
            assert TOTAL == balance(copy)
            seen.append(moved(copy))
    print(f"{writer.commits} commits, the longest took {writer.worst_seconds:.3f} s")

    assert sorted(set(seen)) == seen
    assert writer.commits > 20
    assert writer.worst_seconds < 1.0


def test_a_database_that_nobody_wrote_to_is_not_copied(tmp_path: Path) -> None:
    """Unchanged: nothing is read, nothing copied (there is no place for a copy), and the content is the parent's."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db")
    staging = tmp_path / "staging"
    source = SqliteSource("bank", str(bank), str(staging))
    settle()
    first = keep(vault, store, source).snapshot

    def refuse(_: object) -> None:
        raise AssertionError("nothing was to be read")

    second = keep(vault, store, Counted(source, refuse), parent=first)

    assert (1, 0) == (second.tally.files_unmodified, second.added.data_blobs)
    assert first.position == second.snapshot.position
    assert [] == list(staging.iterdir())
    back = bring_back(vault, second.snapshot, bank, tmp_path / "out")
    assert TOTAL == balance(back / "bank.db")


def test_a_commit_that_is_only_in_the_log_is_noticed(tmp_path: Path) -> None:
    """The database file itself has not moved; its log has, and the copy has what was committed."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db")
    with contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as open_bank:
        open_bank.execute("PRAGMA wal_autocheckpoint=0")
        settle()
        parent = keep(vault, store, SqliteSource("bank", str(bank))).snapshot
        before = bank.stat()
        transfer(open_bank)
        settle()

        done = keep(vault, store, SqliteSource("bank", str(bank)), parent=parent)

        assert (before.st_mtime_ns, before.st_size) == (bank.stat().st_mtime_ns, bank.stat().st_size)
    assert 1 == done.tally.files_changed
    assert 7 == moved(bring_back(vault, done.snapshot, bank, tmp_path / "out") / "bank.db")


def test_a_link_to_a_database_hides_no_commit(tmp_path: Path) -> None:
    """The log lies beside the file, not beside the link; and a folder on the way may be a link as well."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    (tmp_path / "real").mkdir()
    bank = a_bank(tmp_path / "real" / "bank.db")
    (tmp_path / "way").symlink_to("real")
    (tmp_path / "real" / "link.db").symlink_to("bank.db")
    named = tmp_path / "way" / "link.db"
    with contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as open_bank:
        open_bank.execute("PRAGMA wal_autocheckpoint=0")
        settle()
        parent = keep(vault, store, SqliteSource("bank", str(named))).snapshot
        transfer(open_bank)

        done = keep(vault, store, SqliteSource("bank", str(named)), parent=parent)

    assert [str(named)] == done.snapshot.paths
    assert 7 == moved(bring_back(vault, done.snapshot, named, tmp_path / "out") / "link.db")


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist"])
def test_a_database_without_wal_is_kept_too(tmp_path: Path, mode: str) -> None:
    """Rollback journals make a writer wait while the copy is made; the copy keeps the rule all the same."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db", mode=mode)
    with Writer(bank):
        done = keep(vault, store, SqliteSource("bank", str(bank)))

    copy = bring_back(vault, done.snapshot, bank, tmp_path / "out") / "bank.db"
    assert TOTAL == balance(copy)
    assert () == integrity_problems(copy)


def test_what_a_killed_program_had_committed_is_kept(tmp_path: Path) -> None:
    """A log left by a program that was killed counts: its commits are in the copy."""
    bank = a_bank(tmp_path / "bank.db")
    program = (
        "import os, sqlite3, sys, signal\n"
        "bank = sqlite3.connect(sys.argv[1])\n"
        "bank.execute('UPDATE owed SET amount = 42')\n"
        "bank.commit()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", program, str(bank)], check=False)

    copy_database(str(bank), str(tmp_path / "copy"))

    assert -signal.SIGKILL == died.returncode
    assert 42 == moved(tmp_path / "copy")


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be one " * 100, b"SQLite format 3\0" * 99]
)
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """An error that says so, with a hint, and no snapshot."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    (tmp_path / "bank.db").write_bytes(content)

    with pytest.raises(SourceError, match="cannot be copied") as caught:
        keep(vault, store, SqliteSource("bank", str(tmp_path / "bank.db")))

    assert "SQLite database" in caught.value.hint
    assert [] == [*store.list(SNAPSHOTS)]


def test_a_missing_database_is_an_error(tmp_path: Path) -> None:
    """A path with nothing there keeps nothing, and says so."""
    store = a_store(tmp_path / "v")

    with pytest.raises(SourceError, match="no database") as caught:
        keep(a_vault(store), store, SqliteSource("bank", str(tmp_path / "gone.db")))

    assert caught.value.hint


def test_no_room_for_the_copy_is_told_before_it_is_begun(tmp_path: Path, small_disk: SmallDisk) -> None:
    """A staging folder that is too small is named, with what is needed."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db", padding=8)

    with pytest.raises(SourceError, match="no room to copy") as caught:
        keep(vault, store, SqliteSource("bank", str(bank), str(small_disk.path)))

    assert "TMPDIR" in caught.value.hint
    assert [] == list(small_disk.path.iterdir())
    assert [] == [*store.list(SNAPSHOTS)]


def test_a_locked_database_is_waited_for_and_then_told(tmp_path: Path) -> None:
    """Outside WAL mode a program may lock readers out: the error names the cause and the way out of it."""
    bank = a_bank(tmp_path / "bank.db", mode="delete")
    with contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as owner:
        owner.execute("BEGIN EXCLUSIVE")

        with pytest.raises(SourceError, match="locked") as caught:
            copy_database(str(bank), str(tmp_path / "copy"), busy_seconds=0.2)

    assert "WAL" in caught.value.hint


def test_a_damaged_live_database_is_copied_as_it_is(tmp_path: Path) -> None:
    """A page that rotted is kept as it is, the rest is worth having, and the check on restore names it."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db", padding=1)
    _rot(bank)

    done = keep(vault, store, SqliteSource("bank", str(bank)))

    copy = bring_back(vault, done.snapshot, bank, tmp_path / "out") / "bank.db"
    assert integrity_problems(copy)


def test_progress_of_the_copy_is_told(tmp_path: Path) -> None:
    """Pages left and pages in all, down to none left."""
    bank = a_bank(tmp_path / "bank.db", padding=20)
    told: list[tuple[int, int]] = []

    copy_database(str(bank), str(tmp_path / "copy"), lambda left, total: told.append((left, total)))

    assert 0 == told[-1][0]
    assert len(told) > 1


def test_a_position_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """What a snapshot records of the state compares equal to it; anything else is no position."""
    state = replace(read_state(str(a_bank(tmp_path / "bank.db"))), wal_inode=7, wal_size=8, wal_mtime_ns=9)

    assert (state, 4096) == parse_position(state.position(4096))
    assert [None, None, None] == [parse_position(text) for text in ("", "sqlite-1-2", "postgres-1-2-3-4-5-6-7-8")]


def test_the_copy_keeps_owner_and_mode_of_the_live_file(tmp_path: Path) -> None:
    """What comes back can be opened by the program that it belongs to."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db")
    bank.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(bank, 1234, 4321)

    done = keep(vault, store, SqliteSource("bank", str(bank)))

    back = (bring_back(vault, done.snapshot, bank, tmp_path / "out") / "bank.db").stat()
    live = bank.stat()
    assert (live.st_mode, live.st_uid, live.st_gid) == (back.st_mode, back.st_uid, back.st_gid)


def _rot(bank: Path) -> None:
    """Overwrite the page that holds one of the tables."""
    with contextlib.closing(sqlite3.connect(bank)) as opened:
        size = opened.execute("PRAGMA page_size").fetchone()[0]
        page = opened.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'owed'").fetchone()[0]
    with bank.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xee" * size)
