"""Who keeps a PostgreSQL server, each told to do the same work in its own words.

Every peer is on the server's own machine, as pgBackRest wants to be. It alone reads the data directory; Covenant and
Barman have a connection and nothing else. pgBackRest compresses with zstd 3 and encrypts, as Covenant does; Barman
keeps the files as they are, which is how it comes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError
from bench.meter import Command
from bench.peers import PASSWORD, environment
from tests.servers import postgres
from tests.servers.postgres import SUPERUSER, PostgresServer, give_away


class PostgresPeer(Protocol):
    """One program, one server. A home is made anew for each repetition."""

    @property
    def name(self) -> str: ...

    def archive_command(self, home: Path) -> str:
        """What the server runs for each finished file of its log, while it is this peer's turn."""

    def create(self, home: Path) -> tuple[Command, ...]: ...

    def backup(self, home: Path, kind: str) -> tuple[Command, ...]:
        """A ``full`` or an ``incremental`` one."""

    def restore(self, home: Path, target: Path) -> tuple[Command, ...]:
        """The newest, as a data directory somewhere below the empty folder ``target``."""


@dataclass(frozen=True, slots=True)
class Covenant:
    """Ourselves: one connection string, as a role that may replicate and is no superuser."""

    server: PostgresServer
    outer: Mapping[str, str]
    program: str
    name: str = "covenant"

    def archive_command(self, home: Path) -> str:
        return "/bin/true"

    def create(self, home: Path) -> tuple[Command, ...]:
        (home / "password").write_text(PASSWORD)
        (home / "covenant.toml").write_text(
            '[vault]\nurl = "repository"\npassword = { file = "password" }\n'
            '[sources.shop]\nkind = "postgres"\nurl = { env = "SHOP" }\nclass = "important"\n'
        )
        return (self._say(home, "init"),)

    def backup(self, home: Path, kind: str) -> tuple[Command, ...]:
        return (self._say(home, "backup", "shop", f"--{kind}"),)

    def restore(self, home: Path, target: Path) -> tuple[Command, ...]:
        return (self._say(home, "restore", "latest", "/shop", "--target", str(target)),)

    def _say(self, home: Path, *words: str) -> Command:
        own = environment(home, self.outer) | {"SHOP": self.server.managed_url()}
        return Command((self.program, "-c", str(home / "covenant.toml"), *words), own)


@dataclass(frozen=True, slots=True)
class PgBackRest:
    """pgBackRest, as the user that the server runs as, with a process for each core."""

    server: PostgresServer
    outer: Mapping[str, str]
    name: str = "pgbackrest"

    def archive_command(self, home: Path) -> str:
        return f"pgbackrest --config={home}/pgbackrest.conf --stanza=shop archive-push %p"

    def create(self, home: Path) -> tuple[Command, ...]:
        server = self.server
        (home / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={home}/repository\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass={PASSWORD}\n"
            f"compress-type=zst\ncompress-level=3\nprocess-max={len(os.sched_getaffinity(0))}\nstart-fast=y\n"
            f"log-level-file=off\nlog-level-console=warn\nlock-path={home}/tmp\nspool-path={home}/tmp\n"
            f"[shop]\npg1-path={server.data}\npg1-port={server.port}\npg1-socket-path={server.folder}\n"
            f"pg1-user={SUPERUSER}\npg1-database=postgres\n"
        )
        for path in (home, *home.rglob("*")):
            give_away(path)
        return (self._say(home, "stanza-create"),)

    def backup(self, home: Path, kind: str) -> tuple[Command, ...]:
        return (self._say(home, "backup", f"--type={kind[:4]}"),)

    def restore(self, home: Path, target: Path) -> tuple[Command, ...]:
        give_away(target)
        target.chmod(0o700)
        return (self._say(home, "restore", f"--pg1-path={target}"),)

    def _say(self, home: Path, *words: str) -> Command:
        said = ("pgbackrest", f"--config={home}/pgbackrest.conf", "--stanza=shop", *words)
        return Command((*_as_postgres(), *said), environment(home, self.outer))


@dataclass(frozen=True, slots=True)
class Barman:
    """Barman over the wire (``backup_method = postgres``), which runs PostgreSQL's own ``pg_basebackup``."""

    server: PostgresServer
    outer: Mapping[str, str]
    program: str
    name: str = "barman"

    def archive_command(self, home: Path) -> str:
        return f"cp %p {home}/repository/shop/incoming/%f"

    def create(self, home: Path) -> tuple[Command, ...]:
        server = self.server
        place = f"host={server.folder} port={server.port} user={SUPERUSER} dbname=postgres"
        user = "postgres" if _as_postgres() else "root" if os.geteuid() == 0 else os.environ["USER"]
        (home / "barman.conf").write_text(
            f"[barman]\nbarman_home={home}/repository\nbarman_user={user}\nlog_file={home}/barman.log\n"
            f"barman_lock_directory={home}/tmp\ncloud_staging_directory={home}/tmp\nimmediate_checkpoint=true\n"
            f"[shop]\nconninfo={place}\nstreaming_conninfo={place}\nbackup_method=postgres\narchiver=on\n"
            f"streaming_archiver=off\npath_prefix={server.programs}\nactive=true\n"
        )
        (home / "repository" / "shop" / "incoming").mkdir(parents=True)
        for path in (home, *home.rglob("*")):
            give_away(path)
        return (self._say(home, "switch-wal", "--force", "--archive", "shop"),)

    def backup(self, home: Path, kind: str) -> tuple[Command, ...]:
        parent = ("--incremental", "last-full") if kind != "full" and self.server.version >= 17 else ()
        return (self._say(home, "backup", *parent, "shop"),)

    def restore(self, home: Path, target: Path) -> tuple[Command, ...]:
        give_away(target)
        return (self._say(home, "restore", "--no-get-wal", "shop", "latest", str(target)),)

    def _say(self, home: Path, *words: str) -> Command:
        said = (self.program, "-c", f"{home}/barman.conf", *words)
        return Command((*_as_postgres(), *said), environment(home, self.outer))


def _as_postgres() -> tuple[str, ...]:
    """How root runs a program as the server's user."""
    return ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()


def choose(
    names: list[str], server: PostgresServer, outer: Mapping[str, str], covenant: str, barman: str
) -> list[PostgresPeer]:
    """The peers of these names. Raises BenchError for one that is unknown or not installed."""
    known: dict[str, tuple[PostgresPeer, str]] = {
        "covenant": (Covenant(server, outer, covenant), covenant),
        "pgbackrest": (PgBackRest(server, outer), "pgbackrest"),
        "barman": (Barman(server, outer, barman), barman),
    }
    for name in names:
        if name not in known:
            raise BenchError(f"no peer '{name}'; there are {', '.join(known)}")
        if shutil.which(known[name][1]) is None:
            raise BenchError(f"'{known[name][1]}' is not installed (Debian: pgbackrest; PyPI: barman); use --peers")
    return [known[name][0] for name in names]


def start(which: str) -> PostgresServer:
    """A server with an archive, and rows for those who need more than an ordinary one."""
    server = postgres.start(which, archive_mode="on", shared_buffers="256MB", max_wal_size="4GB")
    with (server.data / "pg_hba.conf").open("a") as rows:
        rows.write("local all all trust\nlocal replication all trust\n")
    server.crash()
    server.options["unix_socket_directories"] = str(server.folder)
    server.start_again()
    server.set("archive_command", "/bin/true")
    if server.version >= 17:
        server.set("summarize_wal", "on")
    return server
