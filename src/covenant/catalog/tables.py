"""The tables of the catalog, as they are at the newest schema. ``migrations`` is the way there from every older one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from covenant.catalog.columns import Instant, Packed

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _numbered() -> tuple[Column[Any], ...]:
    """What each record of weight has: its number here, its name everywhere, and whether it lies in a vault yet."""
    return (
        Column("id", _NUMBER, primary_key=True, autoincrement=True),
        Column("uid", Text, nullable=False, unique=True),
        Column("vault", Text, nullable=False, server_default=""),
        Column("recorded", Boolean, nullable=False, server_default=text("false")),
    )


runs = Table(
    "runs",
    metadata,
    *_numbered(),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _text("reason"),
    Column("state", Text, nullable=False),
    Column("due_at", Instant),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    _text("lease"),
    _text("holder"),
    _count("fence"),
    _text("snapshot_id"),
    Column("tally", Packed, nullable=False, server_default="{}"),
    _count("findings"),
    _text("message"),
    _text("hint"),
    # What became of a subject is asked state by state, the newest first: one look into this index for each.
    Index("ix_runs_past", "scope", "subject", "kind", "state", "id"),
    Index("ix_runs_newest", "scope", "subject", "id"),
    sqlite_autoincrement=True,
)

_running = runs.c.state == text("'running'")
Index(
    "one_run_of_a_subject", runs.c.scope, runs.c.subject, unique=True, sqlite_where=_running, postgresql_where=_running
)
_unrecorded = runs.c.recorded == text("false")
Index("ix_runs_unrecorded", runs.c.vault, sqlite_where=_unrecorded, postgresql_where=_unrecorded)

duties = Table(
    "duties",
    metadata,
    Column("scope", Text),
    Column("subject", Text),
    Column("kind", Text),
    PrimaryKeyConstraint("scope", "subject", "kind"),
)
"""Which kinds of run there have ever been of which subject, so that asking for the last of each reads no other."""

advances = Table(
    "advances",
    metadata,
    Column("run_id", _NUMBER, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    _count("files"),
    _count("bytes"),
    _count("expected_files"),
    _count("expected_bytes"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("vault", Text),
    Column("id", Text),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("time", Instant, nullable=False),
    _text("position"),
    _text("hostname"),
    Column("tags", Packed, nullable=False, server_default="[]"),
    _count("files"),
    _count("bytes"),
    _count("added_bytes"),
    PrimaryKeyConstraint("vault", "id"),
    Index("ix_snapshots_newest", "source", "kind", "time"),
)

copies = Table(
    "copies",
    metadata,
    Column("vault", Text),
    Column("region", Text),
    Column("at", Instant, nullable=False),
    Column("reachable", Boolean, nullable=False),
    _count("objects"),
    _count("bytes"),
    _count("missing"),
    _count("damaged"),
    Column("missing_since", Instant),
    PrimaryKeyConstraint("vault", "region"),
)

proofs = Table(
    "proofs",
    metadata,
    *_numbered(),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("verdict", Text, nullable=False),
    _text("snapshot_id"),
    _text("detail"),
    Index("ix_proofs_newest", "scope", "subject", "kind", "id"),
    sqlite_autoincrement=True,
)

journal = Table(
    "journal",
    metadata,
    *_numbered(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_journal_subject", "subject", "id"),
    Index("ix_journal_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)
"""A row is never removed: its fence is what the next holder's grows from."""

memories = Table(
    "memories",
    metadata,
    Column("name", Text, primary_key=True),
    Column("text", Text, nullable=False),
)
"""Small texts that whoever leads goes on from: who was told what."""
