"""What we write, restic reads: checked with all data, listed, restored exactly, gone on with, forgotten and pruned."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from covenant.adapters.sources.sqlite.source import SqliteSource
from covenant.adapters.stores.opening import StoreSpec
from covenant.protect.backup import Settings
from covenant.vault.vault import open_vault
from tests.adapters.sources.sqlite.databases import TOTAL, a_bank, balance
from tests.oracle.program import Restic
from tests.protect.counted import files, keep, not_the_same, settle
from tests.trees import as_restic_can, differences, nasty_tree
from tests.vaults import PASSWORD, a_store, a_vault

WAYS = {
    "threads": Settings(),
    "one lane, tiny packs": Settings(lanes=1, pack_size=8 << 10),
    "four lanes, large packs, hard compression": Settings(lanes=4, pack_size=64 << 20, level=12),
}


@pytest.mark.parametrize("way", WAYS)
def test_restic_restores_a_nasty_tree_exactly(tmp_path: Path, way: str) -> None:
    """Every type, name and attribute that restic knows comes back from our vault by restic alone."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = as_restic_can(nasty_tree(tmp_path / "tree"))

    done = keep(vault, store, files(tree), settings=WAYS[way])

    restic = Restic(tmp_path / "v", PASSWORD)
    assert restic.sound()
    assert [] == differences(tree, restic.restored(done.snapshot.id, tree, tmp_path / "out"))


def test_restic_lists_what_we_kept(tmp_path: Path) -> None:
    """Sockets and all: ``restic ls`` names every entry with its type, size, mode and owner."""
    store = a_store(tmp_path / "v")
    tree = nasty_tree(tmp_path / "tree")
    keep(a_vault(store), store, files(tree))
    restic = Restic(tmp_path / "v", PASSWORD)

    listed = [json.loads(line) for line in restic.run("ls", "--json", "latest").splitlines()]

    assert restic.sound()
    told = {node["path"]: node for node in listed if node["struct_type"] == "node"}
    for folder, folders, names in os.walk(tree):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            told_path = path.encode(errors="surrogateescape").decode(errors="replace")
            status = os.lstat(path)
            assert (status.st_uid, status.st_gid) == (told[told_path]["uid"], told[told_path]["gid"])
            assert (
                os.path.isfile(path) is False
                or os.path.islink(path)
                or status.st_size == told[told_path].get("size", 0)
            )


def test_restic_reads_what_worker_processes_wrote(tmp_path: Path) -> None:
    """Packs by several processes, named by index files of the coordinator alone."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = tmp_path / "many"
    for number in range(4000):
        folder = tree / f"{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").write_bytes(b"%d " % number * 200)

    settings = Settings(open_store=StoreSpec(str(tmp_path / "v")).open, pack_size=256 << 10)
    done = keep(vault, store, files(tree), settings=settings)

    restic = Restic(tmp_path / "v", PASSWORD)
    assert restic.sound()
    assert [] == differences(tree, restic.restored(done.snapshot.id, tree, tmp_path / "out"))


def test_restic_goes_on_from_our_snapshot(tmp_path: Path) -> None:
    """With ours as the parent restic finds unchanged files unmodified and stores nothing anew but what changed."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = as_restic_can(nasty_tree(tmp_path / "tree"))
    settle()
    ours = keep(vault, store, files(tree))
    restic = Restic(tmp_path / "v", PASSWORD)

    same = restic.backup("--parent", ours.snapshot.id, str(tree))
    (tree / "new").write_bytes(b"new")
    more = restic.backup("--host", "studio", str(tree))

    assert (0, 0, ours.tally.files) == (same["files_new"], same["files_changed"], same["files_unmodified"])
    assert 0 == same["data_blobs"]
    assert (1, 0, ours.tally.files) == (more["files_new"], more["files_changed"], more["files_unmodified"])
    assert restic.sound()
    fresh = open_vault(store, PASSWORD)
    theirs = fresh.find_snapshot(more["snapshot_id"])
    assert [] == not_the_same(fresh, theirs, tree, tmp_path / "out")


def test_what_restic_prunes_we_still_read(tmp_path: Path) -> None:
    """restic forgets and prunes in our vault; what is left is whole for both, and we go on from there."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    tree = as_restic_can(nasty_tree(tmp_path / "tree"))
    settings = Settings(pack_size=32 << 10)
    parent = None
    for number in range(3):
        (tree / "small.txt").write_bytes(os.urandom(30_000) + bytes([number]))
        parent = keep(vault, store, files(tree), parent=parent, settings=settings).snapshot
    assert parent is not None
    restic = Restic(tmp_path / "v", PASSWORD)

    restic.run("forget", "--keep-last", "1", "--prune", "--max-unused", "0")

    assert restic.sound()
    fresh = open_vault(store, PASSWORD)
    assert [parent.id] == [snapshot.id for snapshot in fresh.snapshots()]
    assert [] == not_the_same(fresh, parent, tree, tmp_path / "out")
    again = keep(fresh, store, files(tree), parent=fresh.find_snapshot(parent.id))
    assert 0 == again.added.data_blobs
    assert restic.sound()


def test_restic_restores_our_database(tmp_path: Path) -> None:
    """The way out holds for databases too: restic brings one back that SQLite opens."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    bank = a_bank(tmp_path / "bank.db", padding=3)
    done = keep(vault, store, SqliteSource("bank", str(bank)))
    restic = Restic(tmp_path / "v", PASSWORD)

    restic.run("restore", done.snapshot.id, "--target", str(tmp_path / "out"))

    copy = tmp_path / "out" / bank.relative_to("/")
    shutil.move(copy, tmp_path / "copy.db")
    assert TOTAL == balance(tmp_path / "copy.db")
    assert restic.sound()
