"""The journal by kind: it has a line for each snapshot now, and is asked for the few that say something else."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """From version 2 to version 3."""
    op.create_index("ix_journal_kind", "journal", ["kind", "id"])
