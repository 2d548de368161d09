"""Which process did it, told so that another one of the same number, later or after a restart, is not taken for it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from covenant.vault.lock import runs

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Process(msgspec.Struct, frozen=True):
    """A process: the boot of its machine, its number, and when it began, in the kernel's own ticks since the boot.

    Where the system tells neither boot nor beginning these are ``""`` and 0, and the number alone counts.
    """

    boot: str
    pid: int
    began: int

    def alive(self) -> bool:
        """Whether it still runs."""
        if self.boot != _boot() or not runs(self.pid):
            return False
        return self.began == _began(self.pid)


def this_process() -> Process:
    """Ourselves."""
    return process(os.getpid())


def process(pid: int) -> Process:
    """The process that has this number now."""
    return Process(_boot(), pid, _began(pid))


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _began(pid: int) -> int:
    """Field 22 of ``/proc/PID/stat``; the second may hold blanks and parentheses. (man 5 proc)"""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0
