"""Which schema a database has, and the way to ours.

An empty database is given the newest schema at once. One with an older schema is never changed unasked, for other
daemons may be at work on it: ``upgrade`` is. One with a newer schema is refused.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from covenant.catalog.connecting import connect, parse_place, reading, shown, writing
from covenant.kernel.errors import CatalogError

_LOCK = 0x436F76
"""Whoever changes a schema in PostgreSQL holds this advisory lock."""


def newest() -> str:
    """The version of the schema that this program has."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # the package ships at least one migration
    return head


def schema_of(engine: Engine) -> str:
    """The version of a database's schema, ``""`` where it is empty."""
    with reading(engine) as tx:
        return _version(tx)


def prepare(engine: Engine) -> None:
    """Make sure that the schema is ours; an empty database is given it. Raises ``CatalogError``."""
    found, ours = schema_of(engine), newest()
    if found == ours:
        return
    if found:
        _refuse(engine, found, ours)
    _create(engine)


def upgrade(place: str | Path) -> tuple[str, str]:
    """Bring a catalog's schema up to ours; the versions before and after. Raises ``CatalogError`` for a newer one."""
    engine = connect(parse_place(place))
    try:
        found, ours = schema_of(engine), newest()
        if found and not _known(found):
            _refuse(engine, found, ours)
        with writing(engine) as tx:
            _alone(tx)
            run(tx, ours)
        return found, ours
    finally:
        engine.dispose()


def run(tx: Connection, target: str) -> None:
    """Carry out the migrations up to ``target``, in a transaction that the caller holds."""
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
    version = MigrationContext.configure(tx).get_current_revision()
    if version is None and inspect(tx).has_table("runs"):
        raise CatalogError(
            f"the database {shown(tx.engine.url)} has tables of somebody else",
            "Name a database, or a file, that only Covenant uses.",
        )
    return version or ""


def _known(version: str) -> bool:
    return any(each.revision == version for each in ScriptDirectory.from_config(_config()).walk_revisions())


def _refuse(engine: Engine, found: str, ours: str) -> None:
    where = shown(engine.url)
    if _known(found):
        raise CatalogError(
            f"the catalog {where} has schema {found}, and this program needs {ours}",
            "Stop every daemon that uses it, then run 'covenant catalog upgrade'.",
        )
    raise CatalogError(
        f"the catalog {where} has schema {found}, which is newer than this program's {ours}", "Update Covenant."
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "covenant.catalog:migrations")
    config.set_main_option("path_separator", "os")
    return config
