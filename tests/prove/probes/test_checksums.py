"""Whether a restore is what was kept: everything that can differ is noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import SystemClock
from covenant.prove.asking import ask
from covenant.prove.ports import Restored
from covenant.prove.probes.checksums import Checksums
from covenant.recover.job import RestoreJob
from covenant.recover.restore import restore
from tests.small_worlds import a_small_vault
from tests.vaults import CLOCK, back_up


@pytest.fixture
def restored(tmp_path: Path) -> Restored:
    """A small tree, kept and restored."""
    kept = tmp_path / "kept"
    (kept / "folder").mkdir(parents=True)
    (kept / "folder" / "page").write_bytes(b"page" * 1000)
    (kept / "empty").touch()
    (kept / "link").symlink_to("folder/page")
    store, vault = a_small_vault()
    snapshot = back_up(vault, store, kept).snapshot
    restore(RestoreJob(vault, snapshot, str(tmp_path / "box"), CLOCK))
    return Restored("tree", tmp_path / "box" / str(tmp_path).lstrip("/"), vault, snapshot, str(kept))


def answer(restored: Restored) -> Answer:
    """What is said of it; the folder stands for the root."""
    root = Path(str(restored.folder).removesuffix(str(Path(restored.path).parent)))
    return ask(Checksums(), replace(restored, folder=root), SystemClock())


def flip(path: Path) -> None:
    """One bit is another."""
    data = bytearray(path.read_bytes())
    data[17] ^= 4
    path.write_bytes(data)


def other_link(path: Path) -> None:
    """It points elsewhere."""
    path.unlink()
    path.symlink_to("folder/other")


def as_link(path: Path) -> None:
    """A link to the right bytes stands in the file's place."""
    path.rename(path.with_name("aside"))
    path.symlink_to("aside")


CHANGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("folder/page", flip, "piece 0 is not what was kept"),
    ("folder/page", lambda path: os.truncate(path, 3999), "piece 0 is not what was kept"),
    ("folder/page", lambda path: path.write_bytes(path.read_bytes() + b"!"), "is longer than what was kept"),
    ("folder/page", lambda path: path.write_bytes(b"PAGE" * 1000), "piece 0 is not what was kept"),
    ("folder/page", Path.unlink, "no such file"),
    ("folder/page", as_link, "is no file"),
    ("empty", lambda path: path.write_bytes(b"!"), "is longer than what was kept"),
    ("empty", Path.unlink, "no such file"),
    ("link", other_link, "points elsewhere"),
    ("link", Path.unlink, "no such file"),
    ("folder", shutil.rmtree, "no such file"),
]


def test_what_was_restored_as_it_was_kept_passes(restored: Restored) -> None:
    """The evidence says how much was compared, and with what."""
    found = answer(restored)

    assert Result.PASSED is found.result
    assert f"2 files with 4,000 bytes compared with snapshot {restored.snapshot.id[:8]}" == found.detail


@pytest.mark.parametrize(("name", "change", "said"), CHANGES)
def test_whatever_differs_is_noticed(
    restored: Restored, name: str, change: Callable[[Path], object], said: str
) -> None:
    """In a file's bytes, its length, its kind, a link's goal, or that something is there at all."""
    change(restored.folder / "kept" / name)

    found = answer(restored)

    assert Result.FAILED is found.result
    assert said in found.detail
    assert f"/kept/{name}" in found.detail


def test_a_snapshot_without_a_file_proves_nothing(tmp_path: Path) -> None:
    """There was nothing to compare, and nothing is called right."""
    (tmp_path / "kept" / "bare").mkdir(parents=True)
    store, vault = a_small_vault()
    snapshot = back_up(vault, store, tmp_path / "kept").snapshot
    restore(RestoreJob(vault, snapshot, str(tmp_path / "box"), CLOCK))

    found = ask(Checksums(), Restored("tree", tmp_path / "box", vault, snapshot), SystemClock())

    assert Result.COULD_NOT_VERIFY is found.result
