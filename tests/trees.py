"""Trees of files for tests: one with everything nasty in it, and a comparison that forgets nothing."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from random import Random

HOLE = 4 << 20
_NS = 1_234_567_891_234_567_891
"""2009-02-13, with nanoseconds that a float could not hold."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Everything about one entry that a restore must bring back. ``alike`` names its hard links, sorted."""

    kind: int
    mode: int
    owner: tuple[int, int]
    mtime_ns: int
    xattrs: tuple[tuple[str, bytes], ...]
    content: str
    alike: tuple[str, ...] = ()
    device: int = 0


def traits(root: Path | str) -> dict[str, Traits]:
    """Every entry below ``root``, by its relative path (undecodable bytes as surrogates)."""
    found: dict[str, os.stat_result] = {}
    top = os.fspath(root)
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.lstat(path)
    groups: dict[tuple[int, int], list[str]] = {}
    for path, status in found.items():
        if stat.S_ISREG(status.st_mode):
            groups.setdefault((status.st_dev, status.st_ino), []).append(path)
    return {
        path: _traits(os.path.join(top, path), status, groups.get((status.st_dev, status.st_ino), []))
        for path, status in found.items()
    }


def differences(expected: Path | str, actual: Path | str) -> list[str]:
    """How the tree at ``actual`` differs from that at ``expected``: one line each, none if it does not."""
    left, right = traits(expected), traits(actual)
    lines = [f"{path!r} is missing" for path in sorted(left.keys() - right.keys())]
    lines += [f"{path!r} is too much" for path in sorted(right.keys() - left.keys())]
    for path in sorted(left.keys() & right.keys()):
        for name in Traits.__slots__:
            was, is_now = getattr(left[path], name), getattr(right[path], name)
            if was != is_now:
                lines.append(f"{path!r}: {name} was {was!r}, is {is_now!r}")
    return lines


def allocated(path: Path) -> int:
    """How many bytes of a file are not holes."""
    return path.stat().st_blocks * 512


def _traits(path: str, status: os.stat_result, alike: list[str]) -> Traits:
    kind = stat.S_IFMT(status.st_mode)
    content = ""
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    elif kind == stat.S_IFLNK:
        content = os.readlink(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return Traits(
        kind,
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        status.st_mtime_ns,
        tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names),
        content,
        tuple(sorted(alike)) if len(alike) > 1 else (),
        status.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
    )


def nasty_tree(root: Path) -> Path:
    """A tree with every type of file that this user can make, and every attribute that this file system keeps."""
    root.mkdir(parents=True)
    noise = Random(7)
    (root / "empty").touch()
    (root / "small.txt").write_bytes(b"hello\n")
    (root / "large.bin").write_bytes(noise.randbytes(9 << 20))
    (root / "text.sql").write_bytes(b"INSERT INTO songs VALUES (1, 'la la la');\n" * 100_000)
    _sparse(root / "sparse", noise)
    _odd_names(root / "names")
    _links(root)
    _special(root)
    _modes(root / "modes")
    _owned(root)
    _extended(root)
    _deep(root / "deep")
    _touch_all(root)
    return root


def as_restic_can(root: Path) -> Path:
    """The nasty tree without what restic 0.14 cannot keep: sockets, link targets in raw bytes, attributes of links."""
    (root / "socket").unlink()
    os.unlink(root / "raw")
    if os.listxattr(root / "relative", follow_symlinks=False):
        os.removexattr(root / "relative", "trusted.link", follow_symlinks=False)
    os.utime(root, ns=(_NS, _NS))
    return root


def _sparse(path: Path, noise: Random) -> None:
    with path.open("wb") as file:
        file.write(noise.randbytes(100_000))
        file.seek(HOLE * 5)
        file.write(noise.randbytes(100_000))
        file.truncate(HOLE * 8)


def _odd_names(folder: Path) -> None:
    folder.mkdir()
    for name in (
        b"\xff\xfe not utf-8",
        "käse ☃ 🎵".encode(),
        b'"q" \\ back',
        b"new\nline\ttab",
        b"<&>",
        b"-rf *",
        b"x" * 255,
    ):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(name)
    os.mkdir(os.fsencode(folder) + b"/\xc3\x28 dir")
    with open(os.fsencode(folder) + b"/\xc3\x28 dir/inside", "wb") as file:
        file.write(b"inside")


def _links(root: Path) -> None:
    (root / "a").mkdir()
    (root / "z").mkdir()
    (root / "z" / "one").write_bytes(b"one file, three names")
    os.link(root / "z" / "one", root / "a" / "two")
    os.link(root / "z" / "one", root / "three")
    (root / "z" / "large one").write_bytes(Random(8).randbytes(3 << 20))
    os.link(root / "z" / "large one", root / "a" / "large two")
    (root / "relative").symlink_to("small.txt")
    (root / "dangling").symlink_to("/nowhere/at/all")
    os.symlink(b"to \xff bytes", os.fsencode(root / "raw"))
    (root / "to a folder").symlink_to("a", target_is_directory=True)


def _special(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            made.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
    if os.geteuid() == 0:
        for name, kind, number in (("null", stat.S_IFCHR, (1, 3)), ("disk", stat.S_IFBLK, (7, 99))):
            try:
                os.mknod(root / name, kind | 0o640, os.makedev(*number))
            except PermissionError:  # a container's root may not
                return


def _modes(folder: Path) -> None:
    folder.mkdir()
    for mode in (0o4755, 0o2755, 0o1644, 0o600, 0o444, 0o000, 0o777):
        path = folder / f"{mode:o}"
        path.write_bytes(b"mode")
        path.chmod(mode)
    (folder / "sticky").mkdir()
    (folder / "sticky").chmod(0o1777)
    (folder / "closed").mkdir()
    (folder / "closed" / "inside").write_bytes(b"inside")
    (folder / "closed").chmod(0o2550)


def _owned(root: Path) -> None:
    if os.geteuid() == 0:
        (root / "someone's").write_bytes(b"owned")
        os.chown(root / "someone's", 12345, 54321)
        os.chmod(root / "someone's", 0o6755)
        os.chown(root / "relative", 12345, 54321, follow_symlinks=False)
        os.chown(root / "z", 1, 1)


def _extended(root: Path) -> None:
    wanted = [
        ("small.txt", "user.note", "höher".encode()),
        ("small.txt", "user.empty", b""),
        ("large.bin", "user.bytes", bytes(range(256))),
        ("a", "user.folder", b"yes"),
        # An access control list: user 12345 may read, the mask allows it. (linux/posix_acl_xattr.h)
        (
            "three",
            "system.posix_acl_access",
            bytes.fromhex("0200000001000600ffffffff020004003930000004000400ffffffff10000400ffffffff20000400ffffffff"),
        ),
        ("relative", "trusted.link", b"on a link"),
    ]
    for name, key, value in wanted:
        try:
            os.setxattr(root / name, key, value, follow_symlinks=False)
        except OSError:  # this file system, or this user, does not have such
            continue


def _deep(folder: Path) -> None:
    for _ in range(40):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "bottom").write_bytes(b"bottom")


def _touch_all(root: Path) -> None:
    """Times with nanoseconds, far ones too; a directory after what is in it."""
    for number, (folder, _, names) in enumerate(os.walk(root, topdown=False)):
        for at, name in enumerate(sorted(names)):
            os.utime(os.path.join(folder, name), ns=(_NS, _NS + number * 1000 + at), follow_symlinks=False)
        os.utime(folder, ns=(_NS, _NS - number))
    os.utime(root / "empty", ns=(1, 1))
    os.utime(root / "small.txt", ns=(_NS, -1_000_000_001))
    os.utime(root, ns=(_NS, _NS))
