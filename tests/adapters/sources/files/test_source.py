"""Which files a files source takes: what was named, less what was excluded, and every omission told."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from covenant.adapters.sources.files.source import FilesSource
from covenant.kernel.errors import SourceError
from covenant.kernel.findings import Finding
from covenant.vault.vault import open_vault
from tests.protect.counted import keep, not_the_same
from tests.servers.small_disk import SmallDisk, small_disk
from tests.vaults import PASSWORD, a_store, a_vault

__all__ = ["small_disk"]

CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# a cache"


def grow(root: Path, *names: str) -> Path:
    """Make files (and folders, for names that end in a slash) below a folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
    return root


def taken(source: FilesSource, below: Path) -> tuple[set[str], list[Finding]]:
    """The paths, relative to ``below``, that a source takes; folders end in a slash. And what it found."""
    found: set[str] = set()
    with source.capture(None) as capture:
        waiting = ["/"]
        while waiting:
            directory = waiting.pop()
            entries = capture.list(directory)
            assert [entry.name for entry in entries] == sorted([e.name for e in entries], key=os.fsencode)
            for entry in entries:
                if entry.kind == "dir":
                    waiting.append(entry.path)
                relative = os.path.relpath(entry.path, below)
                if not relative.startswith(".."):
                    found.add(relative + ("/" if entry.kind in ("dir", "mountpoint") else ""))
        return found - {"./"}, capture.findings


def of(*paths: Path, **words: object) -> FilesSource:
    """A source of these paths."""
    return FilesSource("", tuple(str(path) for path in paths), **words)  # type: ignore[arg-type]


EVERYTHING = {
    "a/",
    "a/keep.txt",
    "a/b/",
    "a/b/b.tmp",
    "a/b/cache/",
    "a/b/cache/x",
    "cache/",
    "cache/y",
    "top.txt",
    "t.tmp",
}


@pytest.mark.parametrize(
    ("patterns", "gone"),
    [
        (["*.tmp"], {"a/b/b.tmp", "t.tmp"}),
        (["*.tmp", "!b.tmp"], {"t.tmp"}),
        (["/cache/"], {"cache/", "cache/y"}),
        (["cache"], {"cache/", "cache/y", "a/b/cache/", "a/b/cache/x"}),
        (["a/**/x"], {"a/b/cache/x"}),
        (["# a comment", "", "a/"], {"a/", "a/keep.txt", "a/b/", "a/b/b.tmp", "a/b/cache/", "a/b/cache/x"}),
        (["*", "!*/", "!*.txt"], {"a/b/b.tmp", "a/b/cache/x", "cache/y", "t.tmp"}),
        (["keep.txt/"], set()),
        (["/a/b/**", "!/a/b/b.tmp"], {"a/b/cache/", "a/b/cache/x"}),
        (["a/b/", "!a/b/b.tmp"], {"a/b/", "a/b/b.tmp", "a/b/cache/", "a/b/cache/x"}),
    ],
)
def test_patterns_mean_what_git_says(tmp_path: Path, patterns: list[str], gone: set[str]) -> None:
    """Anywhere, only at the top, only folders, taken back, but never out of an excluded folder."""
    root = grow(tmp_path / "r", *EVERYTHING)

    found, findings = taken(of(root, exclude=tuple(patterns)), root)

    assert EVERYTHING - gone == found
    assert [] == findings


def test_marks_keep_a_folder_but_not_what_is_in_it(tmp_path: Path) -> None:
    """A folder with a mark is there, with the mark to say why it is empty. A false cache tag marks nothing."""
    root = grow(tmp_path / "r", "a/.nobackup", "a/b/c", "cache/x", "false/CACHEDIR.TAG", "false/x", "z")
    (root / "cache" / "CACHEDIR.TAG").write_bytes(CACHE_TAG)

    marked, _ = taken(of(root, exclude_if_present=(".nobackup",), exclude_caches=True), root)
    unmarked, _ = taken(of(root), root)

    assert {
        "a/",
        "a/.nobackup",
        "cache/",
        "cache/CACHEDIR.TAG",
        "false/",
        "false/CACHEDIR.TAG",
        "false/x",
        "z",
    } == marked
    assert {"a/b/c", "cache/x"} <= unmarked


def test_a_path_inside_another_hides_nothing(tmp_path: Path) -> None:
    """Naming a folder and one deep inside it takes all of the outer one."""
    root = grow(tmp_path / "r", "a/b/c/d", "a/b/e", "a/f", "g")

    found, _ = taken(of(root, root / "a" / "b" / "c", root / "g"), root)

    assert {"a/", "a/b/", "a/b/c/", "a/b/c/d", "a/b/e", "a/f", "g"} == found


def test_a_path_that_was_named_is_taken_whatever_is_excluded_above(tmp_path: Path, small_disk: SmallDisk) -> None:
    """Patterns, marks and mount points above a named path do not take it away."""
    root = grow(tmp_path / "r", "a/b/c", "a/d", "m/.nobackup", "m/x/y", "m/z")
    grow(small_disk.path, "e/f", "g")

    patterned, _ = taken(of(root, root / "a" / "b", exclude=("a/",)), root)
    marked, _ = taken(of(root, root / "m" / "x", exclude_if_present=(".nobackup",)), root)
    mounted, _ = taken(of(tmp_path, small_disk.path / "e", one_file_system=True), small_disk.path)

    assert {"a/", "a/b/", "a/b/c", "m/", "m/.nobackup", "m/x/", "m/x/y", "m/z"} == patterned - {"a/d"}
    assert {"m/", "m/.nobackup", "m/x/", "m/x/y"} <= marked
    assert "m/z" not in marked
    assert {"e/", "e/f"} <= mounted


def test_one_file_system_ends_at_its_border(tmp_path: Path, small_disk: SmallDisk) -> None:
    """What is mounted below is kept as an empty folder, unless it is what was named."""
    grow(tmp_path, "here")
    grow(small_disk.path, "there")

    stays, _ = taken(of(tmp_path, one_file_system=True), tmp_path)
    goes, _ = taken(of(tmp_path), tmp_path)
    named, _ = taken(of(small_disk.path, one_file_system=True), small_disk.path)

    assert {"here", "disk/"} == stays
    assert {"here", "disk/", "disk/there"} == goes
    assert {"there"} == named


def test_a_link_on_the_way_is_followed_and_others_are_kept_as_links(tmp_path: Path) -> None:
    """Who names a path behind a link gets what is there; a link that is named, or found below, stays a link."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    grow(tmp_path, "real/folder/file", "real/other")
    (tmp_path / "way").symlink_to("real")
    (tmp_path / "real" / "folder" / "back").symlink_to("..")

    behind = keep(vault, store, of(tmp_path / "way" / "folder"))
    named, _ = taken(of(tmp_path / "way"), tmp_path)
    inside, _ = taken(of(tmp_path, tmp_path / "way" / "folder"), tmp_path)

    assert [] == not_the_same(vault, behind.snapshot, tmp_path / "way" / "folder", tmp_path / "out")
    assert {"way"} == named
    assert {"real/folder/file", "real/other", "way/", "way/folder/", "way/folder/file"} <= inside
    assert "way/other" not in inside


def test_single_files_and_odd_spellings_of_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file alone may be named; relative, doubled and dotted spellings are one path."""
    root = grow(tmp_path / "r", "a", "b", "c/d")
    monkeypatch.chdir(root)

    found, _ = taken(FilesSource("", ("a", "./c/../a", str(root / "a"), "c/")), root)

    assert {"a", "c/", "c/d"} == found


def test_the_whole_machine_is_a_path(tmp_path: Path) -> None:
    """``/`` may be named, and patterns are taken from there."""
    with of(Path("/"), exclude=("/proc/", "/sys/")).capture(None) as capture:
        names = {entry.name for entry in capture.list("/")}

    assert names == set(os.listdir("/")) - {"proc", "sys"}


def test_a_missing_path_among_others_is_told(tmp_path: Path) -> None:
    """The rest is kept and the missing one is a finding; where all are missing there is nothing to keep."""
    root = grow(tmp_path / "r", "a")

    found, findings = taken(of(root, tmp_path / "gone"), root)

    assert {"a"} == found
    assert [("path-missing", str(tmp_path / "gone"))] == [(one.kind, one.subject) for one in findings]
    with pytest.raises(SourceError), of(tmp_path / "gone", tmp_path / "too").capture(None):
        pass


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may come to."""
    with tempfile.TemporaryDirectory(prefix="covenant-test-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights for a while."""
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_what_may_not_be_read_is_told(open_place: Path) -> None:
    """To a user without rights a closed file and a closed folder are findings; everything else is kept."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    store = a_store(open_place / "v")
    vault = a_vault(store)
    root = grow(open_place / "r", "open", "closed", "shut/inside", "blind/inside", "large")
    (root / "large").write_bytes(os.urandom(1 << 20))
    for name, mode in (("closed", 0), ("large", 0), ("shut", 0), ("blind", 0o444)):
        (root / name).chmod(mode)
    for path in [open_place / "v", *(open_place / "v").rglob("*")]:
        path.chmod(0o777)

    with as_nobody():
        done = keep(vault, store, of(root))

    assert [
        ("directory-unreadable", str(root / "shut")),
        ("unreadable", str(root / "blind" / "inside")),
        ("unreadable", str(root / "closed")),
        ("unreadable", str(root / "large")),
    ] == sorted((one.kind, one.subject) for one in done.findings)
    for name in ("closed", "large", "shut/inside", "blind/inside"):
        (root / name).unlink()
    left = not_the_same(open_vault(store, PASSWORD), done.snapshot, root, open_place / "out")
    assert [] == [line for line in left if "mtime_ns" not in line]  # removing them has touched their folders


def test_names_stand_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    """Also where Python orders the letters otherwise: a byte that is no UTF-8 comes after every letter."""
    names = [b"Z", b"a", "\ue000".encode(), b"\xff"]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()

    with of(tmp_path).capture(None) as capture:
        listed = [os.fsencode(entry.name) for entry in capture.list(str(tmp_path))]

    assert names == listed
