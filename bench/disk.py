"""The place where it all lies: its kind, its room, and a page cache in the same state for every run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.errors import BenchError


def kind(folder: Path) -> str:
    """The type of the file system, as ``/proc/mounts`` names it: ``tmpfs``, ``ext4``, …"""
    best, name = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, system, *_ = line.split()
        if folder.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, name = mount, system
    return name


def require(folder: Path, size: int) -> None:
    """Raises BenchError if ``folder`` has no room for ``size`` bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise BenchError(
            f"{folder} has {free >> 20} MiB free and {size >> 20} are needed; use --dir or a smaller --scale"
        )


def level(*folders: Path) -> None:
    """Bring the page cache into one state for all: nothing waits to be written, and no file's contents are cached.

    On a RAM disk there is nothing to do. Names and attributes of files stay cached, as they do for every peer.
    """
    if kind(folders[0]) in {"tmpfs", "ramfs"}:
        return
    os.sync()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                _forget(path)


def _forget(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


def copy(folder: Path, fresh: Path) -> None:
    """Make ``fresh`` a copy of ``folder``, with its times. ``cp`` takes half the time of a loop in Python."""
    done = subprocess.run(["cp", "-a", str(folder), str(fresh)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"copying {folder.name} failed: {done.stderr.strip()}")


def size(folder: Path) -> int:
    """Bytes in the files below ``folder``."""
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)


def warm(folder: Path, size: int) -> None:
    """Write as much as the work will write, and remove it.

    A virtual machine gives back memory that it does not use, and pays when it uses it again: on a RAM disk the first
    who writes would pay for all who follow.
    """
    scratch, block = folder / "warm", bytes(16 << 20)
    with scratch.open("wb") as file:
        for _ in range(0, size, len(block)):
            file.write(block)
    scratch.unlink()
