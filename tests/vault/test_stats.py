"""Sizes agree with restic's, which counts in the same three ways."""

from __future__ import annotations

import json
import os
from pathlib import Path

from covenant.vault.stats import files_by_contents, raw_data, restore_size
from tests.small_worlds import a_small_vault, noise, restic, take
from tests.vaults import a_store, a_vault, back_up


def restic_stats(folder: Path, mode: str) -> dict[str, int]:
    """What ``restic stats`` says."""
    done = restic(folder, "stats", "--json", "--no-lock", "--mode", mode)
    assert 0 == done.returncode, done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    return told


def test_sizes_agree_with_restic(tmp_path: Path) -> None:
    """Of a tree with double content, hard links and several snapshots, both programs count the same."""
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "a").write_bytes(noise("a", 5000))
    (tree / "below" / "same as a").write_bytes(noise("a", 5000))
    (tree / "text").write_bytes(b"la la la\n" * 10_000)
    os.link(tree / "text", tree / "below" / "linked")
    (tree / "empty").touch()
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    back_up(vault, store, tree)
    (tree / "new").write_bytes(noise("new", 3000))
    back_up(vault, store, tree)
    snapshots = list(vault.snapshots())

    whole, distinct = restore_size(vault, snapshots), files_by_contents(vault, snapshots)
    raw = raw_data(vault, snapshots)

    assert restic_stats(tmp_path / "vault", "restore-size")["total_size"] == whole.bytes
    assert restic_stats(tmp_path / "vault", "files-by-contents")["total_size"] == distinct.bytes
    told = restic_stats(tmp_path / "vault", "raw-data")
    assert (told["total_size"], told["total_blob_count"]) == (raw.total.stored, raw.total.blobs)
    assert raw.data.ratio > 5


def test_what_a_snapshot_shares_counts_once() -> None:
    """Two like snapshots restore twice the bytes and store them once."""
    store, vault = a_small_vault()
    for day in range(2):
        take(vault, store, {"d/a": noise("a", 1500), "b": b"b" * 300}, day=day)
    snapshots = list(vault.snapshots())

    raw = raw_data(vault, snapshots)

    assert 2 * 1800 == restore_size(vault, snapshots).bytes
    assert (2, 1800) == (files_by_contents(vault, snapshots).files, files_by_contents(vault, snapshots).bytes)
    assert (4, 1800) == (raw.data.blobs, raw.data.plain)
    assert 2 == raw.trees.blobs
    assert raw.total.stored < raw.pack_bytes
    assert len(list(store.list("data"))) == raw.packs
