"""What a server went through, kept in a vault: backups, its log, and a ledger that says what was committed when."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from covenant.adapters.sources.postgres.asking import connected, rows, superuser_of
from covenant.adapters.sources.postgres.recovering import Recovered, RecoveryJob, recovered
from covenant.adapters.sources.postgres.server import PrivateServer
from covenant.adapters.sources.postgres.shelf import Shelf
from covenant.recover.goal import Goal
from covenant.recover.route import choose_route
from covenant.vault.pieces import BaseBackup, bases, try_snapshots
from covenant.vault.vault import Vault
from tests.adapters.sources.postgres.ledger import READ, Ledger
from tests.adapters.sources.postgres.logged import Logged, until
from tests.servers.postgres import MANAGED, SUPERUSER, PostgresServer
from tests.vaults import CLOCK


@dataclass(slots=True)
class History:
    """A source whose server, vault and ledger are known."""

    kept: Logged
    ledger: Ledger
    home: Path

    def backup(self, kind: str = "full") -> None:
        """Take a backup, which must go well."""
        ran = self.kept.run("backup", "accounts", f"--{kind}")
        assert 0 == ran.code, ran.err

    def settle(self) -> None:
        """Wait until everything that was committed is in the vault."""
        last = self.ledger.lines[-1].place
        until(lambda: self.kept.reached >= last, 60)

    def job(self, goal: Goal, name: str, vault: Vault | None = None) -> RecoveryJob:
        """A recovery to a goal, into a folder of that name."""
        vault = vault or self.kept.vault
        snapshots, _ = try_snapshots(vault)
        shelf = Shelf(vault, "accounts", snapshots)
        route = choose_route(goal, self.bases, shelf.pieces, shelf.lineages, "accounts")
        job = RecoveryJob(vault, shelf, route, self.home / name, CLOCK)
        job.roles, job.said = (MANAGED,), (self.kept.server.programs,)
        return job

    @property
    def bases(self) -> list[BaseBackup]:
        """The base backups."""
        return bases(try_snapshots(self.kept.vault)[0], "accounts")

    def recovered(self, goal: Goal, name: str) -> tuple[list[int], Recovered]:
        """Recover to a goal: what the ledger has there, and what the recovery came to. The folder is removed."""
        with recovered(self.job(goal, name)) as (server, done):
            found = self.entries(server)
        shutil.rmtree(self.home / name)
        return found, done

    def entries(self, server: PrivateServer) -> list[int]:
        """What the ledger has in a restored server."""
        with connected(server, self.ledger.database, superuser_of(server, [SUPERUSER])) as link:
            return list(rows(link, READ)[0][0])


@contextmanager
def a_history(server: PostgresServer) -> Iterator[History]:
    """A server with a ledger, its log and its backups kept in a new vault."""
    home = Path(tempfile.mkdtemp(prefix="covenant-history-"))
    home.chmod(0o755)
    slot = f"history_{home.name[-8:].lower()}"
    kept = Logged(server, home, slot)
    try:
        yield History(kept, Ledger(server), home)
    finally:
        server.run(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}'")
        shutil.rmtree(home, ignore_errors=True)
