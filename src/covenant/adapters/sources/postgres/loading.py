"""Loading a dump into a database, by ``psql``: each file in one transaction, stopped at the first error.

The files go from the vault into the program as they are read; nothing is staged on disk. Afterwards every table is
counted, and held against what was counted when the dump was taken.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from covenant.adapters.sources.postgres.about import top_of
from covenant.adapters.sources.postgres.address import library
from covenant.adapters.sources.postgres.asking import rows
from covenant.adapters.sources.postgres.client_programs import apart, environment, fed
from covenant.adapters.sources.postgres.dumped import CONSTRAINTS, DATA, ROLES, SCHEMA, Dump
from covenant.adapters.sources.postgres.programs import Programs
from covenant.kernel.errors import DamageError, Interrupted, Refusal, TargetError
from covenant.kernel.progress import Progress, Silent
from covenant.recover.dump import contents
from covenant.recover.listing import resolve

if TYPE_CHECKING:
    from psycopg import Connection

    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

_THERE = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY 1
"""
_NAME = rb'("(?:[^"]|"")+"|[^\s;]+)'
_GRANT = re.compile(rb"GRANT " + _NAME + rb" TO " + _NAME)


@dataclass(slots=True)
class Loading:
    """What is loaded, and into what. ``conninfo`` leads to the database, and may hold a password."""

    vault: Vault
    snapshot: Snapshot
    dump: Dump
    conninfo: str = field(repr=False)
    programs: Programs
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    overwrite: bool = False
    """Whether the database may hold something already; what is in the way stops the work all the same."""
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)


def load(this: Loading) -> dict[str, int]:
    """Load it; how many rows each table has there now.

    Raises ``Refusal`` for a database that is not empty, ``TargetError`` where something stops it, ``DamageError``.
    """
    psycopg = library()
    try:
        with psycopg.connect(this.conninfo, autocommit=True) as link:
            there = [str(name) for (name,) in rows(link, _THERE)]
            if there and not this.overwrite:
                raise Refusal(
                    f"the database is not empty: there is {there[0]}"
                    + (f", and {len(there) - 1} more" * (len(there) > 1)),
                    "Name an empty one, or give '--overwrite' to load it beside what is there.",
                )
            known = {str(name) for (name,) in rows(link, "SELECT quote_ident(rolname) FROM pg_roles")}
            _run(this, ROLES, without=known & set(this.dump.roles))
            for name in (SCHEMA, DATA, CONSTRAINTS):
                _run(this, name)
            return _counted(this, link)
    except psycopg.Error as error:
        raise TargetError(f"the database cannot be loaded: {_plain(this, str(error))}", "Check '--into'.") from error


def _run(this: Loading, name: str, without: set[str] | None = None) -> None:
    conninfo, secret = apart(this.conninfo)
    command = [
        this.programs.named("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--single-transaction",
        f"--dbname={conninfo}",
        *_beforehand(this, name),
        "--file=-",
    ]

    def feed(out: IO[bytes]) -> None:
        pieces = _pieces(this, name)
        for piece in _missing(pieces, without, this.dump.superuser) if without is not None else pieces:
            if this.stop.is_set():
                raise Interrupted("the restore was stopped")
            out.write(piece)
            this.progress.advance(bytes=len(piece))

    code, said = fed(command, environment(this.variables, secret), feed)
    if code:
        raise TargetError(
            f"{name} of snapshot {this.snapshot.short_id} cannot be loaded: {_plain(this, said)}",
            "Nothing of that file was kept there; what came before it was. Mend it, and begin with an empty database.",
        )
    this.progress.advance(files=1)


def _beforehand(this: Loading, name: str) -> list[str]:
    """A dump of named schemas makes ``public`` itself, which every new database has."""
    if name == SCHEMA and "public" in this.dump.schemas and not this.overwrite:
        return ["--command=DROP SCHEMA IF EXISTS public"]
    return []


def _pieces(this: Loading, name: str) -> Iterator[bytes]:
    chain = resolve(this.vault, this.snapshot, f"{top_of(this.snapshot)}/{name}")
    return contents(this.vault, chain[-1][1])


def _missing(pieces: Iterator[bytes], there: set[str], superuser: str) -> Iterator[bytes]:
    """What makes the roles that are not there yet: one that is there is left as it is.

    What the original's first superuser granted is granted by whoever loads it.
    """
    starts = tuple(start.encode() for name in there for start in (f"CREATE ROLE {name};", f"ALTER ROLE {name} "))
    granted = f" GRANTED BY {superuser};\n".encode()
    for line in b"".join(pieces).splitlines(keepends=True):
        member = _GRANT.match(line)
        if member and {member[1].decode(), member[2].decode()} <= there:
            continue
        if not (starts and line.startswith(starts)):
            yield line.replace(granted, b";\n") if member else line


def _counted(this: Loading, link: Connection[tuple[Any, ...]]) -> dict[str, int]:
    """Rows of every table, as they were and as they are. Raises ``DamageError`` where they differ."""
    found: dict[str, int] = {}
    for table, wanted in this.dump.tables.items():
        found[table] = int(rows(link, f"SELECT count(*) FROM ONLY {table}")[0][0])
        if found[table] != wanted:
            raise DamageError(
                f"{table} has {found[table]:,} rows there, and {wanted:,} were counted when it was dumped",
                "Someone may have written to it meanwhile, or it held rows before: compare the two.",
            )
    return found


def _plain(this: Loading, said: str) -> str:
    """What was said, without the password."""
    for secret in apart(this.conninfo)[1].values():
        said = said.replace(secret, "***")
    return " ".join(said.split())
