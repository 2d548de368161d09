"""Reaching the catalog's database: one SQLite file for one machine, PostgreSQL where several daemons share it.

A transaction that writes is marked so from its beginning. SQLite's then holds the file before it reads (``BEGIN
IMMEDIATE``), so that what it decided on still holds when it writes; in PostgreSQL a lease's row is locked instead.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from covenant.kernel.errors import CatalogError, CatalogUnavailable, UsageError

BUSY_SECONDS = 30
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_POSTGRES = {"connect_timeout": 10, "options": "-c idle_in_transaction_session_timeout=5s"}
"""A process that is frozen in the midst of a transaction must not hold a lease's row, or nobody could take over."""
_WRITES = "covenant_writes"
_READ_ONLY_HINT = "Let us write there, or name another place: [catalog] path = ... in covenant.toml."
_LATER = ("locked", "busy", "connect", "terminat", "closed", "shutting down", "starting up", "timeout", "lost")


def parse_place(place: str | Path) -> URL:
    """The database that a path or a ``postgresql://`` address means. Raises ``UsageError``, without any password."""
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=os.path.abspath(text))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError("the catalog's address cannot be read", "Write 'postgresql://user@host/database'.") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database:
        return URL.create("sqlite", database=os.path.abspath(url.database))
    raise UsageError(
        f"a catalog cannot lie in {url.get_backend_name()}", "Name a file, or an address 'postgresql://...'."
    )


def shown(url: URL) -> str:
    """A database's address without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def connect(url: URL) -> Engine:
    """An engine for the database; nothing is asked of it yet, but a file is made where there is none."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        return create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=True, connect_args=_POSTGRES)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise CatalogError(
            "psycopg, which speaks to PostgreSQL, is not installed", "pip install 'memory-covenant[postgresql]'"
        ) from error


def _sqlite(url: URL) -> Engine:
    path = url.database or ""
    _make_file(path)
    engine = create_engine(url, pool_size=8, max_overflow=24, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_file(path: str) -> None:
    """The file, readable by its owner alone from its first moment on."""
    try:
        os.makedirs(os.path.dirname(path), _FOLDER_MODE, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CatalogError(f"the catalog '{path}' cannot be opened: {reason}", _READ_ONLY_HINT) from error


def _prepare(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see ``_begin``
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a fence that was given out must outlive a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write: all of it or nothing. Raises ``CatalogError``."""
    with _translated(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that reads one state of everything. Raises ``CatalogError``."""
    with _translated(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextlib.contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _told(engine, error) from error
    except PoolTimeout as error:
        raise CatalogUnavailable(f"the catalog {shown(engine.url)} is busy", "Try again.") from error
    except StatementError as error:
        raise error.orig or error from error  # a value that may not be written: a mistake of the caller
    except SQLAlchemyError as error:
        raise CatalogError(f"the catalog {shown(engine.url)} cannot be used: {type(error).__name__}") from error


def _told(engine: Engine, error: DBAPIError) -> CatalogError:
    """What a database's error means to us. Its words are taken over, the statement and its values are not."""
    where = shown(engine.url)
    words = " ".join(str(error.orig).split()) or type(error.orig).__name__
    lower = words.lower()
    if "full" in lower or "no space" in lower:
        return CatalogError(f"no room is left for the catalog {where}", "Make room; nothing of it was lost.")
    if "readonly" in lower or "read-only" in lower or "permission denied" in lower:
        return CatalogError(f"the catalog {where} cannot be written: {words}", _READ_ONLY_HINT)
    if "malformed" in lower or "not a database" in lower or "disk i/o" in lower:
        return CatalogError(
            f"the catalog {where} is damaged: {words}",
            "Move the file away and run 'covenant catalog rebuild': the vaults hold what has weight.",
        )
    if error.connection_invalidated or (isinstance(error, OperationalError) and any(w in lower for w in _LATER)):
        return CatalogUnavailable(f"the catalog {where} does not answer: {words}", "See that its database runs.")
    return CatalogError(f"the catalog {where} cannot be used: {words}")
