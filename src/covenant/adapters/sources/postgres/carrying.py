"""Carrying a part of a restored server over into a running one, by PostgreSQL's own ``pg_dump`` and ``pg_restore``.

It goes over whole or not at all, in one transaction. What is there already is not touched: it is a refusal, before
anything is restored, unless the user says that it may be replaced. Passwords are in the programs' environment, never
among their arguments, where everyone on the machine could read them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.adapters.sources.postgres.address import Address, library
from covenant.adapters.sources.postgres.asking import connected, rows, superuser_of
from covenant.adapters.sources.postgres.parts import Part
from covenant.adapters.sources.postgres.refusals import unreachable
from covenant.adapters.sources.postgres.server import PrivateServer
from covenant.kernel.errors import DamageError, Refusal, TargetError, UsageError

if TYPE_CHECKING:
    from psycopg import Connection

_TABLES = """
SELECT format('%%I.%%I', c.relnamespace::regnamespace::text, c.relname) FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence = 'p' AND c.relnamespace::regnamespace::text <> ALL (
    ARRAY['pg_catalog', 'information_schema', 'pg_toast'])
  AND (%s = '' OR c.relnamespace::regnamespace::text = %s) AND (%s = '' OR c.relname = %s) ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """What went over: how many rows each table has there now."""

    part: Part
    rows: dict[str, int]


def refuse_existing(goal: Address, parts: Sequence[Part], *, overwrite: bool) -> None:
    """Make sure that the server can be written to and has nothing of the parts yet.

    Raises ``Refusal``, and ``TargetError`` where it cannot be reached.
    """
    with _reached(goal) as link:
        for part in [] if overwrite else parts:
            there = _tables(link, part)
            if there:
                raise Refusal(
                    f"there is a table {there[0]} in the database that '{part}' would go into"
                    + (f", and {len(there) - 1} more of its tables" if len(there) > 1 else ""),
                    "Name another database with '--into', or give '--overwrite' to replace what is there.",
                )


def carry_over(server: PrivateServer, part: Part, goal: Address, roles: Sequence[str], *, overwrite: bool) -> Carried:
    """Carry a part over. Raises ``UsageError`` where there is no such part, ``TargetError``, ``DamageError``."""
    role = superuser_of(server, roles)
    tables = _tables_there(server, part, role)
    dump = server.data.parent / "part.dump"
    try:
        _run(
            [
                server.programs.named("pg_dump"),
                "--format=custom",
                f"--file={dump}",
                *part.patterns,
                f"--dbname={server.conninfo(part.database, role)}",
            ],
            {},
            f"'{part}' cannot be dumped",
        )
        conninfo, secret = _apart(goal)
        replace = ["--clean", "--if-exists"] if overwrite else []
        _run(
            [
                server.programs.named("pg_restore"),
                "--single-transaction",
                "--exit-on-error",
                *replace,
                *_as_whom(goal),
                f"--dbname={conninfo}",
                str(dump),
            ],
            {"PGPASSWORD": secret} if secret else {},
            f"'{part}' cannot be loaded",
        )
    finally:
        dump.unlink(missing_ok=True)
    return Carried(part, _counted(server, part, goal, role, tables))


def _tables_there(server: PrivateServer, part: Part, role: str) -> list[str]:
    """The tables of a part in the restored server."""
    import psycopg

    try:
        with connected(server, part.database, role) as link:
            tables = _tables(link, part)
    except psycopg.OperationalError as error:
        raise UsageError(f"the restored server has no database '{part.database}'", "Check its name.") from error
    if not tables:
        raise UsageError(f"there was no table in '{part}' then", "Check its name, or name another moment.")
    return tables


def _counted(server: PrivateServer, part: Part, goal: Address, role: str, tables: Sequence[str]) -> dict[str, int]:
    """Rows of every table, there and here alike. Raises ``DamageError`` where they differ."""
    found: dict[str, int] = {}
    with connected(server, part.database, role) as here, _reached(goal) as there:
        for table in tables:
            wanted, found[table] = (int(rows(link, f"SELECT count(*) FROM {table}")[0][0]) for link in (here, there))
            if wanted != found[table]:
                raise DamageError(
                    f"{table} has {found[table]:,} rows there and {wanted:,} in the backup",
                    "Someone may have written to it meanwhile: compare the two.",
                )
    return found


def _tables(link: Connection[tuple[Any, ...]], part: Part) -> list[str]:
    names = (part.schema, part.schema, part.table, part.table)
    return [str(name) for (name,) in rows(link, _TABLES, *names)]


def _reached(goal: Address) -> Connection[tuple[Any, ...]]:
    psycopg = library()
    try:
        link: Connection[tuple[Any, ...]] = psycopg.connect(goal.conninfo(replication=False).decode(), autocommit=True)
    except psycopg.Error as error:
        found = unreachable(goal, str(error))
        raise TargetError(found.message.replace("source '", "target '"), found.hint) from error
    return link


def _as_whom(goal: Address) -> list[str]:
    """Owners and grants come along where they can be set: by a superuser."""
    with _reached(goal) as link:
        superuser = rows(link, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0][0]
    return [] if superuser else ["--no-owner", "--no-privileges"]


def _apart(goal: Address) -> tuple[str, str]:
    """The connection string without its password, and the password."""
    conninfo = library().conninfo
    said = conninfo.conninfo_to_dict(goal.conninfo(replication=False).decode())
    secret = str(said.pop("password", None) or "")
    return str(conninfo.make_conninfo(**said)), secret


def _run(command: list[str], environment: dict[str, str], what: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": str(Path.home()), **environment},
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error:" in line] or done.stderr.splitlines()
        reason = said[0].partition("error:")[2].strip() or said[0] if said else "no reason given"
        raise TargetError(f"{what}: {reason}", "Nothing of it was kept there: it goes over whole or not at all.")
