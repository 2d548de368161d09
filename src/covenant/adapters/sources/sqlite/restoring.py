"""A SQLite database from the vault: in the place of the live one, or somewhere else to look at.

The file is first restored into a folder of its own beside where it shall lie, so that a restore that broke off goes
on where it stopped, nobody takes half a database for a whole one, and the last step is a rename. It gets its name
only once SQLite itself finds nothing wrong with it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from covenant.adapters.sources.sqlite.placement import beside, drop_logs, integrity_problems, swap_in
from covenant.kernel.clock import Clock
from covenant.kernel.errors import DamageError, TargetError, UsageError
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.recover.job import RestoreJob, Settings
from covenant.recover.restore import restore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class RestoredDatabase:
    """Where the database is now, its bytes, how many seconds it took, and where the one before it has gone.

    ``findings`` tell what could not be set on it, an owner for example.
    """

    path: Path
    bytes: int
    seconds: float
    set_aside: Path | None = None
    findings: tuple[Finding, ...] = ()


def restore_database(
    vault: Vault,
    snapshot: Snapshot,
    *,
    live: Path | None = None,
    target: Path | None = None,
    clock: Clock,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> RestoredDatabase:
    """Bring the database of a snapshot of the SQLite source back, proved sound.

    With ``live`` it takes that file's place, whose old content is set aside (programs must open it anew). With
    ``target`` it comes to lie in that folder under its own name, where there must be none. Exactly one is given.
    Whoever calls holds a shared lock on the vault meanwhile.

    Raises ``DamageError`` where it is not whole or not sound (what was there is untouched then), ``TargetError``,
    ``UsageError`` for a snapshot that is not of one file, and what ``restore`` raises.
    """
    begin = clock.monotonic()
    database = _database_path(snapshot)
    waiting = _waiting_place(database, live, target)
    staging = waiting.with_name(f"{waiting.name}.{snapshot.id[:8]}")
    job = RestoreJob(vault, snapshot, str(staging), clock, path=database, strip=True)
    job.settings, job.progress = settings or job.settings, progress or Silent()
    findings = _restore_whole(job)
    size = _out_of(staging, PurePosixPath(database).name, waiting)
    if live is not None:
        placed = swap_in(waiting, live, clock.now())
        return RestoredDatabase(placed.path, size, clock.monotonic() - begin, placed.set_aside, findings)
    path = _named(waiting, waiting.with_name(PurePosixPath(database).name))
    return RestoredDatabase(path, size, clock.monotonic() - begin, None, findings)


def _database_path(snapshot: Snapshot) -> str:
    if len(snapshot.paths or ()) != 1:
        raise UsageError(
            f"snapshot {snapshot.id[:8]} is not of one database",
            "Choose a snapshot of a SQLite source, or restore its files with 'covenant restore'.",
        )
    assert snapshot.paths
    return snapshot.paths[0]


def _waiting_place(database: str, live: Path | None, target: Path | None) -> Path:
    """Where the database waits until it is proved sound: in the folder where it shall lie in the end."""
    if live is not None and target is None:
        return beside(live)
    if target is None or live is not None:
        raise UsageError("a database is restored to its live place or to another folder", "Name one of the two.")
    path = target.absolute() / PurePosixPath(database).name
    if path.exists():
        raise TargetError(f"there is a file at {path} already", "Choose another folder, or move that file away.")
    return beside(path)


def _restore_whole(job: RestoreJob) -> tuple[Finding, ...]:
    """Restore the file. Raises ``DamageError`` unless every byte of it came back."""
    outcome = restore(job)
    if outcome.tally.files_failed or not outcome.tally.files:
        reason = outcome.findings[0] if outcome.findings else "it is no file there"
        raise DamageError(
            f"the database cannot be restored whole from snapshot {job.snapshot.id[:8]}: {reason}",
            "Nothing was replaced. Restore an earlier snapshot, and run 'covenant check --read-data'.",
        )
    return outcome.findings


def _out_of(staging: Path, name: str, waiting: Path) -> int:
    """Move the restored file to where it waits, and remove the folder that it was restored into."""
    try:
        drop_logs(waiting)
        (staging / name).replace(waiting)
        shutil.rmtree(staging)
        return waiting.stat().st_size
    except OSError as error:
        raise TargetError(f"{waiting} cannot be written: {error.strerror}", "Check the folder.") from error


def _named(waiting: Path, path: Path) -> Path:
    """Give a sound database its own name, never over another file. Raises ``DamageError``, ``TargetError``."""
    problems = integrity_problems(waiting)
    if problems:
        raise DamageError(
            f"the restored database is not sound: {problems[0]}",
            f"Restore an earlier snapshot; the unsound one lies at {waiting}.",
        )
    drop_logs(waiting)
    try:
        os.link(waiting, path)
        waiting.unlink()
    except OSError as error:
        raise TargetError(
            f"{path} cannot be written: {error.strerror}", f"It is whole and lies at {waiting}."
        ) from error
    return path
