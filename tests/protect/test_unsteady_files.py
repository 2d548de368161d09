"""Files that change, vanish or turn into something else while they are read: told, never a silent gap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from covenant.kernel.progress import Silent
from covenant.protect.backup import Outcome
from covenant.protect.ports import Entry
from covenant.vault.reader import read_tree
from covenant.vault.vault import Vault
from tests.protect.counted import bring_back, files, keep, not_the_same, settle, tree_at
from tests.small_worlds import restic
from tests.vaults import a_store, a_vault

LARGE = 15 << 20
SIZES = {"small": 5000, "large": LARGE}

Change = Callable[[Path], None]


def grow(path: Path) -> None:
    """Make it longer."""
    with path.open("ab") as file:
        file.write(b"more " * 1000)


def grow_much(path: Path) -> None:
    """Make it much longer: a small file no longer is one."""
    with path.open("ab") as file:
        file.write(os.urandom(3 << 20))


def shrink(path: Path) -> None:
    """Make it shorter."""
    os.truncate(path, path.stat().st_size // 3)


def empty(path: Path) -> None:
    """Leave nothing of it."""
    os.truncate(path, 0)


def rewrite(path: Path) -> None:
    """Put other bytes in the same place."""
    with path.open("r+b") as file:
        file.write(b"other")


def replace(path: Path) -> None:
    """Put another file of the same size and time in its place."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"x" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def remove(path: Path) -> None:
    """Take it away."""
    path.unlink()


def to_pipe(path: Path) -> None:
    """Put a pipe in its place, which would block a reader for ever."""
    path.unlink()
    os.mkfifo(path)


def to_link(path: Path) -> None:
    """Put a symbolic link in its place: following it would keep what nobody asked for."""
    path.unlink()
    path.symlink_to("/etc/passwd")


def to_folder(path: Path) -> None:
    """Put a directory in its place."""
    path.unlink()
    path.mkdir()


STILL_READ = [grow, grow_much, shrink, empty, rewrite, replace]
NOT_READ = [(remove, "vanished"), (to_pipe, "replaced"), (to_link, "replaced"), (to_folder, "replaced")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three files; ``subject`` is the one that something happens to."""
    made = tmp_path / "live"
    made.mkdir()
    (made / "before").write_bytes(b"before")
    (made / "zafter").write_bytes(b"after")
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("change", STILL_READ)
def test_a_file_that_changes_is_kept_and_told(tmp_path: Path, folder: Path, change: Change, size: str) -> None:
    """What could be read is there, as long as its node says; a finding names it; the next backup takes it whole."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    subject = folder / "subject"
    subject.write_bytes(os.urandom(SIZES[size]))
    settle()

    done = keep(vault, store, files(folder, meddle=_on("subject", lambda: change(subject))))
    settle()
    after = keep(vault, store, files(folder), parent=done.snapshot)

    assert [("changed", str(subject))] == [(one.kind, one.subject) for one in done.findings]
    assert _sizes(vault, done, folder) == _lengths(vault, done, folder, tmp_path / "out")
    assert () == after.findings
    assert [] == not_the_same(vault, after.snapshot, folder, tmp_path / "after")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("change", "kind"), NOT_READ)
def test_a_file_that_is_gone_is_left_out_and_told(
    tmp_path: Path, folder: Path, change: Change, kind: str, size: str
) -> None:
    """It is in no snapshot, a finding says so, and everything beside it is kept."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    subject = folder / "subject"
    subject.write_bytes(os.urandom(SIZES[size]))

    done = keep(vault, store, files(folder, meddle=_on("subject", lambda: change(subject))))

    assert [(kind, str(subject))] == [(one.kind, one.subject) for one in done.findings]
    assert {"before", "zafter"} == set(_lengths(vault, done, folder, tmp_path / "out"))
    assert 2 == done.tally.files


@pytest.mark.parametrize("change", [grow, shrink, empty])
def test_a_large_file_that_changes_midway_is_kept_as_long_as_it_was_read(
    tmp_path: Path, folder: Path, change: Change
) -> None:
    """The node's size is what was stored, to the byte, when a file changes between two readings of it."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    subject = folder / "subject"
    subject.write_bytes(os.urandom(LARGE))
    met: list[int] = []

    class Midway(Silent):
        def advance(self, *, files: int = 0, bytes: int = 0) -> None:
            if bytes > 1 << 20 and not met:
                met.append(bytes)
                change(subject)

    done = keep(vault, store, files(folder), progress=Midway())

    assert met
    assert [("changed", str(subject))] == [(one.kind, one.subject) for one in done.findings]
    assert _sizes(vault, done, folder) == _lengths(vault, done, folder, tmp_path / "out")


def test_restic_accepts_the_sizes_of_changed_files(tmp_path: Path, folder: Path) -> None:
    """A node whose size is not that of its content is an error to restic; ours have none."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    changes = {change.__name__: change for change in STILL_READ}
    for name, size in (("s", 5000), ("l", 2 << 20)):
        for change in changes:
            (folder / f"{name}-{change}").write_bytes(os.urandom(size))

    def meddle(entry: Entry) -> None:
        change = changes.get(entry.name.partition("-")[2])
        if change:
            change(Path(entry.path))

    done = keep(vault, store, files(folder, meddle=meddle))

    assert 12 == len(done.findings)
    checked = restic(tmp_path / "v", "check", "--read-data")
    assert "no errors were found" in checked.stdout, checked.stderr


def test_files_that_the_system_makes_up_are_read_whole(tmp_path: Path) -> None:
    """Files of /proc say that they are empty, and are not: they are read to their end, and told as changed."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    made_up = Path("/proc/version")

    done = keep(vault, store, files(made_up))

    assert ["changed"] == [one.kind for one in done.findings]
    back = bring_back(vault, done.snapshot, made_up, tmp_path / "out")
    assert made_up.read_bytes() == (back / "version").read_bytes()


def test_a_folder_that_vanishes_is_told(tmp_path: Path, folder: Path) -> None:
    """A directory listed by the one above and then removed leaves a finding, and its neighbours are kept."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_bytes(b"inside")

    done = keep(vault, store, files(folder, meddle=_on("before", lambda: shutil.rmtree(folder / "inner"))))

    assert [("vanished", str(folder / "inner"))] == [(one.kind, one.subject) for one in done.findings]
    assert {"before", "zafter"} == set(_lengths(vault, done, folder, tmp_path / "out"))


def _on(name: str, act: Callable[[], None]) -> Callable[[Entry], None]:
    """Act once, just before the file of this name is read."""
    acted: list[bool] = []

    def meddle(entry: Entry) -> None:
        if entry.name == name and not acted:
            acted.append(True)
            act()

    return meddle


def _sizes(vault: Vault, done: Outcome, folder: Path) -> dict[str, int]:
    """What the snapshot says of the files in the folder."""
    entries = read_tree(vault, tree_at(vault, done.snapshot, folder))
    return {node.filename: node.size for node in entries if node.type == "file"}


def _lengths(vault: Vault, done: Outcome, folder: Path, target: Path) -> dict[str, int]:
    """How long the files are that the snapshot brings back."""
    back = bring_back(vault, done.snapshot, folder, target)
    return {path.name: path.stat().st_size for path in back.iterdir() if path.is_file()}
