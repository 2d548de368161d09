"""A source that tells what was read of it, and lets a test meddle between the listing of a file and its reading."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from covenant.adapters.sources.files.source import FilesSource
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.protect.backup import Job, Outcome, Settings, backup
from covenant.protect.ports import Capture, Entry, Source
from covenant.recover.job import RestoreJob
from covenant.recover.restore import restore
from covenant.vault.ports import AppendStore
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.trees import differences
from tests.vaults import CLOCK, OWNER

Meddle = Callable[[Entry], None]


class Counted:
    """A source whose every file that is asked for is recorded in ``read``; ``meddle`` is called before it is read."""

    def __init__(self, source: Source, meddle: Meddle = lambda entry: None) -> None:
        self.read: list[str] = []
        self._source = source
        self._meddle = meddle

    @property
    def name(self) -> str:
        return self._source.name

    @contextlib.contextmanager
    def capture(self, parent: Snapshot | None) -> Iterator[_CountedCapture]:
        with self._source.capture(parent) as capture:
            yield _CountedCapture(capture, self.read, self._meddle)


class _CountedCapture:
    def __init__(self, inside: Capture, read: list[str], meddle: Meddle) -> None:
        self._inside = inside
        self._read = read
        self._meddle = meddle

    @property
    def paths(self) -> tuple[str, ...]:
        return self._inside.paths

    @property
    def excludes(self) -> tuple[str, ...]:
        return self._inside.excludes

    @property
    def findings(self) -> list[Finding]:
        return self._inside.findings

    @property
    def position(self) -> str:
        return self._inside.position

    def list(self, directory: str) -> list[Entry]:
        return self._inside.list(directory)

    def ready(self, entry: Entry) -> Entry:
        self._read.append(entry.name)
        self._meddle(entry)
        return self._inside.ready(entry)


def files(*paths: Path, meddle: Meddle = lambda entry: None) -> Counted:
    """Folders and files as an unnamed, counted source."""
    return Counted(FilesSource("", tuple(str(path) for path in paths)), meddle)


def keep(
    vault: Vault,
    store: AppendStore,
    source: Source,
    *,
    parent: Snapshot | None = None,
    kind: str = "incremental",
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Back up any source."""
    job = Job(source, vault, store, OWNER, CLOCK, kind=kind, parent=parent, settings=settings or Settings())
    job.progress = progress or Silent()
    return backup(job)


def settle() -> None:
    """Let so much time pass that what was written before is told from what a backup might have missed."""
    time.sleep(0.05)


def bring_back(vault: Vault, snapshot: Snapshot, path: Path, target: Path) -> Path:
    """Restore what the snapshot has at ``path`` into the new folder ``target``; nothing may be wrong with it."""
    done = restore(RestoreJob(vault, snapshot, str(target), CLOCK, path=str(path), strip=True))
    assert () == done.findings
    return target


def not_the_same(vault: Vault, snapshot: Snapshot, path: Path, target: Path) -> list[str]:
    """How the directory at ``path`` differs from what the snapshot brings back."""
    return differences(path, bring_back(vault, snapshot, path, target))


def tree_at(vault: Vault, snapshot: Snapshot, path: Path) -> str:
    """The tree id of a directory of the snapshot; those above it lie in folders that others write to."""
    tree = snapshot.tree
    for part in path.parts[1:]:
        tree = next(node.subtree or "" for node in read_tree(vault, tree) if node.filename == part)
    return tree
