"""What is asked of a server while it is dumped, all in the one transaction whose snapshot the programs read at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from covenant.adapters.sources.postgres.asking import rows

if TYPE_CHECKING:
    from psycopg import Connection

    Link = Connection[tuple[Any, ...]]

_AT_ONCE = 500
_FOR_AS_LONG_AS_IT_TAKES = (
    "statement_timeout = 0",
    "lock_timeout = 0",
    "idle_in_transaction_session_timeout = 0",
    "row_security = off",  # a row that is hidden is an error, and not a row less
    "search_path = pg_catalog",
)
_STANDING = """
SELECT pg_export_snapshot(), clock_timestamp(), current_database(), current_setting('server_version_num')::int,
       pg_encoding_to_char(encoding), has_table_privilege('pg_catalog.pg_authid', 'SELECT'), current_user,
       (SELECT quote_ident(rolname) FROM pg_roles WHERE pg_roles.oid = 10),
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin')
FROM pg_database WHERE datname = current_database()
"""
_TABLES = """
SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind <> 'p'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg\\_%%' AND (%s::text[] = '{}' OR n.nspname = ANY (%s::text[]))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY 1
"""
_OTHERS = """
SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> current_database() ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a server stands as its dump begins."""

    snapshot: str
    taken: datetime
    database: str
    version: int
    encoding: str
    passwords: bool
    """Whether our role may read those of others."""
    role: str
    superuser: str
    """The role that the server was made with."""
    place: str
    supabase: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as SQL names it; one that is cut into partitions is dumped with them."""

    text: str
    dumped: bool


def begin(link: Link) -> None:
    """Begin the transaction that holds the snapshot, for as long as it takes; whatever the role's defaults say."""
    for setting in _FOR_AS_LONG_AS_IT_TAKES:
        rows(link, f"SET {setting}")
    rows(link, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def standing(link: Link) -> Standing:
    """Where it stands, with the snapshot made known to others."""
    return Standing(*rows(link, _STANDING)[0])


def tables(link: Link, schemas: Sequence[str]) -> list[Table]:
    """Every table whose rows a dump has; those of extensions are the extensions' own."""
    return [Table(*found) for found in rows(link, _TABLES, list(schemas), list(schemas))]


def hold(link: Link, held: Sequence[Table]) -> None:
    """Keep every table as it is in shape, between one program and the next."""
    for at in range(0, len(held), _AT_ONCE):
        names = ", ".join(f"ONLY {table.text}" for table in held[at : at + _AT_ONCE])
        rows(link, f"LOCK TABLE {names} IN ACCESS SHARE MODE")


def count(link: Link, table: Table) -> int:
    """How many rows it has at the snapshot."""
    return int(rows(link, f"SELECT count(*) FROM ONLY {table.text}")[0][0])


def roles(link: Link) -> list[str]:
    """Every role of the server but its own, as SQL names it."""
    found = rows(link, "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")
    return [str(name) for (name,) in found]


def left_out(link: Link, at: Standing, schemas: Sequence[str]) -> Iterator[str]:
    """What the dump does not have, in words."""
    if schemas:
        yield f"every schema but {', '.join(schemas)}, large objects, extensions"
    if not at.passwords:
        yield f"the passwords of roles, which {at.role} may not read"
    others = [str(name) for (name,) in rows(link, _OTHERS)]
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        yield f"other databases of the server: {shown}"
    if at.supabase:
        yield "Supabase's Vault root key and the bytes of its Storage, which are in no database: see 'covenant doctor'"


def exactly(name: str) -> str:
    """A name as a pattern of pg_dump that means it alone."""
    return '"' + name.replace('"', '""') + '"'
