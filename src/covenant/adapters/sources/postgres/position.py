"""Which state of which server a base backup holds, as its snapshot records it.

    postgres-<system identifier>-<timeline>-<start>-<end>      postgres-7412345678901234567-1-2/7A000028-2/7A000148

From ``start`` on the log is needed, at ``end`` the backup is consistent. (PostgreSQL manual, "Base backup")
"""

from __future__ import annotations

from typing import NamedTuple, Self

from covenant.adapters.sources.postgres.lsn import format_lsn, parse_lsn

_KIND = "postgres"


class Position(NamedTuple):
    """A stretch of one timeline of one cluster's log."""

    system: str
    timeline: int
    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that a snapshot records, or ``None`` for anything else."""
        try:
            kind, system, timeline, start, end = text.split("-")
            found = cls(system, int(timeline), parse_lsn(start), parse_lsn(end))
        except ValueError:
            return None
        return found if kind == _KIND else None

    def __str__(self) -> str:
        return f"{_KIND}-{self.system}-{self.timeline}-{format_lsn(self.start)}-{format_lsn(self.end)}"
