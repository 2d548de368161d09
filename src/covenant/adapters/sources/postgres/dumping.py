"""The dump grade: a database of a server that does not let itself be replicated, as its own programs write it down.

One transaction holds a snapshot of the database and a lock on every table against being changed in shape; the programs
read at that snapshot, one section after another, and so do the counts. What they put out goes into the vault as it
comes, never to this machine's disk. A program that does not end well fails the backup: there is no half of a dump.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from covenant.adapters.sources.postgres import questions_of_dumps as ask
from covenant.adapters.sources.postgres.address import Address, library
from covenant.adapters.sources.postgres.asking import rows
from covenant.adapters.sources.postgres.client_programs import apart, environment, output_of
from covenant.adapters.sources.postgres.dumped import ABOUT, CONSTRAINTS, DATA, ROLES, SCHEMA, Dump, position_of
from covenant.adapters.sources.postgres.programs import Programs, find_dumping
from covenant.adapters.sources.postgres.refusals import refusal, unreachable
from covenant.adapters.sources.postgres.source import paths_of
from covenant.kernel.clock import Clock
from covenant.kernel.errors import SourceError, TargetError
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress
from covenant.protect.arriving import AS_IT_COMES, Arrival
from covenant.protect.before import Before
from covenant.vault.tree import owner_text

if TYPE_CHECKING:
    from psycopg import Connection

_BLOCK = 2 << 20
_NANO = 1_000_000_000
_SECTIONS = ((SCHEMA, "pre-data"), (DATA, "data"), (CONSTRAINTS, "post-data"))


@dataclass(frozen=True, slots=True)
class PostgresDump:
    """A database of a server; only ``schemas`` of it where some are named.

    ``said`` are folders of programs that the user named, ``variables`` are the process's environment.
    """

    name: str
    address: Address
    clock: Clock = field(repr=False)
    schemas: tuple[str, ...] = ()
    said: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @contextlib.contextmanager
    def receive(self, before: Before | None, stop: threading.Event, progress: Progress) -> Iterator[Dumping]:
        """Begin a dump. Raises ``SourceError``."""
        psycopg = library()
        conninfo = self.address.conninfo(replication=False).decode()
        try:
            with psycopg.connect(conninfo, autocommit=True) as link:
                yield Dumping(self, link, stop, progress)
        except psycopg.Error as error:
            state = getattr(error, "sqlstate", None)
            raise self.refused(state, str(error)) if state else unreachable(self.address, str(error)) from error

    def refused(self, state: str, said: str) -> SourceError:
        """The error where the server does not let itself be read."""
        if state == "42501":
            said = self.address.scrubbed(said)
            return SourceError(f"source '{self.name}' cannot be dumped: {said}", "GRANT pg_read_all_data TO its role;")
        return refusal(self.address, state, said)


class Dumping:
    """One dump, as it is taken."""

    block = _BLOCK

    def __init__(
        self, source: PostgresDump, link: Connection[tuple[Any, ...]], stop: threading.Event, progress: Progress
    ) -> None:
        self.paths = paths_of(source.name)
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.position = ""
        self.moment: datetime = source.clock.now()
        self._source = source
        self._link = link
        self._stop = stop
        self._progress = progress
        self._owner = owner_text(0, 0, "", "")
        ask.begin(link)
        self._at = ask.standing(link)
        self._programs = self._found_programs()
        self._tables = ask.tables(link, source.schemas)
        self._refuse_missing()
        ask.hold(link, self._tables)

    def arrivals(self) -> Iterator[Arrival]:
        """Every file, what it is of last. Raises ``SourceError`` where one of them cannot be had whole."""
        conninfo, secret = apart(self._source.address.conninfo(replication=False).decode())
        variables = environment(self._source.variables, secret)
        counted = {each.text: ask.count(self._link, each) for each in self._tables if each.dumped}
        yield self._output(ROLES, self._of_roles(conninfo), variables)
        for name, section in _SECTIONS:
            yield self._output(name, self._of_section(conninfo, section), variables)
        said = self._said(counted)
        self._remark(said)
        document = msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"
        top = self.paths[0]
        yield Arrival(f"{top}/{ABOUT}", "file", 0o600, self._mtime, self._owner, len(document), iter([document]))
        yield Arrival(top, "dir", 0o700, self._mtime, self._owner)
        self.position = position_of(self._at.place)

    # -- what is run ----------------------------------------------------------------------------------------------

    def _of_roles(self, conninfo: str) -> list[str]:
        secret = [] if self._at.passwords else ["--no-role-passwords"]
        return [
            self._programs.named("pg_dumpall"),
            "--roles-only",
            *secret,
            f"--dbname={conninfo}",
            f"--database={self._at.database}",
            "--no-password",
        ]

    def _of_section(self, conninfo: str, section: str) -> list[str]:
        large = ["--blobs"] if not self._source.schemas else []
        return [
            self._programs.named("pg_dump"),
            "--format=plain",
            f"--section={section}",
            f"--snapshot={self._at.snapshot}",
            "--no-tablespaces",
            "--no-password",
            *large,
            *(f"--schema={ask.exactly(name)}" for name in self._source.schemas),
            f"--dbname={conninfo}",
        ]

    def _output(self, name: str, command: list[str], variables: Mapping[str, str]) -> Arrival:
        pieces = self._counted(output_of(command, variables, self._stop, self._failed(name)))
        return Arrival(f"{self.paths[0]}/{name}", "file", 0o600, self._mtime, self._owner, AS_IT_COMES, pieces)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, each told to whoever watches."""
        for piece in pieces:
            self._progress.advance(bytes=len(piece))
            yield piece
        self._progress.advance(files=1)

    def _failed(self, name: str) -> Callable[[str], SourceError]:
        def error(said: str) -> SourceError:
            source = self._source
            return SourceError(
                f"source '{source.name}' cannot be dumped ({name}): {source.address.scrubbed(said)}",
                "Nothing was kept of it as a snapshot. Mend what the server says, and run the backup again.",
            )

        return error

    def _found_programs(self) -> Programs:
        source = self._source
        search_path = source.variables.get("PATH", "")
        try:
            return find_dumping(self._at.version // 10000, source.said, search_path)
        except TargetError as error:
            raise SourceError(f"source '{source.name}' cannot be dumped: {error.message}", error.hint) from error

    def _refuse_missing(self) -> None:
        """A schema that is not there is a mistake in writing, and must not make an empty dump."""
        there = {name for (name,) in rows(self._link, "SELECT nspname FROM pg_namespace")}
        missing = [name for name in self._source.schemas if name not in there]
        if missing:
            raise SourceError(f"source '{self._source.name}' has no schema '{missing[0]}'", "Check 'schemas'.")

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def _mtime(self) -> int:
        return int(self.moment.timestamp()) * _NANO

    def _said(self, counted: dict[str, int]) -> Dump:
        at, source = self._at, self._source
        return Dump(
            source=source.name,
            server_version=at.version,
            dumped_by=self._programs.major,
            database=at.database,
            encoding=at.encoding,
            taken=at.taken.isoformat(),
            place=at.place,
            schemas=list(source.schemas),
            roles=ask.roles(self._link),
            superuser=at.superuser,
            passwords=at.passwords,
            tables=counted,
            left_out=list(ask.left_out(self._link, at, source.schemas)),
        )

    def _remark(self, said: Dump) -> None:
        self.notes.append(
            f"dumped by pg_dump {said.dumped_by} at {said.place}: what was committed since the last dump can be lost"
        )
        self.notes += [f"left out: {text}" for text in said.left_out]
