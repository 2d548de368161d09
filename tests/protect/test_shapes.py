"""Trees of every shape: links, holes, empty things, many entries, depth, and several backups side by side."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from covenant.kernel.progress import Silent
from covenant.protect.backup import Outcome, Settings
from covenant.vault.reader import read_tree
from covenant.vault.vault import open_vault
from tests.protect.counted import files, keep, not_the_same, settle, tree_at
from tests.trees import nasty_tree
from tests.vaults import PASSWORD, a_store, a_vault


class Totals(Silent):
    """Adds up what progress is told."""

    def __init__(self) -> None:
        self.files = self.bytes = 0
        self._lock = threading.Lock()

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        with self._lock:
            self.files += files
            self.bytes += bytes


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(lanes=1),
        Settings(lanes=4, pack_size=1 << 20, level=1),
        Settings(pack_size=4 << 10, level=12),
        Settings(pack_size=64 << 20, level=0),
    ],
    ids=str,
)
def test_a_nasty_tree_comes_back(tmp_path: Path, settings: Settings) -> None:
    """Whatever the lanes, pack size and level, everything that a file system can hold is the same afterwards."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = nasty_tree(tmp_path / "tree")
    settle()

    first = keep(vault, store, files(tree), settings=settings)
    settle()
    source = files(tree)
    second = keep(vault, store, source, parent=first.snapshot, settings=settings)

    assert () == first.findings == second.findings
    assert tree_at(vault, first.snapshot, tree) == tree_at(vault, second.snapshot, tree)
    assert [] == not_the_same(vault, first.snapshot, tree, tmp_path / "out")
    assert (0, 0) == (second.added.data_blobs, second.tally.files_changed)
    assert not source.read


def test_the_tree_does_not_depend_on_how_it_was_read(tmp_path: Path) -> None:
    """One lane or four, large packs or small: the same files give the same tree id."""
    tree = nasty_tree(tmp_path / "tree")
    stores = [a_store(tmp_path / "one"), a_store(tmp_path / "other")]
    ids = set()
    for store, settings in zip(stores, (Settings(lanes=1), Settings(lanes=4, pack_size=8 << 10)), strict=True):
        vault = a_vault(store)
        ids.add(tree_at(vault, keep(vault, store, files(tree), settings=settings).snapshot, tree))

    assert 1 == len(ids)


def test_a_file_of_several_names_is_read_once(tmp_path: Path) -> None:
    """All names of a file come back as names of one file, and its bytes are read once."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = tmp_path / "tree"
    for folder in ("a", "b", "c"):
        (tree / folder).mkdir(parents=True)
    (tree / "a" / "small").write_bytes(os.urandom(70_000))
    (tree / "a" / "large").write_bytes(os.urandom(5 << 20))
    for folder in ("b", "c"):
        os.link(tree / "a" / "small", tree / folder / "small")
        os.link(tree / "a" / "large", tree / folder / "large")
    before = _bytes_read()

    done = keep(vault, store, files(tree))

    read = _bytes_read() - before
    assert (5 << 20) + 70_000 <= read < (6 << 20)
    assert 6 == done.tally.files
    assert 3 * ((5 << 20) + 70_000) == done.tally.bytes
    assert [] == not_the_same(vault, done.snapshot, tree, tmp_path / "out")


def test_progress_adds_up(tmp_path: Path) -> None:
    """At the end progress was told of every file and byte of the tally: new, unchanged and linked ones alike."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = nasty_tree(tmp_path / "tree")
    first, second = Totals(), Totals()
    settle()

    done = keep(vault, store, files(tree), progress=first)
    settle()
    (tree / "small.txt").write_bytes(b"changed")
    again = keep(vault, store, files(tree), parent=done.snapshot, progress=second)

    assert (done.tally.files, done.tally.bytes) == (first.files, first.bytes)
    assert (again.tally.files, again.tally.bytes) == (second.files, second.bytes)
    assert again.snapshot.summary is not None
    assert again.tally.bytes == again.snapshot.summary["total_bytes_processed"]
    assert 1 == again.tally.files_changed


def test_five_thousand_entries_in_one_folder(tmp_path: Path) -> None:
    """A wide directory is one tree, in byte order, and an unchanged one costs no parsing and no reading."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = tmp_path / "wide"
    tree.mkdir()
    for number in range(4_000):
        (tree / f"{number:x}").write_bytes(b"%d" % (number % 100))
    for number in range(1_000):
        (tree / f"dir {number}").mkdir()
    settle()

    first = keep(vault, store, files(tree))
    source = files(tree)
    second = keep(vault, store, source, parent=first.snapshot)

    assert tree_at(vault, first.snapshot, tree) == tree_at(vault, second.snapshot, tree)
    assert not source.read
    assert 100 == first.added.data_blobs
    assert [] == not_the_same(vault, first.snapshot, tree, tmp_path / "out")


def test_a_tree_as_deep_as_paths_may_be(tmp_path: Path) -> None:
    """Depth is no matter of the call stack: hundreds of levels come back."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = tmp_path / "deep"
    bottom = tree.joinpath(*["d"] * 600)
    bottom.mkdir(parents=True)
    (bottom / "bottom").write_bytes(b"bottom")
    settle()

    done = keep(vault, store, files(tree))
    again = keep(vault, store, files(tree), parent=done.snapshot)

    assert () == done.findings
    assert tree_at(vault, done.snapshot, tree) == tree_at(vault, again.snapshot, tree)
    depth, below = 0, done.snapshot.tree
    while (node := read_tree(vault, below)[0]).subtree:
        depth, below = depth + 1, node.subtree
    assert (len(bottom.parts) - 1, "bottom") == (depth, node.filename)


def test_what_lies_deeper_than_a_path_may_reach_is_told(tmp_path: Path) -> None:
    """A tree that no path can name to its end is kept as far as names go, and a finding says where that is."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = tmp_path / "deep"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("x" * 200, dir_fd=here)
        below = os.open("x" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    done = keep(vault, store, files(tree))

    assert 1 == len(done.findings)
    assert "too long" in done.findings[0].message


def test_two_backups_at_once_into_one_vault(tmp_path: Path) -> None:
    """Two sources kept at the same time, each by an opening of its own, are both whole afterwards."""
    store = a_store(tmp_path / "v")
    a_vault(store)
    trees = [nasty_tree(tmp_path / "one"), nasty_tree(tmp_path / "two")]
    done: dict[Path, Outcome] = {}

    def run(tree: Path) -> None:
        done[tree] = keep(open_vault(store, PASSWORD), store, files(tree))

    threads = [threading.Thread(target=run, args=(tree,)) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    vault = open_vault(store, PASSWORD)
    for number, tree in enumerate(trees):
        assert [] == not_the_same(vault, done[tree].snapshot, tree, tmp_path / f"out{number}")


def _bytes_read() -> int:
    """How many bytes this process has read so far, from files and pipes. (proc(5), /proc/pid/io)"""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"])
