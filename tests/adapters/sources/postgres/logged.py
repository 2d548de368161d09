"""A server whose change log is kept: the server, a vault, and the program that follows it."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from covenant.adapters.sources.postgres.shelf import Shelf, read_shelf
from covenant.adapters.sources.postgres.wal import segment_at
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.spans import parse_place
from covenant.vault.vault import Vault, open_vault
from tests.cli.running import Ran, apart, ended, here, started
from tests.servers.postgres import PostgresServer
from tests.vaults import PASSWORD, a_store, a_vault

_numbers = itertools.count(1)


@dataclass(slots=True)
class Logged:
    """One source of one server, with a vault of its own."""

    server: PostgresServer
    home: Path
    slot: str
    more: str = ""
    _database: str = field(default="", init=False)

    def __post_init__(self) -> None:
        a_vault(a_store(self.home / "vault"))
        for name, secret in (("password", PASSWORD), ("url", self.server.managed_url())):
            (self.home / name).write_text(secret + "\n")
            (self.home / name).chmod(0o600)
        self.write_config()

    def write_config(self) -> None:
        """The covenant.toml, naming the server as it is now."""
        (self.home / "url").write_text(self.server.managed_url())
        (self.home / "covenant.toml").write_text(
            f"""
            [vault]
            url = "./vault"
            password = {{ file = "./password" }}

            [sources.accounts]
            kind = "postgres"
            url = {{ file = "./url" }}
            class = "critical"
            log_interval = "1s"
            slot = "{self.slot}"
            {self.more}
            """
        )

    @property
    def vault(self) -> Vault:
        """The vault, opened anew."""
        return open_vault(PosixStore(self.home / "vault"), PASSWORD)

    @property
    def shelf(self) -> Shelf:
        """The log as the vault has it now."""
        return read_shelf(self.vault, "accounts")

    @property
    def reached(self) -> int:
        """Up to which place the vault has the log."""
        return max((piece.span.end for piece in self.shelf.pieces), default=0)

    # -- the program ----------------------------------------------------------------------------------------------

    def streamer(self) -> subprocess.Popen[str]:
        """``covenant log stream`` as a process of its own."""
        return started(self.home, "--no-cache", "log", "stream", "accounts", "--json")

    @contextmanager
    def streaming(self) -> Iterator[subprocess.Popen[str]]:
        """The same, stopped with SIGTERM at the end; it must have gone well."""
        process = self.streamer()
        try:
            yield process
        finally:
            process.terminate()
            ran = ended(process)
        assert ran.code in (0, 1), ran.err

    def run(self, *words: object) -> Ran:
        """A command of the program, in this process."""
        return here("-c", self.home / "covenant.toml", "--no-cache", *words)

    def apart(self, *words: object) -> Ran:
        """A command as a process of its own."""
        return apart(self.home, "--no-cache", *words)

    # -- the server -----------------------------------------------------------------------------------------------

    def flushed(self) -> int:
        """How far the server's log has come."""
        return parse_place(str(self.server.run("SELECT pg_current_wal_flush_lsn()")[0][0]))

    def log_something(self, size: int = 200_000) -> int:
        """Have the server log so many bytes that do not shrink; where its log ends then."""
        name = f"noise_{os.getpid()}_{next(_numbers)}"
        self.server.run(f"CREATE TABLE {name} AS SELECT gen_random_uuid() u FROM generate_series(1, {size // 48})")
        return self.flushed()

    def server_bytes(self, timeline: int, begin: int, end: int) -> bytes:
        """What the server itself has of its log; it must not have let go of it."""
        found = bytearray()
        while begin < end:
            segment = segment_at(timeline, begin)
            content = (self.server.data / "pg_wal" / segment.name).read_bytes()
            upto = min(end, segment.end)
            found += content[begin - segment.begin : upto - segment.begin]
            begin = upto
        return bytes(found)

    def kept_bytes(self, timeline: int, begin: int, end: int) -> bytes:
        """What the vault has of it, file by file, as a recovering server is given it."""
        shelf, found = self.shelf, bytearray()
        while begin < end:
            segment = segment_at(timeline, begin)
            there = shelf.find(segment.name)
            assert there is not None, segment.name
            content, upto = shelf.read(there), min(end, segment.end)
            found += content[begin - segment.begin : upto - segment.begin]
            begin = upto
        return bytes(found)


def until(what: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    late = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < late, "it did not come to hold"
        time.sleep(0.05)
