"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _said(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _at(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _INSTANT, nullable=nullable)


def _numbered(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        _said("uid"),
        _text("vault"),
        sa.Column("recorded", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("uid", name=f"uq_{table}_uid"),
    )


def upgrade() -> None:
    """From nothing to version 1."""
    _runs()
    _around_runs()
    _kept()
    _told()


def _runs() -> None:
    op.create_table(
        "runs",
        *_numbered("runs"),
        *(_said(name) for name in ("scope", "subject", "kind")),
        _text("reason"),
        _said("state"),
        _at("due_at", nullable=True),
        _at("started_at"),
        _at("ended_at", nullable=True),
        _text("lease"),
        _text("holder"),
        _count("fence"),
        _text("snapshot_id"),
        sa.Column("tally", sa.Text, nullable=False, server_default="{}"),
        _count("findings"),
        _text("message"),
        _text("hint"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_past", "runs", ["scope", "subject", "kind", "state", "id"])
    op.create_index("ix_runs_newest", "runs", ["scope", "subject", "id"])
    running, unrecorded = sa.text("state = 'running'"), sa.text("recorded = false")
    op.create_index(
        "one_run_of_a_subject",
        "runs",
        ["scope", "subject"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index("ix_runs_unrecorded", "runs", ["vault"], sqlite_where=unrecorded, postgresql_where=unrecorded)


def _around_runs() -> None:
    op.create_table(
        "duties",
        *(_said(name) for name in ("scope", "subject", "kind")),
        sa.PrimaryKeyConstraint("scope", "subject", "kind", name="pk_duties"),
    )
    op.create_table(
        "advances",
        sa.Column("run_id", _NUMBER, autoincrement=False, nullable=False),
        _at("at"),
        *(_count(name) for name in ("files", "bytes", "expected_files", "expected_bytes")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_advances_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_advances"),
    )
    op.create_table(
        "leases",
        _said("name"),
        _said("holder"),
        sa.Column("fence", sa.BigInteger, nullable=False),
        _at("until"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _kept() -> None:
    op.create_table(
        "snapshots",
        *(_said(name) for name in ("vault", "id", "source", "kind")),
        _at("time"),
        _text("position"),
        _text("hostname"),
        sa.Column("tags", sa.Text, nullable=False, server_default="[]"),
        *(_count(name) for name in ("files", "bytes", "added_bytes")),
        sa.PrimaryKeyConstraint("vault", "id", name="pk_snapshots"),
    )
    op.create_index("ix_snapshots_newest", "snapshots", ["source", "kind", "time"])
    op.create_table(
        "copies",
        *(_said(name) for name in ("vault", "region")),
        _at("at"),
        sa.Column("reachable", sa.Boolean, nullable=False),
        *(_count(name) for name in ("objects", "bytes", "missing", "damaged")),
        _at("missing_since", nullable=True),
        sa.PrimaryKeyConstraint("vault", "region", name="pk_copies"),
    )


def _told() -> None:
    op.create_table(
        "proofs",
        *_numbered("proofs"),
        *(_said(name) for name in ("scope", "subject", "kind")),
        _at("at"),
        _said("verdict"),
        _text("snapshot_id"),
        _text("detail"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proofs_newest", "proofs", ["scope", "subject", "kind", "id"])
    op.create_table(
        "journal",
        *_numbered("journal"),
        _at("at"),
        *(_said(name) for name in ("kind", "subject", "actor", "text")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_subject", "journal", ["subject", "id"])
