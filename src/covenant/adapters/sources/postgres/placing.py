"""A base backup on its way into a folder: what is right there already is kept, what does not belong there goes.

    <target>/data                    the data directory
    <target>/tablespaces/<oid>       its tablespaces, unless they are led elsewhere
    <target>/.covenant-recovery      while it is unfinished: of which backup, and to which goal

The mark outlives a kill. Run again, the same recovery goes on: with restoring, or, once the server has begun to replay,
with that. Another recovery does not mix with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from covenant.adapters.sources.postgres.about import top_of
from covenant.adapters.sources.postgres.programs import Programs
from covenant.kernel.errors import DamageError, Refusal, TargetError, UsageError
from covenant.recover.job import RestoreJob, RestoreOutcome
from covenant.recover.listing import walk
from covenant.recover.restore import restore
from covenant.vault.lock import runs
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

MARK = ".covenant-recovery"
_OWNERS = "owner-not-restored"
_VERSION = "PG_"
"""How the folder in a tablespace begins that belongs to servers of one version."""


class Unfinished(msgspec.Struct, frozen=True):
    """Which recovery is under way in a folder, and whether the server has begun to replay."""

    vault: str
    snapshot: str
    goal: str
    replaying: bool = False
    private: str = ""
    """The folder of the private server that replays, to be removed by whoever goes on after a kill."""

    def same(self, other: Unfinished) -> bool:
        """Whether it is the same recovery, however far each is."""
        return (self.vault, self.snapshot, self.goal) == (other.vault, other.snapshot, other.goal)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a folder."""

    target: Path

    def read(self) -> Unfinished | None:
        """What it says, ``None`` where there is none."""
        try:
            return msgspec.json.decode((self.target / MARK).read_bytes(), type=Unfinished)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, what: Unfinished) -> None:
        """Leave it, whole and durable."""
        part = self.target / f"{MARK}.new"
        with part.open("wb") as file:
            file.write(msgspec.json.encode(what))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.target / MARK)

    def remove(self) -> None:
        """Everything is done."""
        (self.target / MARK).unlink(missing_ok=True)


def begin(
    target: Path, this: Unfinished, *, overwrite: bool, system: int = 0, tablespaces: Iterable[Path] = ()
) -> bool:
    """Take a folder for a recovery; returns whether its server had begun to replay when it was broken off.

    ``system`` is the number of the server that shall lie there, ``tablespaces`` are folders of its that lie elsewhere.
    Raises ``Refusal`` for a folder that is in use, holds something else, or another recovery that is unfinished.
    """
    mark, found = Mark(target), Mark(target).read()
    _refuse_in_use(target / "data")
    if found is None:
        _refuse_foreign(target / "data", system)
        for folder in tablespaces:
            _refuse_filled(folder, overwrite=overwrite)
    if found is not None and not found.same(this) and not overwrite:
        raise Refusal(
            f"another recovery in {target} is unfinished: that of backup {found.snapshot[:8]} to {found.goal}",
            "Run that one again to finish it, give '--overwrite' to begin anew in there, or choose another folder.",
        )
    if found is None and not overwrite and target.exists() and any(target.iterdir()):
        raise Refusal(
            f"{target} is not empty", "Choose an empty folder, or give '--overwrite' to replace what differs."
        )
    if found is not None and found.same(this) and found.replaying:
        return True
    try:
        target.mkdir(parents=True, exist_ok=True)
        mark.write(this)
    except OSError as error:
        raise TargetError(f"{target} cannot be used: {error.strerror}", "Check the path and your access.") from error
    return False


def place(job: RestoreJob, tablespaces: Mapping[str, Path]) -> RestoreOutcome:
    """Restore a base backup; ``tablespaces`` says by number which of them come to lie elsewhere.

    Raises ``DamageError`` where anything of it is lost: a server without a file is no server.
    """
    target, top = Path(job.target), top_of(job.snapshot)
    job.path, job.strip, job.into_non_empty = top, True, True
    job.exclude = tuple(f"/tablespaces/{number}" for number in tablespaces)
    outcome = restore(job)
    lost = [finding for finding in outcome.findings if finding.kind != _OWNERS]
    for number, elsewhere in tablespaces.items():
        part = RestoreJob(job.vault, job.snapshot, str(elsewhere), job.clock, f"{top}/tablespaces/{number}", strip=True)
        part.settings, part.stop, part.into_non_empty = job.settings, job.stop, True
        done = restore(part)
        lost += [finding for finding in done.findings if finding.kind != _OWNERS]
        for name in ("files_created", "files_replaced", "files_kept", "bytes_written", "bytes_kept"):
            setattr(outcome.tally, name, getattr(outcome.tally, name) + getattr(done.tally, name))
        link = target / "data" / "pg_tblspc" / number
        link.unlink(missing_ok=True)
        link.symlink_to(elsewhere)
    if lost:
        raise DamageError(
            f"backup {job.snapshot.short_id} does not come back whole: {lost[0]}, and {len(lost) - 1} more",
            "Begin with an earlier one, '--from SNAPSHOT', and run 'covenant check --read-data'.",
        )
    places = {"data": target / "data", **{f"tablespaces/{number}": path for number, path in tablespaces.items()}}
    for path in strangers(job.vault, job.snapshot, target, places):
        path.unlink(missing_ok=True)
    return outcome


def strangers(vault: Vault, snapshot: Snapshot, target: Path, elsewhere: Mapping[str, Path]) -> Iterator[Path]:
    """Files in the folders of a restored server that its backup does not have: they would be taken for its own."""
    top = top_of(snapshot)
    own = {found.path.removeprefix(top + "/") for found in walk(vault, snapshot, top)}
    folders = {"tablespaces": target / "tablespaces", **elsewhere}
    for name, folder in folders.items():
        for above, below, files in os.walk(folder):
            links = [each for each in below if os.path.islink(os.path.join(above, each))]
            for file in [*files, *links]:
                path = Path(above, file)
                if f"{name}/{path.relative_to(folder)}" not in own:
                    yield path


def elsewhere(said: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, Path]:
    """Which tablespaces come to lie where: ``said`` are their places on the server, ``wanted`` old places to new ones.

    Raises ``UsageError`` for a place that no tablespace had.
    """
    by_place = {place.rstrip("/"): number for number, place in said.items()}
    unknown = [place for place in wanted if place.rstrip("/") not in by_place]
    if unknown:
        known = ", ".join(by_place) or "none"
        raise UsageError(f"the backup has no tablespace at {unknown[0]}", f"It has: {known}.")
    return {by_place[old.rstrip("/")]: Path(new).absolute() for old, new in wanted.items()}


def verify(programs: Programs, data: Path) -> bool:
    """Hold a restored data directory against its manifest; returns whether there is a program for it.

    Raises ``DamageError`` where a file is missing or not what the server sent.
    """
    if not programs.has("pg_verifybackup"):
        return False
    done = subprocess.run(
        [programs.named("pg_verifybackup"), "--no-parse-wal", "--exit-on-error", str(data)],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise DamageError(
            f"the restored data directory is not what the server sent: {said[0] if said else 'no reason given'}",
            "Begin with an earlier backup, '--from SNAPSHOT', and run 'covenant check --read-data'.",
        )
    return True


def _refuse_foreign(data: Path, system: int) -> None:
    """Whatever may be replaced, what is not this server's own data directory never is: all that is strange would go."""
    if not data.exists() or not any(data.iterdir()):
        return
    try:
        with (data / "global" / "pg_control").open("rb") as control:
            there = int.from_bytes(control.read(8), sys.byteorder)
    except OSError:
        there = None
    if there != system:
        what = "is not a data directory" if there is None else "belongs to another server"
        raise Refusal(f"{data} {what}, and would be replaced", "Choose another folder.")


def _refuse_filled(folder: Path, *, overwrite: bool) -> None:
    """A tablespace comes to lie in an empty folder; where it may be replaced, in one that has nothing else."""
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    if names and not (overwrite and all(name.startswith(_VERSION) for name in names)):
        raise Refusal(f"{folder} is not empty", "Give the tablespace a folder of its own.")


def _refuse_in_use(data: Path) -> None:
    """A data directory whose server runs is never written into."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if runs(pid):
        raise Refusal(
            f"a server runs in {data} (process {pid})", "Choose another folder: restoring never goes over a server."
        )
