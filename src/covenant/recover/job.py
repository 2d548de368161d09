"""What a restore is asked to do, and what it came to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from covenant.kernel.clock import Clock
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.recover.flushing import flush_file_system
from covenant.vault.ports import ReadStore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Settings:
    """How a restore works, apart from what it brings back."""

    lanes: int = 2
    open_store: Callable[[], ReadStore] | None = None
    """Opens the vault's store in a worker process; without it there are only threads."""
    sparse: bool = True
    """Whether long stretches of zeros become holes."""
    flush: Callable[[int], None] = flush_file_system
    """Writes out the file system of an open folder, once everything is restored."""


@dataclass(slots=True)
class RestoreJob:
    """One restore: what of which snapshot, to where, and in what way.

    ``path`` is the part wanted, as the snapshot has it. It comes to lie below ``target`` under its whole path, as
    with restic; with ``strip`` a directory's content (or the one file) lies in ``target`` itself. ``include`` and
    ``exclude`` are gitignore patterns relative to ``/``, or to ``path`` with ``strip``.

    Whoever calls holds a shared lock on the vault meanwhile.
    """

    vault: Vault
    snapshot: Snapshot
    target: str
    clock: Clock
    path: str = "/"
    strip: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    into_non_empty: bool = False
    verify: bool = False
    dry_run: bool = False
    settings: Settings = field(default_factory=Settings)
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Tally:
    """What was, or would be, done. ``others`` are links, pipes, sockets and devices; bytes are those of files."""

    files_created: int = 0
    files_replaced: int = 0
    files_kept: int = 0
    files_failed: int = 0
    directories: int = 0
    others: int = 0
    bytes_written: int = 0
    bytes_kept: int = 0

    @property
    def files(self) -> int:
        """All files that are there now, as the snapshot has them."""
        return self.files_created + self.files_replaced + self.files_kept

    def count(self, what: str, size: int) -> None:
        """One more file was ``created``, ``replaced``, ``kept`` or ``failed``."""
        name = f"files_{what}"
        setattr(self, name, getattr(self, name) + 1)
        if what == "kept":
            self.bytes_kept += size
        elif what != "failed":
            self.bytes_written += size


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """What a restore came to. ``resumed`` says that an earlier run of it had begun."""

    snapshot: Snapshot
    target: str
    tally: Tally
    seconds: float
    resumed: bool = False
    dry_run: bool = False
    findings: tuple[Finding, ...] = ()
