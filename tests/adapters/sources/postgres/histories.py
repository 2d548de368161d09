"""What a server went through, kept in a vault: backups, its log, and a ledger that says what was committed when."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covenant.adapters.sources.postgres.asking import connected, rows
from covenant.adapters.sources.postgres.programs import Programs
from covenant.adapters.sources.postgres.server import running
from tests.adapters.sources.postgres.ledger import READ, Ledger
from tests.adapters.sources.postgres.logged import Logged, until
from tests.cli.running import Ran, ended, here
from tests.servers.postgres import NEW, SUPERUSER, PostgresServer, start
from tests.vaults import CLOCK

_DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}'"


@dataclass(slots=True)
class History:
    """A source whose server, vault and ledger are known."""

    kept: Logged
    ledger: Ledger
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which the server's programs are found."""
        return {"COVENANT_POSTGRES_PROGRAMS": str(self.kept.server.programs), "PATH": os.environ["PATH"]}

    def backup(self, kind: str = "full") -> None:
        """Take a backup, which must go well."""
        ran = self.kept.run("backup", "accounts", f"--{kind}")
        assert 0 == ran.code, ran.err

    def settle(self) -> None:
        """Wait until everything that was committed is in the vault."""
        last = self.ledger.lines[-1].place
        until(lambda: self.kept.reached >= last, 60)

    def restore(self, *words: object, vault: Path | None = None) -> Ran:
        """``covenant restore accounts``, which reports as JSON; from another vault where one is named."""
        other = ("--vault", vault, "--password-file", self.home / "password") if vault else ()
        command = ("-c", self.home / "covenant.toml", *other, "--no-cache", "restore", "accounts", *words, "--json")
        return here(*command, variables=self.variables)

    def restored(self, *words: object) -> tuple[list[int], dict[str, Any]]:
        """Restore into a folder that is removed again: what the ledger has there, and the report."""
        target = self.home / "restored"
        ran = self.restore(*words, "--target", target)
        assert 0 == ran.code, ran.err + ran.out
        found = self.entries(target / "data")
        shutil.rmtree(target)
        return found, ran.document

    def entries(self, data: Path) -> list[int]:
        """What the ledger has in a restored data directory, whose server is started for it."""
        programs = Programs(self.kept.server.version, self.kept.server.programs)
        with (
            running(data, CLOCK, SUPERUSER, programs=programs) as server,
            connected(server, self.ledger.database, SUPERUSER) as link,
        ):
            return list(rows(link, READ)[0][0])


@contextmanager
def a_history(server: PostgresServer) -> Iterator[History]:
    """A server with a ledger, its log and its backups kept in a new vault."""
    home = Path(tempfile.mkdtemp(prefix="covenant-history-"))
    home.chmod(0o755)
    slot = f"history_{os.getpid()}_{server.version}"
    kept = Logged(server, home, slot)
    try:
        yield History(kept, Ledger(server), home)
    finally:
        kept.server.run(_DROP.format(slot=slot))
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def a_busy_history(which: str) -> Iterator[History]:
    """A server under load: a full backup, a streamer killed in the middle, an incremental one, a crash, and more."""
    server = start(which, **({"summarize_wal": "on"} if which == NEW else {}))
    try:
        with a_history(server) as found:
            _live_through(found)
            yield found
    finally:
        server.stop()


def _live_through(history: History) -> None:
    server, kept, ledger = history.kept.server, history.kept, history.ledger
    url = server.new_database()
    server.program("pgbench", "-i", "-q", url)
    killed = kept.streamer()
    until(lambda: kept.reached > 0, 60)
    history.backup()
    load = server.workload(url, 30)
    with ledger.growing():
        time.sleep(0.4)
        killed.kill()
        ended(killed)
    with kept.streaming(), ledger.growing():
        time.sleep(0.2)
        history.backup("incremental")
        time.sleep(0.2)
    load.terminate()
    load.wait()
    server.crash()
    server.start_again()
    with kept.streaming():
        ledger.commit(5)
        ledger.restore_point("before the mistake")
        ledger.commit(5)
        time.sleep(0.02)
        server.run("SELECT pg_create_restore_point('no commit')")
        until(lambda: kept.reached >= kept.flushed(), 60)
