"""The probe of a restored server: every database of it is asked, and each answer is one of three.

What could not be asked, because an extension wants a library that a private server does not load, because the server
is still in recovery, or because it went away, is *could not verify*, and never counts as passed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from covenant.adapters.sources.postgres.asking import connected, rows, superuser_of
from covenant.adapters.sources.postgres.control import read_control
from covenant.adapters.sources.postgres.isolation import preloaded
from covenant.adapters.sources.postgres.programs import Programs
from covenant.adapters.sources.postgres.questions import (
    QUESTIONS,
    Counted,
    Database,
    NotKnown,
    Untrue,
    said,
    wants_library,
)
from covenant.adapters.sources.postgres.server import PrivateServer
from covenant.adapters.sources.postgres.server_user import user_for
from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError

_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname"


@dataclass(frozen=True, slots=True)
class Statement:
    """A question of the user's own: SQL, and its answer as ``psql -At`` prints it (``|`` between, one row a line)."""

    sql: str
    expected: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked beyond the usual, of one database: rows and checksums by table (``schema.table``), statements."""

    database: str = "postgres"
    rows: Mapping[str, int] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()


def probe(
    server: PrivateServer,
    known_roles: tuple[str, ...] = (),
    wanted: Wanted | None = None,
    counted: Counted | None = None,
) -> tuple[Answer, ...]:
    """Ask a running server everything. ``known_roles`` are roles that it is likely to have; ``counted`` adds up.

    Never raises for what the server says or fails to say: that is what the answers are for.
    """
    import psycopg

    clock, counted = server.clock, counted or Counted()
    began = clock.monotonic()
    try:
        role = superuser_of(server, known_roles)
        with connected(server, "template1", role) as link:
            names = [str(name) for (name,) in rows(link, _DATABASES)]
    except (CovenantError, psycopg.OperationalError) as error:
        return (Answer("the server answers", Result.COULD_NOT_VERIFY, said(error), clock.monotonic() - began),)
    answers = [Answer("the server answers", Result.PASSED, _counted(names), clock.monotonic() - began)]
    for name in names:
        answers += _of_database(server, name, role, wanted if wanted and wanted.database == name else None, counted)
    if wanted and wanted.database not in names:
        answers.append(Answer(f"{wanted.database}: is there", Result.FAILED, "there is no such database", 0.0))
    return tuple(answers)


def checksums_hold(programs: Programs, data: Path, clock: Clock) -> Answer:
    """Have ``pg_checksums`` read every page of a data directory whose server was stopped in order."""
    began = clock.monotonic()
    result, detail = _checksums(programs, data)
    return Answer("every page has its checksum", result, detail, clock.monotonic() - began)


def checksum_of(database: Database, table: str) -> str:
    """How many rows a table has, and a sum over them that does not depend on their order."""
    statement = f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {_quoted(database, table)} AS t"
    count, total = database.rows(statement)[0]
    return f"{count}:{int(total or 0) % 2**64:016x}"


def _of_database(
    server: PrivateServer, name: str, role: str, wanted: Wanted | None, counted: Counted
) -> Iterator[Answer]:
    import psycopg

    began = server.clock.monotonic()
    try:
        with connected(server, name, role) as link:
            database = Database(name, link, bool(rows(link, "SELECT pg_is_in_recovery()")[0][0]), counted)
            for title, question in _questions(wanted):
                yield _answer(server, f"{name}: {title}", partial(question, database))
    except psycopg.OperationalError as error:
        seconds = server.clock.monotonic() - began
        yield Answer(f"{name}: can be asked", Result.COULD_NOT_VERIFY, _why(server, error), seconds)


def _questions(wanted: Wanted | None) -> Iterator[tuple[str, Callable[[Database], str]]]:
    for question in QUESTIONS:
        title = (question.__doc__ or question.__name__).rstrip(".")
        yield title[0].lower() + title[1:], question
    if wanted is None:
        return
    for table, count in wanted.rows.items():
        yield f"{table} has {count:,} rows", partial(_has_rows, table, count)
    for table, expected in wanted.checksums.items():
        yield f"{table} is what it was", partial(_is_same, table, expected)
    for statement in wanted.statements:
        yield statement.sql, partial(_says, statement)


def _answer(server: PrivateServer, title: str, ask: Callable[[], str]) -> Answer:
    import psycopg

    began = server.clock.monotonic()
    try:
        result, detail = Result.PASSED, ask()
    except Untrue as error:
        result, detail = Result.FAILED, str(error)
    except (NotKnown, psycopg.OperationalError) as error:
        result, detail = Result.COULD_NOT_VERIFY, _why(server, error)
    except psycopg.Error as error:
        result = Result.COULD_NOT_VERIFY if wants_library(error) else Result.FAILED
        detail = _why(server, error)
    return Answer(title, result, detail, server.clock.monotonic() - began)


def _why(server: PrivateServer, error: BaseException) -> str:
    """What was answered; where a library is missing, which ones the original loads."""
    libraries = preloaded(server.data)
    if libraries and wants_library(error):
        return f"{said(error)} (the original preloads {', '.join(libraries)}; a private server loads nothing)"
    return said(error) if server.running else f"the server ended: {server.gone().message}"


def _has_rows(table: str, expected: int, database: Database) -> str:
    count = int(database.one(f"SELECT count(*) FROM {_quoted(database, table)}"))
    if count != expected:
        raise Untrue(f"it has {count:,}")
    return f"{count:,} rows"


def _is_same(table: str, expected: str, database: Database) -> str:
    found = checksum_of(database, table)
    if found != expected:
        raise Untrue(f"its checksum is {found}, {expected} was expected")
    return found


def _says(statement: Statement, database: Database) -> str:
    found = database.rows(statement.sql)
    text = "\n".join("|".join(_spelled(value) for value in row) for row in found)
    if text != statement.expected.strip():
        raise Untrue(f"the answer is '{text[:200]}', '{statement.expected[:200]}' was expected")
    return text[:200]


def _spelled(value: object) -> str:
    """A value as ``psql -At`` spells it."""
    if value is None:
        return ""
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)


def _quoted(database: Database, table: str) -> str:
    """A table's full name, as the server itself writes it. ``Untrue`` where there is none of that name."""
    found = database.one("SELECT to_regclass(%s)::text", table if "." in table else f"public.{table}")
    if found is None:
        raise Untrue("there is no such table")
    return str(found)


def _checksums(programs: Programs, data: Path) -> tuple[Result, str]:
    try:
        if not read_control(programs, data).checksums:
            return Result.COULD_NOT_VERIFY, "the server keeps no checksums of its pages"
        done = subprocess.run(
            [programs.named("pg_checksums"), "--check", "-D", data],
            capture_output=True,
            text=True,
            env={"LC_ALL": "C"},
            check=False,
            **user_for(data).process,
        )
    except (OSError, CovenantError) as error:
        return Result.COULD_NOT_VERIFY, str(error)
    told = dict(line.partition(":")[::2] for line in done.stdout.splitlines())
    if done.returncode == 0:
        return Result.PASSED, f"{told.get('Blocks scanned', '?').strip()} pages"
    wrong = [line for line in done.stderr.splitlines() if "checksum verification failed" in line]
    return (Result.FAILED if wrong else Result.COULD_NOT_VERIFY), (wrong or done.stderr.splitlines() or ["?"])[0]


def _counted(names: list[str]) -> str:
    return f"{len(names)} databases: {', '.join(names)}" if len(names) > 1 else f"database {names[0] if names else '?'}"
