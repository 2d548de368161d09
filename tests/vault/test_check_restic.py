"""Vaults that restic made, grew and pruned are sound in our eyes as in its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.vault.check.inspection import check
from covenant.vault.check.subset import All
from covenant.vault.repair.index import apply_index, plan_index
from covenant.vault.vault import open_vault
from tests.small_worlds import noise, restic
from tests.trees import nasty_tree
from tests.vaults import PASSWORD


def ran(folder: Path, *words: str) -> None:
    """Run restic, which must succeed."""
    done = restic(folder, *words)
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_restic_made_is_sound(tmp_path: Path, version: str) -> None:
    """Every file type, several backups, a forget and a prune: no findings, all data read; and an index made anew."""
    vault_folder, tree = tmp_path / "vault", nasty_tree(tmp_path / "tree")
    ran(vault_folder, "init", "--repository-version", version)
    ran(vault_folder, "backup", str(tree))
    (tree / "large.bin").write_bytes(noise("other", 5 << 20))
    ran(vault_folder, "backup", str(tree), "--tag", "second")
    ran(vault_folder, "forget", "--keep-last", "1", "--prune", "--max-unused", "0")
    ran(vault_folder, "backup", str(tree / "names"))
    store = PosixStore(vault_folder)
    vault = open_vault(store, PASSWORD)

    before = check(vault, SystemClock(), read_data=All())
    apply_index(plan_index(vault, read_all_packs=True), vault, store)
    after = check(vault, SystemClock(), read_data=All())

    assert ((), ()) == (before.findings, after.findings)
    assert before.counts.blobs == after.counts.blobs
    ran(vault_folder, "check", "--read-data")
