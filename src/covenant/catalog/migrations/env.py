"""What alembic runs for every command: our tables, and the connection that ``migrating`` hands in."""

from __future__ import annotations

from alembic import context

from covenant.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
