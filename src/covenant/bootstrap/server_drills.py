"""How a PostgreSQL server comes back in a drill: by its log or a dump, into a sandbox, asked where nobody else can."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.bootstrap import OpenVault, to_moment
from covenant.bootstrap.from_dump import ByDump, by_dump
from covenant.bootstrap.to_moment import Plan
from covenant.kernel.progress import Progress
from covenant.prove.ports import Access, Arrived, Aspect, System
from covenant.recover.goal import Goal
from covenant.recover.job import Settings

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.probing import Wanted
    from covenant.settings.values import Source
    from covenant.vault.snapshot import Snapshot

_WHILE_IT_RUNS = 256 << 20
"""Bytes for the log that it writes itself, and for what it sorts on disk."""


@dataclass(frozen=True, slots=True)
class ServerInDrills:
    """One PostgreSQL source. ``opened`` opens its vault."""

    source: Source
    opened: Callable[[str], OpenVault]
    variables: Mapping[str, str]
    lanes: int

    def journey(self, access: Access, goal: datetime | None) -> ByLog | ByDump:
        opened = replace(self.opened(self.source.vault), vault=access.vault)
        wanted = _wanted(self.source, self.variables)
        dumped = by_dump(opened, access, self.source.name, goal, self.variables, wanted)
        if dumped is not None:
            return dumped
        return ByLog(self, opened, access, to_moment.plan(opened, self.source.name, Goal(moment=goal)))


@dataclass(frozen=True, slots=True)
class ByLog:
    """A base backup, and the log up to the moment."""

    of: ServerInDrills
    opened: OpenVault
    access: Access
    plan: Plan

    @property
    def base(self) -> Snapshot:
        return self.plan.route.base.snapshot

    @property
    def until(self) -> datetime:
        route = self.plan.route
        return route.until if route.goal.moment is None else min(route.until, route.goal.moment)

    @property
    def size(self) -> int:
        return self.plan.bytes + 2 * self.plan.log_bytes + _WHILE_IT_RUNS

    def travel(self, folder: Path, progress: Progress, stop: threading.Event) -> Arrived:
        from covenant.adapters.sources.postgres.recovering import recover_server

        variables, lanes = self.of.variables, self.of.lanes
        job = to_moment.recovery(self.opened, self.plan, folder, self.of.source, variables, lanes)
        job.settings = Settings(lanes=lanes, open_store=self.access.open_store)
        job.tablespaces = {}  # whatever covenant.toml says: below the folder, and nowhere else
        job.wanted, job.progress, job.stop = _wanted(self.of.source, variables), progress, stop
        done = recover_server(job)
        return Arrived(done.tally, done.steps, done.answers)


def system_of_server(
    source: Source, opened: Callable[[str], OpenVault], variables: Mapping[str, str], lanes: int
) -> System:
    """What a PostgreSQL source brings to a drill."""
    asks = {Aspect.INTEGRITY, *((Aspect.FUNCTION,) if source.probes else ())}
    return System(server=ServerInDrills(source, opened, variables, lanes), asks=frozenset(asks))


def _wanted(source: Source, variables: Mapping[str, str]) -> Wanted | None:
    """The user's own questions, with answers spelled as ``psql -At`` does."""
    from covenant.adapters.sources.postgres.probing import Statement, Wanted

    statements = [Statement(probe.said["query"], _spelled(probe.said["expect"])) for probe in source.probes]
    if not statements:
        return None
    return Wanted(to_moment.database_of(source, variables), statements=tuple(statements))


def _spelled(expected: Any) -> str:
    rows = expected if isinstance(expected, list | tuple) else [expected]
    return "\n".join(_row(row if isinstance(row, list | tuple) else [row]) for row in rows)


def _row(values: Any) -> str:
    return "|".join({True: "t", False: "f"}[value] if isinstance(value, bool) else str(value) for value in values)
