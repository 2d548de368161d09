"""A restored tree is the tree that was backed up: every byte, every attribute, whoever wrote the vault."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.errors import Refusal, UsageError
from covenant.recover.job import RestoreJob, RestoreOutcome, Settings
from covenant.recover.restore import restore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault, open_vault
from tests.trees import HOLE, allocated, as_restic_can, differences, nasty_tree, traits
from tests.vaults import CLOCK, PASSWORD, a_store, a_vault, back_up

WAYS = {
    "one thread": Settings(lanes=1),
    "two threads": Settings(lanes=2),
}


def restored(vault: Vault, snapshot: Snapshot, target: Path, **how: object) -> RestoreOutcome:
    """Restore into ``target``."""
    return restore(RestoreJob(vault, snapshot, str(target), CLOCK, **how))  # type: ignore[arg-type]


def below(target: Path, path: Path) -> Path:
    """Where a backed-up path comes to lie."""
    return target / str(path).lstrip("/")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The nasty tree."""
    return nasty_tree(tmp_path / "tree")


@pytest.mark.parametrize("way", WAYS)
def test_everything_comes_back(tmp_path: Path, tree: Path, way: str) -> None:
    """Type, mode, owner, times, attributes, links and content are as they were."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    outcome = restored(vault, snapshot, tmp_path / "out", settings=WAYS[way], verify=True)

    assert () == outcome.findings
    assert [] == differences(tree, below(tmp_path / "out", tree))
    assert not (tmp_path / "out" / ".covenant-restore.json").exists()
    assert sum(1 for path in traits(tree).values() if path.kind == 0o100000) == outcome.tally.files_created


def test_holes_come_back_as_holes(tmp_path: Path, tree: Path) -> None:
    """A sparse file takes no more room than it did, give or take a block at each edge."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)

    restored(vault, back_up(vault, store, tree).snapshot, tmp_path / "out")

    sparse = below(tmp_path / "out", tree) / "sparse"
    assert HOLE * 8 == sparse.stat().st_size
    assert allocated(sparse) < HOLE


def test_many_small_files_come_back_through_processes(tmp_path: Path) -> None:
    """Worker processes write what threads would have written."""
    tree = tmp_path / "tree"
    for folder in range(40):
        (tree / str(folder)).mkdir(parents=True)
        for number in range(130):
            (tree / str(folder) / f"{number}.txt").write_bytes(b"%d of %d\n" % (number, folder) * (number % 7))
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    outcome = restored(vault, snapshot, tmp_path / "out", settings=Settings(2, StoreSpec(store.url).open))

    assert () == outcome.findings
    assert 40 * 130 == outcome.tally.files_created
    assert [] == differences(tree, below(tmp_path / "out", tree))


def test_restic_restores_what_we_wrote(tmp_path: Path, tree: Path) -> None:
    """The stock program brings the same tree back from our vault."""
    as_restic_can(tree)
    store = a_store(tmp_path / "vault")
    back_up(a_vault(store), store, tree)

    restic(tmp_path, "restore", "latest", "--target", str(tmp_path / "out"))

    assert [] == differences(tree, below(tmp_path / "out", tree))


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_restic_wrote_comes_back(tmp_path: Path, tree: Path, version: str) -> None:
    """A repository that the stock program made, in either version of the format, restores whole."""
    as_restic_can(tree)
    restic(tmp_path, "init", "--repository-version", version)
    restic(tmp_path, "backup", str(tree))
    vault = open_vault(a_store(tmp_path / "vault"), PASSWORD)

    outcome = restored(vault, next(vault.snapshots()), tmp_path / "out", verify=True)

    assert () == outcome.findings
    assert [] == differences(tree, below(tmp_path / "out", tree))


def restic(folder: Path, *words: str) -> None:
    """Run the stock program on the vault in ``folder``."""
    (folder / "password").write_text(PASSWORD)
    where = ["-r", str(folder / "vault"), "--password-file", str(folder / "password"), "--no-cache"]
    environment = {**os.environ, "HOME": str(folder)}
    subprocess.run(["restic", *where, *words], check=True, capture_output=True, env=environment)


def test_a_part_comes_back_under_its_whole_path(tmp_path: Path, tree: Path) -> None:
    """Asked for one folder, its path is kept and nothing beside it comes."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    restored(vault, snapshot, tmp_path / "out", path=str(tree / "names"))

    assert ["names"] == os.listdir(below(tmp_path / "out", tree))
    assert [] == differences(tree / "names", below(tmp_path / "out", tree / "names"))
    assert tree.stat().st_mtime_ns == below(tmp_path / "out", tree).stat().st_mtime_ns


def test_a_part_comes_back_without_its_path(tmp_path: Path, tree: Path) -> None:
    """Stripped, the folder's content lies in the target itself; so does a single file."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    restored(vault, snapshot, tmp_path / "folder", path=str(tree / "names"), strip=True)
    restored(vault, snapshot, tmp_path / "file", path=str(tree / "small.txt"), strip=True)

    assert [] == differences(tree / "names", tmp_path / "folder")
    assert ["small.txt"] == os.listdir(tmp_path / "file")


def test_a_single_file_comes_back_under_its_path(tmp_path: Path, tree: Path) -> None:
    """Asked for one file, only that one comes."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)

    restored(vault, back_up(vault, store, tree).snapshot, tmp_path / "out", path=str(tree / "large.bin"))

    assert ["large.bin"] == os.listdir(below(tmp_path / "out", tree))


def test_a_path_that_the_snapshot_lacks_is_an_error(tmp_path: Path, tree: Path) -> None:
    """A slip of the finger is said before anything is written."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    with pytest.raises(UsageError, match="has no '/no/such'"):
        restored(vault, snapshot, tmp_path / "out", path="/no/such")


def test_patterns_select(tmp_path: Path, tree: Path) -> None:
    """What is included comes, but for what is excluded; folders come only where something in them does."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    restored(vault, snapshot, tmp_path / "out", include=("*.txt", "deep/"), exclude=("**/deep/d/d/d/d/",))
    restored(vault, snapshot, tmp_path / "rest", exclude=("*",), include=())

    out = below(tmp_path / "out", tree)
    assert ["deep", "small.txt"] == sorted(os.listdir(out))
    assert (out / "deep" / "d" / "d" / "d").is_dir()
    assert not (out / "deep" / "d" / "d" / "d" / "d").exists()
    assert [] == os.listdir(tmp_path / "rest")


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path, tree: Path) -> None:
    """Nothing is mixed into what is there already, unless someone says so."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"mine")

    with pytest.raises(Refusal, match="is not empty"):
        restored(vault, snapshot, tmp_path / "out")

    assert ["mine"] == os.listdir(tmp_path / "out")


def test_into_a_full_folder_only_what_differs_is_replaced(tmp_path: Path, tree: Path) -> None:
    """Told so, files that differ are replaced, equal ones kept, and others left alone."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    restored(vault, snapshot, tmp_path / "out")
    out = below(tmp_path / "out", tree)
    (out / "small.txt").write_bytes(b"other\n")
    (out / "large.bin").chmod(0o600)
    (out / "relative").unlink()
    (out / "relative").symlink_to("elsewhere")
    (out / "mine").write_bytes(b"mine")
    kept = (out / "text.sql").stat().st_ino

    outcome = restored(vault, snapshot, tmp_path / "out", into_non_empty=True)

    assert () == outcome.findings
    assert 1 == outcome.tally.files_replaced
    assert 0 == outcome.tally.files_created
    assert kept == (out / "text.sql").stat().st_ino
    assert ["'mine' is too much"] == differences(tree, out)


def test_verify_finds_what_size_and_time_hide(tmp_path: Path, tree: Path) -> None:
    """A file of the right size and time but other bytes is replaced when contents are verified."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    restored(vault, snapshot, tmp_path / "out")
    out = below(tmp_path / "out", tree)
    for name in ("small.txt", "large.bin"):
        before = (out / name).stat()
        (out / name).write_bytes(b"x" * before.st_size)
        os.utime(out / name, ns=(before.st_atime_ns, before.st_mtime_ns))

    outcome = restored(vault, snapshot, tmp_path / "out", into_non_empty=True, verify=True)

    assert 2 == outcome.tally.files_replaced
    assert [] == differences(tree, out)


def test_a_dry_run_tells_and_touches_nothing(tmp_path: Path, tree: Path) -> None:
    """The plan counts what the restore then does, and the target does not even come to be."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    planned = restored(vault, snapshot, tmp_path / "out", dry_run=True)

    assert not (tmp_path / "out").exists()
    assert planned.tally == restored(vault, snapshot, tmp_path / "out").tally
    shutil.rmtree(below(tmp_path / "out", tree) / "a")
    again = restored(vault, snapshot, tmp_path / "out", dry_run=True, into_non_empty=True)
    assert (2, 0) == (again.tally.files_created, again.tally.files_replaced)
