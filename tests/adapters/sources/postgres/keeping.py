"""Servers kept in vaults of their own, brought back by restic or by ourselves, and started."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.source import PostgresSource
from covenant.adapters.stores.posix import PosixStore
from covenant.protect.backup import Job, Outcome, Settings, backup
from covenant.recover.job import RestoreJob
from covenant.recover.job import Settings as RestoreSettings
from covenant.recover.restore import restore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.oracle.program import Restic
from tests.servers.postgres import PostgresServer, give_away, start_from
from tests.vaults import CLOCK, OWNER, PASSWORD, a_store, a_vault

SUMS = """SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),
                 (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0) FROM pgbench_history)"""
"""Four numbers that are one and the same in every state that pgbench's transactions leave behind."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A server, and the vault that it is kept in."""

    server: PostgresServer
    store: PosixStore
    vault: Vault
    folder: Path
    """Where a server can be started that is not root's."""

    def backup(
        self,
        parent: Snapshot | None = None,
        *,
        url: str = "",
        kind: str = "incremental",
        max_rate: int | None = None,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Keep the server, over a connection as a provider's customer has it."""
        address = Address("shop", url or self.server.managed_url())
        source = PostgresSource("shop", address, CLOCK, max_rate)
        job = Job(source, self.vault, self.store, OWNER, CLOCK, kind=kind, parent=parent, settings=Settings(lanes=2))
        job.stop = stop or job.stop
        return backup(job)

    def restic(self) -> Restic:
        """The stock program, on the vault."""
        return Restic(self.folder / "vault", PASSWORD)

    def by_restic(self, snapshot: Snapshot) -> Path:
        """The data directory of a snapshot, as the stock program restores it."""
        target = self._target(f"restic-{snapshot.short_id}")
        self.restic().run("restore", snapshot.id, "--target", str(target))
        return self._reachable(target)

    def by_us(self, snapshot: Snapshot) -> Path:
        """The data directory of a snapshot, as we restore it."""
        target = self._target(f"ours-{snapshot.short_id}")
        unhurried = RestoreSettings(flush=lambda folder: None)  # nothing of it is to outlive the run
        outcome = restore(RestoreJob(self.vault, snapshot, str(target), CLOCK, settings=unhurried))
        assert () == outcome.findings
        return self._reachable(target)

    def verified(self, data: Path) -> bool:
        """Whether PostgreSQL's own program finds nothing wrong with a data directory."""
        return "successfully verified" in self.server.program("pg_verifybackup", data).stdout

    @contextmanager
    def started(self, data: Path) -> Iterator[PostgresServer]:
        """A server on a restored data directory."""
        which = "new" if self.server.version >= 18 else "system"
        server = start_from(data, which)
        try:
            yield server
        finally:
            server.stop()

    def _target(self, name: str) -> Path:
        target = self.folder / name
        target.mkdir(mode=0o755)
        return target

    def _reachable(self, target: Path) -> Path:
        target.chmod(0o755)
        for path in [target / "shop", *(target / "shop").rglob("*")]:
            give_away(path)
        return target / "shop" / "data"


@contextmanager
def kept(server: PostgresServer) -> Iterator[Kept]:
    """A server, and a new vault for it, in a folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="covenant-kept-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        store = a_store(Path(folder) / "vault")
        yield Kept(server, store, a_vault(store), Path(folder))


def with_accounts(server: PostgresServer, scale: int = 1) -> str:
    """The address of a database that pgbench has filled."""
    url = server.new_database()
    server.program("pgbench", "-i", "-q", "-s", scale, url)
    return url


def name_of(url: str) -> str:
    """The database that an address leads to."""
    return url.rpartition("/")[2]


def nobody_is_sent_to(server: PostgresServer, within: float) -> bool:
    """Whether a server soon has neither a slot nor anyone to whom it sends."""
    left = "SELECT (SELECT count(*) FROM pg_stat_replication) + (SELECT count(*) FROM pg_replication_slots)"
    until = time.monotonic() + within
    while not (gone := server.run(left) == [(0,)]) and time.monotonic() < until:
        time.sleep(0.05)
    return gone
