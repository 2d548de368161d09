"""A dump brought back as a server of its own: made, loaded, asked where nobody else reaches it, stopped."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.adapters.sources.postgres.asking import connected
from covenant.adapters.sources.postgres.dumped import Dump
from covenant.adapters.sources.postgres.loading import Loading, load
from covenant.adapters.sources.postgres.probing import Wanted, probe
from covenant.adapters.sources.postgres.programs import Programs, find_programs
from covenant.adapters.sources.postgres.server import PrivateServer, running
from covenant.adapters.sources.postgres.server_user import user_for
from covenant.kernel.answers import Answer
from covenant.kernel.clock import Clock
from covenant.kernel.errors import TargetError
from covenant.kernel.progress import Progress
from covenant.recover.job import Tally

if TYPE_CHECKING:
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What is brought back, and where to. ``wanted`` is what the user asks of it."""

    vault: Vault
    snapshot: Snapshot
    dump: Dump
    target: Path
    clock: Clock
    said: tuple[Path, ...]
    search_path: str
    wanted: Wanted | None
    progress: Progress
    stop: threading.Event = field(repr=False)


def rebuild(this: Rebuilding) -> tuple[Tally, Mapping[str, float], tuple[Answer, ...]]:
    """Bring it back; what was written, how long each step took, and what it answers.

    Raises ``DamageError`` where something is lost or rows are missing, ``TargetError``, ``Interrupted``.
    """
    clock, data = this.clock, this.target / "data"
    programs = find_programs(this.dump.dumped_by, this.said, this.search_path)
    role = this.dump.superuser.removeprefix('"').removesuffix('"').replace('""', '"')
    began = clock.monotonic()
    _make(this, programs, data, role)
    with running(data, clock, role, programs=programs) as server:
        _make_database(this, server, role)
        load(
            Loading(
                this.vault,
                this.snapshot,
                this.dump,
                server.conninfo(this.dump.database, role),
                programs,
                progress=this.progress,
                stop=this.stop,
            )
        )
        loaded = clock.monotonic()
        wanted = replace(this.wanted or Wanted(), database=this.dump.database, rows=this.dump.tables)
        answers = probe(server, (role,), wanted)
    steps = {"restore": loaded - began, "validate": clock.monotonic() - loaded}
    size = int((this.snapshot.summary or {}).get("total_bytes_processed", 0))
    return Tally(files_created=len(this.dump.tables), bytes_written=size), steps, answers


def _make(this: Rebuilding, programs: Programs, data: Path, role: str) -> None:
    """An empty server, which sorts by bytes: the original's collation need not be on this machine."""
    data.parent.mkdir(mode=0o755, exist_ok=True)
    data.mkdir(mode=0o700)
    user = user_for(data)
    user.refuse_unreachable(data)
    user.give(data)
    words = [f"--username={role}", "--auth=trust", f"--encoding={this.dump.encoding}", "--locale=C", "--no-sync"]
    done = subprocess.run(
        [programs.named("initdb"), f"--pgdata={data}", *words],
        capture_output=True,
        text=True,
        errors="replace",
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        cwd="/",
        check=False,
        **user.process,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TargetError(f"no server can be made in {data}: {said}", "Look at the programs of PostgreSQL there.")


def _make_database(this: Rebuilding, server: PrivateServer, role: str) -> None:
    from psycopg import sql

    if this.dump.database == "postgres":
        return
    with connected(server, "postgres", role) as link:
        link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(this.dump.database)))
