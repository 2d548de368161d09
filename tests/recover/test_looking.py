"""Looking into snapshots without restoring them: walking, finding, comparing, giving out."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from covenant.kernel.errors import ObjectMissing, UsageError
from covenant.recover.difference import Change, difference, total
from covenant.recover.dump import dump_file, dump_tar, dump_zip
from covenant.recover.find import Sought, find
from covenant.recover.listing import walk
from covenant.vault.names import DATA
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.trees import differences, nasty_tree, traits
from tests.vaults import a_store, a_vault, back_up


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The nasty tree."""
    return nasty_tree(tmp_path / "tree")


@pytest.fixture
def kept(tmp_path: Path, tree: Path) -> tuple[Vault, Snapshot]:
    """The nasty tree in a vault."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    return vault, back_up(vault, store, tree).snapshot


def names(found: object, tree: Path) -> set[str]:
    """The paths of what was found, relative to the tree."""
    return {entry.path.removeprefix(f"{tree}/") for entry in found}  # type: ignore[attr-defined]


def test_a_walk_meets_everything_once(kept: tuple[Vault, Snapshot], tree: Path) -> None:
    """Every entry is met, a directory before what is in it; flat, only one level."""
    vault, snapshot = kept
    met = [found.path for found in walk(vault, snapshot, str(tree))]

    assert str(tree) == met[0]
    assert traits(tree).keys() == {path.removeprefix(f"{tree}/") for path in met[1:]}
    assert len(met) == len(set(met))
    assert all(met.index(path.rpartition("/")[0]) < at for at, path in enumerate(met) if at)
    flat = names(walk(vault, snapshot, str(tree), deep=False), tree) - {str(tree)}
    assert set(os.listdir(tree)) == flat


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(names=("*.txt",)), {"small.txt"}),
        (Sought(names=("SMALL.*", "*.SQL"), ignore_case=True), {"small.txt", "text.sql"}),
        (Sought(names=("*/tree/a/t*",)), {"a/two"}),
        (Sought(kinds=("symlink",)), {"relative", "dangling", "raw", "to a folder"}),
        (Sought(at_least=9 << 20), {"large.bin", "sparse"}),
        (Sought(names=("*.*",), at_most=6), {"small.txt"}),
        (Sought(kinds=("file",), older=datetime(1990, 1, 1, tzinfo=UTC)), {"empty", "small.txt"}),
        (Sought(newer=datetime(2030, 1, 1, tzinfo=UTC)), set()),
    ],
)
def test_what_is_sought_is_found(kept: tuple[Vault, Snapshot], tree: Path, sought: Sought, expected: set[str]) -> None:
    """By name, path, type, size and time."""
    assert expected == names(find(*kept, sought, str(tree)), tree)


def test_a_blob_leads_to_its_files(kept: tuple[Vault, Snapshot], tree: Path) -> None:
    """All names of a file are found by the beginning of its blob's id."""
    [one] = [found for found in walk(*kept, str(tree)) if found.path.endswith("/three")]

    found = find(*kept, Sought(blobs=((one.node.content or [""])[0][:12],)))

    assert {"three", "a/two", "z/one"} == names(found, tree)


def test_what_changed_is_told_with_its_bytes(tmp_path: Path, tree: Path) -> None:
    """Added, removed, changed in content, in metadata, in type; what is the same is passed over."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    old = back_up(vault, store, tree).snapshot
    (tree / "new").mkdir()
    (tree / "new" / "file").write_bytes(b"12345")
    (tree / "text.sql").unlink()
    (tree / "small.txt").write_bytes(b"hello, world\n")
    (tree / "empty").chmod(0o640)
    (tree / "dangling").unlink()
    (tree / "dangling").write_bytes(b"now a file")
    new = back_up(vault, store, tree, parent=old).snapshot

    changes = [
        change for change in difference(vault, old, new, str(tree)) if change.kind != "dir" or change.mark != "U"
    ]

    assert [
        Change("T", f"{tree}/dangling", "file", 0, 10),
        Change("U", f"{tree}/empty", "file", 0, 0),
        Change("+", f"{tree}/new", "dir", 0, 0),
        Change("M", f"{tree}/small.txt", "file", 6, 13),
        Change("-", f"{tree}/text.sql", "file", 4200000, 0),
        Change("+", f"{tree}/new/file", "file", 0, 5),
    ] == changes
    summed = total(changes)
    assert (2, 1, 2, 1) == (summed.added, summed.removed, summed.modified, summed.metadata)
    assert (28, 4200006) == (summed.bytes_added, summed.bytes_removed)
    assert [] == list(difference(vault, new, new))


def test_one_file_goes_out_as_it_is(kept: tuple[Vault, Snapshot], tree: Path) -> None:
    """Large or small, in order; a directory is refused."""
    for name in ("large.bin", "small.txt", "empty", "sparse"):
        out = io.BytesIO()
        assert (tree / name).stat().st_size == dump_file(*kept, str(tree / name), out)
        assert (tree / name).read_bytes() == out.getvalue()
    with pytest.raises(UsageError, match="is not a file"):
        dump_file(*kept, str(tree), io.BytesIO())


def test_a_tar_archive_unpacks_to_the_tree(tmp_path: Path, kept: tuple[Vault, Snapshot], tree: Path) -> None:
    """GNU tar brings everything back that tar knows of, to the nanosecond; a socket is named as left out."""
    with (tmp_path / "all.tar").open("wb") as out:
        findings = dump_tar(*kept, str(tree), out)
    (tmp_path / "out").mkdir()
    options = ["--xattrs", "--xattrs-include=*", "--same-owner", "-p", "--delay-directory-restore"]
    subprocess.run(["tar", "-xf", tmp_path / "all.tar", "-C", tmp_path / "out", *options], check=True)

    assert [f"{tree}/socket"] == [finding.subject for finding in findings]
    assert ["'socket' is missing"] == differences(tree, tmp_path / "out")


def test_a_zip_archive_holds_every_file(tmp_path: Path, kept: tuple[Vault, Snapshot], tree: Path) -> None:
    """Files, links and folders are there with their modes; what a ZIP cannot hold is named."""
    with (tmp_path / "all.zip").open("wb") as out:
        findings = dump_zip(*kept, str(tree), out)

    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert (tree / "large.bin").read_bytes() == archive.read("large.bin")
        assert b"small.txt" == archive.read("relative")
        assert 0o104755 == archive.getinfo("modes/4755").external_attr >> 16
        assert archive.getinfo("deep/").is_dir()
    assert {"pipe", "socket"} <= {finding.subject.rpartition("/")[2] for finding in findings}


class Pipe(io.RawIOBase):
    """Takes bytes, and has nothing else to offer."""

    def __init__(self, inside: IO[bytes]) -> None:
        self._inside = inside

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        return self._inside.write(data)


def test_an_archive_leaves_out_what_is_damaged(tmp_path: Path, tree: Path) -> None:
    """A file whose content is lost is named, and does not stand in the archive with a hole."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    largest = max((listed for listed in store.list(DATA)), key=lambda listed: listed.size)
    store.delete(largest.name)
    out = io.BytesIO()

    findings = dump_tar(vault, snapshot, str(tree), Pipe(out))

    lost = {finding.subject for finding in findings if finding.kind == "content-damaged"}
    assert lost
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        there = {f"{tree}/{name}" for name in archive.getnames()}
    assert not lost & there
    assert there | lost | {f"{tree}/socket"} == {f"{tree}/{name}" for name in traits(tree)}
    victim = next(name for name in ("large.bin", "text.sql", "sparse") if f"{tree}/{name}" in lost)
    with pytest.raises(ObjectMissing):
        dump_file(vault, snapshot, str(tree / victim), io.BytesIO())
