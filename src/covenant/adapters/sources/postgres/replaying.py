"""Recovering a data directory to a goal: PostgreSQL replays the log that we hand it, and stops where it was told.

Where it stops is asked of the server afterwards, never assumed. PostgreSQL takes a log that it cannot read on for the
end of the log; so where as much as there is was wanted, the place that it came to is held against the place that the
vault's log ends at, and what lies between must be the beginning of one record that was never finished.

A moment after the last commit, but before the log's end, has no record that it could stop at: PostgreSQL then refuses
to come up. Everything that was committed by then is in the log, so all of it is replayed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from covenant.adapters.sources.postgres.asking import connected, rows, superuser_of
from covenant.adapters.sources.postgres.feeding import Feeder, Read
from covenant.adapters.sources.postgres.programs import Programs
from covenant.adapters.sources.postgres.server import PrivateServer, start
from covenant.adapters.sources.postgres.server_user import ServerUser
from covenant.adapters.sources.postgres.tail import unfinished
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, DamageError, Interrupted, TargetError
from covenant.kernel.progress import Progress, Silent
from covenant.kernel.spans import parse_place, place_text
from covenant.recover.route import Route

_QUIET = 900.0
_LOOKS_EVERY = 0.02
_LOOKS_AT_LEAST_EVERY = 0.5
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_STOPPED = "recovery stopping"
_ASKED = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text, pg_last_xact_replay_timestamp(),
       CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE '' END
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the server came to. ``last_commit`` is the newest transaction in it, ``None`` where none was replayed."""

    place: int
    timeline: int
    last_commit: datetime | None
    seconds: float
    log_bytes: int


@dataclass(slots=True)
class Recovery:
    """One recovery of a restored data directory. ``roles`` are roles that the server is likely to have."""

    data: Path
    route: Route
    read: Read
    programs: Programs
    user: ServerUser
    clock: Clock
    private: Path
    pause: bool = False
    roles: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    segment_size: int = 16 << 20


def recover(recovery: Recovery) -> tuple[PrivateServer, Reached]:
    """Replay up to the goal; the server is running then, and the caller stops it.

    Raises ``DamageError`` where the log cannot be had or replayed as far as it must be, ``TargetError`` where the
    server does not come up for another reason. No server is left running then.
    """
    began = recovery.clock.monotonic()
    to_goal = settings_of(recovery.route, pause=recovery.pause)
    try:
        server, feeder = _replayed(recovery, to_goal)
    except _Beyond:
        server, feeder = _replayed(recovery, settings_of(recovery.route, pause=recovery.pause, everything=True))
    try:
        reached = _reached(recovery, server, feeder.given, began)
        _hold_against(recovery, server, reached)
    except BaseException:
        server.stop(at_once=True)
        raise
    return server, reached


class _Beyond(Exception):
    """The log ended before there was a record to stop at."""


def settings_of(route: Route, *, pause: bool = False, everything: bool = False) -> dict[str, str]:
    """What tells PostgreSQL where to stop. ``everything`` leaves the goal out: it lies behind the last commit."""
    goal, own = route.goal, route.timeline == route.base.span.timeline
    settings = {
        "recovery_target_timeline": "current" if own else str(route.timeline),
        "recovery_target_action": "pause" if pause else "promote",
        "recovery_target_inclusive": "off" if goal.before or goal.place is not None else "on",
    }
    if everything or goal.latest:
        return settings
    if goal.moment is not None:
        return {**settings, "recovery_target_time": goal.moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")}
    if goal.place is not None:
        return {**settings, "recovery_target_lsn": place_text(goal.place)}
    if goal.transaction is not None:
        return {**settings, "recovery_target_xid": str(goal.transaction)}
    return {**settings, "recovery_target_name": goal.name}


def _replayed(recovery: Recovery, settings: Mapping[str, str]) -> tuple[PrivateServer, Feeder]:
    """Start the server and wait until it has stopped replaying."""
    signal = recovery.data / "recovery.signal"
    signal.touch()
    (recovery.data / "standby.signal").unlink(missing_ok=True)
    feeder = Feeder(recovery.data, recovery.private, recovery.user, recovery.read, recovery.segment_size)
    with feeder.answering():
        server = start(
            recovery.data,
            recovery.clock,
            programs=recovery.programs,
            settings={**settings, "restore_command": feeder.command},
            private=recovery.private,
        )
        try:
            _Waiting(recovery, server, feeder).wait()
        except BaseException:
            server.stop(at_once=True)
            raise
    return server, feeder


class _Waiting:
    """Watches one server while it replays."""

    def __init__(self, recovery: Recovery, server: PrivateServer, feeder: Feeder) -> None:
        self._recovery = recovery
        self._server = server
        self._feeder = feeder
        self._role = ""
        self._told = 0

    def wait(self) -> None:
        """Until it is paused or promoted. Raises what stopped it, or ``TargetError`` where nothing moves any more."""
        clock = self._recovery.clock
        began = moved = clock.monotonic()
        seen = ""
        while True:
            if self._recovery.stop.is_set():
                raise Interrupted("the recovery was stopped", "Run it again: it goes on where it was.")
            if not self._server.running:
                raise self._ended()
            state = self._state()
            if state and (not state[0] or state[3] == "paused"):
                return
            now = f"{self._feeder.given} {state and state[1]}"
            if now != seen:
                moved, seen = clock.monotonic(), now
            if clock.monotonic() - moved > _QUIET:
                raise TargetError(f"the recovery in {self._recovery.data} stands still", self._server.words[-300:])
            self._tell()
            clock.sleep(min(_LOOKS_AT_LEAST_EVERY, _LOOKS_EVERY + (clock.monotonic() - began) / 20))

    def _state(self) -> tuple[Any, ...] | None:
        """What the server says of itself; ``None`` while it admits nobody."""
        import psycopg

        try:
            self._role = self._role or superuser_of(self._server, self._recovery.roles)
            with connected(self._server, "template1", self._role) as link:
                return rows(link, _ASKED)[0]
        except (psycopg.OperationalError, TargetError):
            return None

    def _ended(self) -> Exception:
        """Why the server gave up: for want of a piece of the log, or of a record to stop at, or for its own reasons."""
        error = self._feeder.error
        if error is not None:
            return _broken(self._recovery.route, error)
        gone = self._server.gone()
        goal = self._recovery.route.goal
        if _NOT_REACHED not in gone.message:
            return gone
        if goal.moment is not None or goal.place is not None:
            return _Beyond()
        hint = "It may lie before the backup that this began with: name an earlier one with '--from'."
        return TargetError(f"{goal} is not in the log that follows backup {_short(self._recovery.route)}", hint)

    def _tell(self) -> None:
        given = self._feeder.given
        self._recovery.progress.advance(bytes=given - self._told)
        self._told = given


def _reached(recovery: Recovery, server: PrivateServer, given: int, began: float) -> Reached:
    role = superuser_of(server, recovery.roles)
    with connected(server, "template1", role) as link:
        _, place, moment, _ = rows(link, _ASKED)[0]
    timeline = recovery.route.timeline
    at = parse_place(place) if place else recovery.route.base.span.end
    return Reached(at, timeline, moment, recovery.clock.monotonic() - began, given)


def _hold_against(recovery: Recovery, server: PrivateServer, reached: Reached) -> None:
    """Make sure that nothing is missing. Raises ``DamageError`` where the log was not replayed as far as it goes."""
    route = recovery.route
    goal = route.goal
    if reached.place < route.base.span.end:
        raise _cut_short(route, reached, "before the backup is whole")
    if server.has_said(_STOPPED):
        return
    end = min(goal.place, route.end) if goal.place is not None else route.end
    if not unfinished(recovery.read, route.timeline, reached.place, end, recovery.segment_size):
        raise _cut_short(route, reached, f"{end - reached.place:,} bytes before the end of the log")


def _broken(route: Route, error: CovenantError) -> DamageError:
    return DamageError(
        f"the log cannot be had whole on the way to {route.goal}: {error.message}",
        "Nothing was brought up. See which moments remain with 'covenant log status', and mend with 'covenant repair'.",
    )


def _cut_short(route: Route, reached: Reached, where: str) -> DamageError:
    return DamageError(
        f"the log could only be replayed to {place_text(reached.place)}, {where}",
        f"Moments up to {reached.last_commit} can be had: name one with '--to'. Look for damage: covenant check.",
    )


def _short(route: Route) -> str:
    return str(route.base.snapshot.short_id)
