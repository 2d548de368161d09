"""What an examination of a server has seen, before anything is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass

DIRECT = "db.{ref}.supabase.co"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One server, seen through the connection of its source. What was tried is ``""`` where it went well, else why not.

    Sizes are bytes. ``slot_keep`` is how much log a slot keeps at most, ``None`` for no limit; ``summarizes`` is
    ``None`` where the version knows no such thing. ``clock_ahead`` is by how many seconds the server's clock is ahead.
    """

    host: str
    port: int
    role: str
    version: int
    superuser: bool
    replication: bool
    recovering: bool
    wal_level: str
    senders: tuple[int, int]
    slots: tuple[int, int]
    slot_keep: int | None
    summarizes: bool | None
    checksums: bool
    cluster_size: int
    clock_ahead: float
    pooled: bool
    replicates: str = ""
    physical_slot: str = ""
    logical_slot: str = ""
    own_slot: str = ""
    """How our own slot stands: ``reserved``, ``extended``, ``unreserved``, ``lost``; ``""`` where there is none."""
    unlogged: tuple[str, ...] = ()
    unidentified: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    large_objects: int = 0
    sequences: int = 0
    supabase: bool = False
    passwords: bool = True
    """Whether the role may read those of others."""
    dump_program: int | None = None
    server_program: bool = False
    free_here: int = 0

    @property
    def major(self) -> int:
        """The major version."""
        return self.version // 10000

    @property
    def said_version(self) -> str:
        """The version as people write it."""
        return f"{self.major}.{self.version % 10000}"

    @property
    def project(self) -> str:
        """The reference of a Supabase project, where the address or the role tells it."""
        for text, before in ((self.host, "db."), (self.role, "postgres.")):
            if text.startswith(before):
                return text.removeprefix(before).split(".")[0]
        return "<ref>"
