"""Connections to a private server: as a role that may see everything, whatever the original called it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from covenant.adapters.sources.postgres.server import NOT_YET, PrivateServer
from covenant.kernel.errors import TargetError

if TYPE_CHECKING:
    from psycopg import Connection

USUAL_ROLES = ("postgres", "supabase_admin", "rdsadmin", "cloudsqladmin", "azuresu", "doadmin", "admin", "root")
_SUPERUSERS = "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1"
_STEADY = "-c statement_timeout=0 -c default_transaction_read_only=off -c search_path=pg_catalog -c row_security=off"


def superuser_of(server: PrivateServer, known: Iterable[str] = ()) -> str:
    """The name of a role that may do everything, asked of the server as any role that it has.

    ``known`` are roles that are likely to be there, such as the one that the backup was taken as. Raises
    ``TargetError`` where none of them is.
    """
    import psycopg

    tried = tuple(dict.fromkeys([*known, *USUAL_ROLES]))
    for role in tried:
        try:
            with psycopg.connect(server.conninfo("template1", role)) as link:
                found = link.execute(_SUPERUSERS).fetchone()
        except psycopg.OperationalError as error:
            if any(words in str(error) for words in NOT_YET):
                break  # no other role would be let in either
            continue
        if found:
            return str(found[0])
    raise TargetError(
        f"no superuser is found in {server.data}: there is no role {', '.join(tried)}",
        "Name a role that the server has in the source's url.",
    )


@contextlib.contextmanager
def connected(server: PrivateServer, database: str, role: str) -> Iterator[Connection[tuple[Any, ...]]]:
    """A connection that commits each statement by itself, and ends with the work."""
    import psycopg

    with psycopg.connect(server.conninfo(database, role), autocommit=True, options=_STEADY) as link:
        yield link


def rows(link: Connection[tuple[Any, ...]], statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a statement of ours, or one that the user wrote, returns; nothing where it returns no rows."""
    cursor = link.execute(statement.encode(), values or None)
    return cursor.fetchall() if cursor.description else []
