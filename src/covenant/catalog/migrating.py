"""Which schema a database has, and the way to ours.

An empty database is given the newest schema at once. One with an older schema is never changed unasked, for other
daemons may be at work on it: ``upgrade`` is. One with a newer schema is refused.

Alembic is loaded where a schema is made or changed, and not by everyone who opens a catalog: it takes a tenth of a
second.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from covenant.catalog.connecting import connect, parse_place, reading, shown, writing
from covenant.kernel.errors import CatalogError

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST = "0003"
"""The version of the schema that this program works with: the last of the migrations."""

_VERSION = table("alembic_version", column("version_num"))
_LOCK = 0x436F76
"""Whoever changes a schema in PostgreSQL holds this advisory lock."""


def versions() -> tuple[str, ...]:
    """The versions of the schema that this program knows, the oldest first; the last is the one that it works with."""
    from alembic.script import ScriptDirectory

    return tuple(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())[::-1]


def schema_of(engine: Engine) -> str:
    """The version of a database's schema, ``""`` where it is empty."""
    with reading(engine) as tx:
        return _version(tx)


def prepare(engine: Engine) -> None:
    """Make sure that the schema is ours; an empty database is given it. Raises ``CatalogError``."""
    found = schema_of(engine)
    if not found:
        _create(engine)
    elif found != NEWEST:
        raise unfit(shown(engine.url), found, versions())


def upgrade(place: str | Path) -> tuple[str, str]:
    """Bring a catalog's schema up to ours; the versions before and after. Raises ``CatalogError`` for a newer one."""
    engine = connect(parse_place(place))
    try:
        found, known = schema_of(engine), versions()
        if found and found not in known:
            raise unfit(shown(engine.url), found, known)
        with writing(engine) as tx:
            _alone(tx)
            run(tx, known[-1])
        return found, known[-1]
    finally:
        engine.dispose()


def run(tx: Connection, target: str) -> None:
    """Carry out the migrations up to ``target``, in a transaction that the caller holds."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = tx
    command.upgrade(config, target)


def _create(engine: Engine) -> None:
    with writing(engine) as tx:
        _alone(tx)
        if not _version(tx):  # somebody else may have made it this moment
            run(tx, "head")


def _alone(tx: Connection) -> None:
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _version(tx: Connection) -> str:
    seen = inspect(tx)
    version = tx.execute(select(_VERSION.c.version_num)).scalar() if seen.has_table(_VERSION.name) else None
    if version is None and seen.has_table("runs"):
        raise CatalogError(
            f"the database {shown(tx.engine.url)} has tables of somebody else",
            "Name a database, or a file, that only Covenant uses.",
        )
    return version or ""


def unfit(where: str, found: str, known: Sequence[str]) -> CatalogError:
    """Why a catalog of schema ``found`` is not used by a program that knows ``known``, the oldest first."""
    if found in known:
        return CatalogError(
            f"the catalog {where} has schema {found}, and this program needs {known[-1]}",
            "Stop every daemon that uses it, then run 'covenant catalog upgrade'.",
        )
    return CatalogError(
        f"the catalog {where} has schema {found}, which is newer than this program's {known[-1]}", "Update Covenant."
    )


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "covenant.catalog:migrations")
    config.set_main_option("path_separator", "os")
    return config
