"""Watching a slot while its log is followed: how far the server's log has come, and how much room is left.

A slot keeps the log that we have not acknowledged, up to ``max_slot_wal_keep_size``. Beyond that the server lets go of
it and the log has a gap; so what is left of that room is told long before it has run out.
(PostgreSQL manual, "pg_replication_slots")
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.errors import SourceError
from covenant.kernel.findings import Finding
from covenant.kernel.spans import parse_place

NARROW, SCARCE = 0.5, 0.2
"""Which share of a slot's room is left when it is first told, and when it is told as urgent."""

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """A slot at one moment of the server's clock.

    ``status`` is the server's word: ``reserved``, ``extended``, ``unreserved``, ``lost``; ``missing`` where there is no
    such slot. ``room`` is how much may still be logged until it is lost and ``most`` how much there is at all, both
    ``None`` where nothing limits it; ``kept`` is how much the server keeps for it.
    """

    slot: str
    at: datetime
    end: int
    status: str
    restart: int | None = None
    room: int | None = None
    most: int | None = None
    active: bool = False

    @property
    def kept(self) -> int:
        """How much log the server keeps for the slot."""
        return 0 if self.restart is None else max(0, self.end - self.restart)

    @property
    def left(self) -> float | None:
        """Which share of the room is left."""
        return None if self.room is None or not self.most else max(0.0, min(1.0, self.room / self.most))

    @property
    def lost(self) -> bool:
        """Whether the server has let go of log that was not acknowledged."""
        return self.status == "lost"


def trouble(health: Health) -> Finding | None:
    """What a person should know of a slot."""
    what = f"slot '{health.slot}'"
    if health.lost:
        hint = "Take a new full backup; raise max_slot_wal_keep_size so that it does not happen again."
        return Finding("slot-lost", what, "the server let go of log that was not kept yet", hint)
    if health.status == "missing":
        return Finding("slot-missing", what, "the server has no such slot", "'covenant log stream' makes it.")
    if health.left is not None and (health.left < NARROW or health.status == "unreserved"):
        kind = "slot-scarce" if health.left < SCARCE or health.status == "unreserved" else "slot-narrow"
        said = f"{health.room or 0:,} of {health.most or 0:,} bytes are left until the server lets go of its log"
        return Finding(
            kind, what, said, "See why the log is not kept as fast as it grows, or raise max_slot_wal_keep_size."
        )
    return None


def ask(wire: Wire, slot: str) -> Health:
    """How a slot is, and how far the log has come. Raises ``SourceError``."""
    quoted = slot.replace("'", "''")
    said = wire.ask(
        "SELECT extract(epoch FROM clock_timestamp())::numeric AS at,"  # asked before the end: nothing older is missing
        " CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())"
        " ELSE pg_current_wal_flush_lsn() END AS ends,"
        " wal_status, restart_lsn, safe_wal_size, active,"
        " (SELECT setting::bigint << 20 FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS most"
        f" FROM (SELECT 1) one LEFT JOIN pg_replication_slots ON slot_name = '{quoted}'"
    ).only
    most = int(said["most"] or -1)
    return Health(
        slot=slot,
        at=_moment(said["at"]),
        end=parse_place(said["ends"]),
        status=said["wal_status"] or ("missing" if not said["active"] else "reserved"),
        restart=parse_place(said["restart_lsn"]) if said["restart_lsn"] else None,
        room=min(int(said["safe_wal_size"]), max(most, 0)) if said["safe_wal_size"] else None,
        most=most if most >= 0 else None,
        active=said["active"] == "t",
    )


def _moment(seconds: str) -> datetime:
    from datetime import UTC
    from decimal import Decimal

    whole, micro = divmod(int(Decimal(seconds) * 1_000_000), 1_000_000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=micro)


class Watch:
    """Asks again and again, in a thread of its own, for as long as it is open. ``told`` hears of each answer."""

    def __init__(self, address: Address, slot: str, told: Callable[[Health], None]) -> None:
        self._address = address
        self._slot = slot
        self._told = told
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch-slot", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with Wire.connect(self._address, self._over, replication=False) as wire:
                    while True:
                        self._told(ask(wire, self._slot))
                        if self._over.wait(_SECONDS):
                            return
            except SourceError:
                self._over.wait(_SECONDS)  # who follows the log notices it too, and says so
            except Exception:
                if not self._over.is_set():
                    raise
