"""What a data directory says of itself, read by PostgreSQL's own ``pg_controldata``.

A server that replays a log must allow at least as many connections, workers and locks as the one that wrote it; the
control file tells how many those were.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from covenant.adapters.sources.postgres.programs import Programs
from covenant.kernel.errors import DamageError, TargetError

_SETTINGS = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
    "track_commit_timestamp setting": "track_commit_timestamp",
}
_ANSWERS_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class ControlFile:
    """The control file of one data directory."""

    fields: dict[str, str]

    @property
    def state(self) -> str:
        """Such as ``shut down`` or ``in archive recovery``."""
        return self.fields.get("Database cluster state", "")

    @property
    def checksums(self) -> bool:
        """Whether data pages carry checksums."""
        return self.fields.get("Data page checksum version", "0") != "0"

    @property
    def system(self) -> str:
        """The cluster's identity, the same in all its copies."""
        return self.fields.get("Database system identifier", "")

    @property
    def segment_size(self) -> int:
        """Bytes of one segment of the log."""
        return int(self.fields.get("Bytes per WAL segment", "16777216"))

    @property
    def inherited(self) -> dict[str, str]:
        """The settings below which a server refuses to replay this cluster's log."""
        return {name: self.fields[field] for field, name in _SETTINGS.items() if field in self.fields}


def read_control(programs: Programs, data: Path) -> ControlFile:
    """The control file of a data directory. Raises ``DamageError`` where it is none that can be read."""
    try:
        done = subprocess.run(
            [programs.named("pg_controldata"), "-D", data],
            capture_output=True,
            text=True,
            env={"LC_ALL": "C"},
            timeout=_ANSWERS_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(f"{data} cannot be looked at: {error}") from error
    if done.returncode or "CRC" in done.stdout.partition("\n")[0] or "CRC" in done.stderr:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise DamageError(f"the control file of {data} cannot be read: {said[0] if said else 'no reason given'}")
    pairs = (line.partition(":") for line in done.stdout.splitlines())
    return ControlFile({name: value.strip() for name, _, value in pairs})


def major_of(data: Path) -> int:
    """The major version that wrote a data directory. Raises ``DamageError``."""
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except (OSError, ValueError) as error:
        raise DamageError(
            f"{data} is no data directory of PostgreSQL: PG_VERSION cannot be read", "Check the folder."
        ) from error
