"""A small disk of its own to fill, to unmount and to make read-only, where this machine lets us mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted RAM disk."""

    path: Path

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.path))

    def unmount(self) -> None:
        _run("umount", "-l", str(self.path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 4 MiB."""
    disk = SmallDisk(tmp_path / "disk")
    disk.path.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "covenant-test", str(disk.path))
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("mounting a RAM disk takes root and CAP_SYS_ADMIN")
    yield disk
    if disk.path.is_mount():
        disk.unmount()
