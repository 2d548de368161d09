"""The replication commands that ask and arrange: who the server is, and its slots.

(PostgreSQL manual, "Streaming Replication Protocol")
"""

from __future__ import annotations

from dataclasses import dataclass

from covenant.adapters.sources.postgres.lsn import parse_lsn
from covenant.adapters.sources.postgres.wire import Wire


@dataclass(frozen=True, slots=True)
class Identity:
    """Which cluster a server is, and how far its log has come on its present timeline."""

    system: str
    timeline: int
    flushed: int
    database: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot. ``restart`` is from where its log is kept, ``None`` where none is; ``safe_bytes`` is how much
    may still be written until it is lost, ``None`` where nothing limits it.
    """

    name: str
    kind: str
    active: bool
    restart: int | None
    wal_status: str
    safe_bytes: int | None


def identify(wire: Wire) -> Identity:
    """Which cluster this is."""
    said = wire.ask("IDENTIFY_SYSTEM").only
    return Identity(said["systemid"], int(said["timeline"]), parse_lsn(said["xlogpos"]), said["dbname"])


def shown(wire: Wire, name: str) -> str:
    """A setting of the server, with its unit; ``""`` where the server has no such setting or does not show it."""
    return wire.ask(f"SELECT current_setting({_literal(name)}, true)").rows[0][0] or ""


def segment_size(wire: Wire) -> int:
    """How many bytes a WAL file has."""
    return int(wire.ask("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'").rows[0][0] or 0)


def create_slot(wire: Wire, name: str, *, temporary: bool = False) -> None:
    """Make a physical slot that keeps the log from now on. A temporary one is gone when the connection is."""
    wire.ask(f"CREATE_REPLICATION_SLOT {_name(name)} {'TEMPORARY ' if temporary else ''}PHYSICAL RESERVE_WAL")


def drop_slot(wire: Wire, name: str) -> None:
    """Let go of a slot, and of the log that it keeps."""
    wire.ask(f"DROP_REPLICATION_SLOT {_name(name)}")


def slot(wire: Wire, name: str) -> Slot | None:
    """A slot as the server has it, ``None`` where there is none of that name."""
    said = wire.ask(
        "SELECT slot_name, slot_type, active, restart_lsn, wal_status, safe_wal_size"
        f" FROM pg_replication_slots WHERE slot_name = {_literal(name)}"
    )
    if not said.rows:
        return None
    found = said.only
    return Slot(
        name=found["slot_name"],
        kind=found["slot_type"],
        active=found["active"] == "t",
        restart=parse_lsn(found["restart_lsn"]) if found["restart_lsn"] else None,
        wal_status=found["wal_status"],
        safe_bytes=int(found["safe_wal_size"]) if found["safe_wal_size"] else None,
    )


def timeline_history(wire: Wire, timeline: int) -> tuple[str, str]:
    """The name and the text of a timeline's history file."""
    said = wire.ask(f"TIMELINE_HISTORY {timeline}").only
    return said["filename"], said["content"]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
