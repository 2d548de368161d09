"""Trusting a parent must never show: an incremental backup makes the very tree that a full one makes.

Whatever is done to a directory between two backups, and whoever wrote the first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covenant.protect.parent import OldDirectory, unsettled
from covenant.protect.ports import Entry
from covenant.vault.ports import Store
from covenant.vault.snapshot import snapshot_time
from covenant.vault.tree import encode_tree, metadata_text, node_text, owner_text
from covenant.vault.vault import Vault, open_vault
from tests.clocks import FrozenClock
from tests.protect.counted import files, keep, settle, tree_at
from tests.small_worlds import restic
from tests.vaults import PASSWORD, a_store, a_vault

NAMES = ["a", "b", "ab", "a b", 'q"', "\udcff", "é", "z<"]
CONTENTS = [b"", b"x", b"yy", b"yz", b"q" * 3000]

Action: TypeAlias = tuple[str, tuple[str, str], tuple[str, str], int]
Actions: TypeAlias = list[Action]


@pytest.fixture
def place() -> Iterator[Path]:
    """A short-lived folder in memory, where there is one."""
    shared = "/dev/shm"
    folder = tempfile.mkdtemp(prefix="covenant-", dir=shared if os.path.isdir(shared) else None)
    yield Path(folder)
    shutil.rmtree(folder)


def do(root: Path, action: Action) -> None:
    """Carry out one change; what the present state does not allow is left."""
    what, (folder, name), (other_folder, other_name), number = action
    path, other = root / folder / name, root / other_folder / other_name
    if what in ("write", "append", "swap") and (path.is_fifo() or other.is_fifo()):
        return  # opening one would wait for somebody at its other end
    with contextlib.suppress(OSError):
        CHANGES[what](path, other, number)


def _append(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"!")


def _delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _swap(path: Path, other: Path) -> None:
    content, others = path.read_bytes(), other.read_bytes()
    path.write_bytes(others)
    other.write_bytes(content)


CHANGES: dict[str, Callable[[Path, Path, int], object]] = {
    "write": lambda path, _, number: path.write_bytes(CONTENTS[number]),
    "append": lambda path, _, __: _append(path),
    "delete": lambda path, _, __: _delete(path),
    "mkdir": lambda path, _, __: path.mkdir(),
    "link": lambda path, other, _: os.link(path, other),
    "symlink": lambda path, other, _: path.symlink_to(other.name),
    "chmod": lambda path, _, number: path.chmod(0o600 + number),
    "touch": lambda path, _, number: os.utime(path, ns=(10**9 * number, 10**9 * number)),
    "rename": lambda path, other, _: path.rename(other),
    "swap": lambda path, other, _: _swap(path, other),
    "fifo": lambda path, _, __: os.mkfifo(path),
    "xattr": lambda path, _, number: os.setxattr(path, "user.note", CONTENTS[number]),
}
FOLDERS = ["", "d1", "d1/d2", "d3"]

actions: st.SearchStrategy[Actions] = st.lists(
    st.tuples(
        st.sampled_from(sorted(CHANGES)),
        st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
        st.integers(0, 4),
    ),
    max_size=12,
)


def fresh(place: Path) -> Path:
    """An empty tree with a few folders."""
    root = place / "tree"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("d1/d2", "d3"):
        (root / folder).mkdir(parents=True)
    return root


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=actions, after=actions, more=actions)
def test_an_incremental_makes_the_tree_of_a_full(place: Path, before: Actions, after: Actions, more: Actions) -> None:
    """On a parent of ours, and again on that incremental: the same tree id as reading everything."""
    store, vault = _a_vault_beside(place)
    root = fresh(place)
    for action in before:
        do(root, action)
    settle()
    parent = keep(vault, store, files(root)).snapshot

    for changes in (after, more):
        for action in changes:
            do(root, action)
        settle()
        incremental = keep(vault, store, files(root), parent=parent).snapshot
        full = keep(vault, store, files(root), kind="full").snapshot

        assert tree_at(vault, full, root) == tree_at(vault, incremental, root)
        parent = incremental


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=actions, after=actions)
def test_changes_in_the_very_tick_are_seen(place: Path, before: Actions, after: Actions) -> None:
    """Without any pause between writing and backing up, the incremental is still the full one."""
    store, vault = _a_vault_beside(place)
    root = fresh(place)
    for action in before:
        do(root, action)
    parent = keep(vault, store, files(root)).snapshot
    for action in after:
        do(root, action)

    incremental = keep(vault, store, files(root), parent=parent).snapshot
    full = keep(vault, store, files(root), kind="full").snapshot

    assert tree_at(vault, full, root) == tree_at(vault, incremental, root)


def test_a_parent_by_restic_is_trusted_and_never_shows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """restic writes times in the local zone: unchanged files are known all the same, changed ones are read."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        store, vault = _a_vault_beside(place)
        root = fresh(place)
        for number, folder in enumerate(("", "d1", "d1/d2", "d3")):
            for name in NAMES:
                do(root, ("write", (folder, name), ("", ""), number + 1))
        settle()
        done = restic(place / "v", "backup", str(root))
        assert done.returncode == 0, done.stderr
        vault = open_vault(store, PASSWORD)
        (parent,) = vault.snapshots()
        (root / "d1" / "ab").write_bytes(b"new")
        (root / "d3" / "b").unlink()
        os.link(root / "d3" / "a", root / "d1" / "d2" / "new")
        settle()
        source = files(root)

        incremental = keep(vault, store, source, parent=parent)
        full = keep(vault, store, files(root), kind="full")
    finally:
        monkeypatch.undo()
        time.tzset()

    assert parent.time_.endswith("+05:30")
    assert {"a", "ab", "new"} == set(source.read)  # "a" has one more name, which moves its change time
    assert tree_at(vault, full.snapshot, root) == tree_at(vault, incremental.snapshot, root)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=actions, after=actions)
def test_changes_after_a_backup_by_restic(place: Path, before: Actions, after: Actions) -> None:
    """The same for whatever was there when restic read it, and whatever was done since."""
    store, vault = _a_vault_beside(place)
    root = fresh(place)
    (root / "always").write_bytes(b"something")
    for action in before:
        do(root, action)
    settle()
    assert restic(place / "v", "backup", str(root)).returncode == 0
    vault = open_vault(store, PASSWORD)
    (parent,) = vault.snapshots()
    for action in after:
        do(root, action)
    settle()

    incremental = keep(vault, store, files(root), parent=parent).snapshot
    full = keep(vault, store, files(root), kind="full").snapshot

    assert tree_at(vault, full, root) == tree_at(vault, incremental, root)


def test_what_may_hide_a_change() -> None:
    """Young things are unsettled; on file systems that count whole seconds, so is what is two seconds older."""
    settled = 1_700_000_000_300_000_000

    assert unsettled(settled, settled)
    assert unsettled(settled + 10**12, settled)
    assert not unsettled(settled - 1, settled)
    assert unsettled(1_700_000_000_000_000_000, settled)
    assert unsettled(1_699_999_999_000_000_000, settled)
    assert not unsettled(1_699_999_998_000_000_000, settled)


@pytest.mark.parametrize(
    "tail",
    [
        ',"content":["nonsense"]}',
        ',"content":["' + "z" * 64 + '"]}',
        ',"content":["' + "0" * 64 + '"],"error":"lost"}',
        ',"content":null}',
        "}",
        ',"content":["' + "0" * 64,
    ],
)
def test_a_parents_odd_node_is_not_trusted_blindly(tail: str) -> None:
    """A node that names no content that we have, or says it in another way, means reading the file again, no crash."""
    times = (snapshot_time(datetime(2020, 1, 1, tzinfo=UTC)),) * 3
    metadata = metadata_text('"a"', "file", 0o644, times, owner_text(0, 0, "", ""), (7, 8, 9, 1))
    entry = Entry("a", "file", "/a", metadata, 9, 1_577_836_800 * 10**9, 1_577_836_800 * 10**9, 7)

    def present(blob: str) -> bool:
        return blob == "0" * 64

    old = OldDirectory(encode_tree([metadata + tail]).decode(), present, 1_700_000_000 * 10**9)
    kept = old.unchanged(entry)

    assert kept in (None, node_text(metadata, ["0" * 64]))
    assert (kept is not None) == ("error" in tail)


def test_a_parent_from_the_future_does_not_stop_the_reading() -> None:
    """An entry that is touched later than everything is simply read."""
    clock = FrozenClock()
    old = OldDirectory('{"nodes":[]}\n', lambda _: True, int((clock.now() - timedelta(days=1)).timestamp()) * 10**9)

    assert old.unchanged(Entry("a", "file", "/a", "{", 9, 2**62, 2**62, 7)) is None


def _a_vault_beside(place: Path) -> tuple[Store, Vault]:
    """A new vault, whose making does not touch the folder that the tree lies in."""
    folder = place / "v"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    store = a_store(folder)
    return store, a_vault(store)
