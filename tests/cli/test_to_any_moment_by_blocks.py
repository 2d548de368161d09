"""PostgreSQL to a moment where the backup that it begins with came as changed blocks alone."""

from __future__ import annotations

from tests.adapters.sources.postgres.histories import a_busy_history
from tests.adapters.sources.postgres.ledger import up_to
from tests.servers.postgres import NEW


def test_a_moment_after_an_incremental_backup_of_blocks() -> None:
    """Beginning with a backup that was put together from blocks, a moment has its rows and no other, proved."""
    with a_busy_history(NEW) as history:
        wanted = history.ledger.lines[-7]

        found, report = history.restored("--to", wanted.moment)

    assert up_to(wanted) == found
    assert "passed" == report["result"]
