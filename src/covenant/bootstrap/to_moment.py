"""Putting together what brings a PostgreSQL server back to a moment: its route, and the work along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.kernel.errors import CovenantError, SnapshotMissing, TargetError, UsageError

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.about import About
    from covenant.adapters.sources.postgres.address import Address
    from covenant.adapters.sources.postgres.recovering import RecoveryJob
    from covenant.adapters.sources.postgres.shelf import Shelf
    from covenant.bootstrap import OpenVault
    from covenant.recover.goal import Goal
    from covenant.recover.route import Route
    from covenant.settings.values import Source
    from covenant.vault.pieces import BaseBackup

PROGRAMS = "COVENANT_POSTGRES_PROGRAMS"
"""The variable that names folders of PostgreSQL's programs, with colons between them."""

_RESTORED_A_SECOND = 80 << 20
_REPLAYED_A_SECOND = 40 << 20
_AT_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A recovery as it will be. ``seconds`` is a cautious estimate."""

    source: str
    route: Route
    shelf: Shelf
    about: About
    files: int
    bytes: int
    log_bytes: int

    @property
    def seconds(self) -> float:
        """How long it will take, about."""
        return _AT_LEAST + 2 * self.bytes / _RESTORED_A_SECOND + self.log_bytes / _REPLAYED_A_SECOND


def plan(opened: OpenVault, source: str, goal: Goal, variables: Mapping[str, str] | None = None) -> Plan:
    """How a goal is reached. Raises ``SnapshotMissing`` with what can be had, where it cannot be.

    A transaction or a name is looked for in the log, where the environment leads to the programs that can.
    """
    from covenant.adapters.sources.postgres.about import about
    from covenant.adapters.sources.postgres.shelf import Shelf
    from covenant.recover.route import choose_route
    from covenant.vault.pieces import bases, try_snapshots

    snapshots, damaged = try_snapshots(opened.vault)
    known = bases(snapshots, source)
    newest = max(known, key=lambda base: (base.taken, base.span.end), default=None)
    system = newest.span.system if newest else None
    shelf = Shelf(opened.vault, source, snapshots, system=system, damaged=damaged)
    own = [base for base in known if base.span.system == shelf.system]
    route = choose_route(goal, own, shelf.pieces, shelf.lineages, source)
    if goal.searched and variables is not None:
        goal = replace(goal, found=_looked_for(opened, goal, route, own, shelf, variables))
        route = choose_route(goal, own, shelf.pieces, shelf.lineages, source)
    summary = route.base.snapshot.summary or {}
    return Plan(
        source=source,
        route=route,
        shelf=shelf,
        about=about(opened.vault, route.base.snapshot),
        files=int(summary.get("total_files_processed", 0)),
        bytes=int(summary.get("total_bytes_processed", 0)),
        log_bytes=route.log_size,
    )


def _looked_for(
    opened: OpenVault, goal: Goal, route: Route, own: Sequence[BaseBackup], shelf: Shelf, variables: Mapping[str, str]
) -> int | None:
    """Where a transaction or a name lies; ``None`` where there is no program that could tell."""
    from covenant.adapters.sources.postgres.about import about
    from covenant.adapters.sources.postgres.programs import find_programs
    from covenant.adapters.sources.postgres.searching import find_place
    from covenant.recover.continuity import windows
    from covenant.recover.route import stretches_to_search, windows_text

    major = about(opened.vault, route.base.snapshot).major
    try:
        programs = find_programs(major, said_programs(variables), variables.get("PATH", ""), needed="pg_waldump")
    except TargetError:
        return None
    found = find_place(shelf, programs, goal, stretches_to_search(goal, own, shelf.pieces, shelf.lineages))
    if found is None:
        had = windows_text(windows(own, shelf.pieces, shelf.lineages))
        hint = f"It may not have been sealed yet. What can be had: {had}."
        raise SnapshotMissing(f"{goal} is not in the log of source '{shelf.source}'", hint)
    return found


def recovery(
    opened: OpenVault, planned: Plan, target: Path, source: Source | None, variables: Mapping[str, str], lanes: int
) -> RecoveryJob:
    """What carries a plan out into a folder. The source's settings are used where there is one."""
    from covenant.adapters.sources.postgres.recovering import RecoveryJob
    from covenant.recover.job import Settings
    from covenant.settings import values

    job = RecoveryJob(opened.vault, planned.shelf, planned.route, target.absolute(), opened.clock)
    job.settings = Settings(lanes=lanes, open_store=opened.opener.reading)
    job.said, job.search_path = said_programs(variables), variables.get("PATH", "")
    if source is not None and isinstance(source.system, values.Postgres):
        places = set(planned.about.tablespaces.values())
        job.tablespaces = {old: new for old, new in source.system.tablespace_map.items() if old in places}
        job.roles = _role(source, variables)
    return job


def said_programs(variables: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders of programs that the environment names."""
    return tuple(Path(folder) for folder in variables.get(PROGRAMS, "").split(":") if folder)


def address_into(session_sources: Mapping[str, Source], into: str, variables: Mapping[str, str]) -> Address:
    """The server that a part goes into: a connection string, or a source of ``covenant.toml`` by its name."""
    from covenant.adapters.sources.postgres.address import Address
    from covenant.bootstrap.logs import address_of

    if into in session_sources:
        return address_of(session_sources[into], variables)
    if "=" not in into and "://" not in into:
        raise UsageError(f"'{into}' is no server", "Write postgresql://user@host/database, or the name of a source.")
    return Address("--into", into)


def database_of(source: Source | None, variables: Mapping[str, str]) -> str:
    """The database that a source means, as its settings or its address say; ``postgres`` where nothing is said."""
    from covenant.settings import values

    if source is None or not isinstance(source.system, values.Postgres):
        return "postgres"
    return source.system.database or _conninfo(source, variables).get("dbname") or "postgres"


def _role(source: Source, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The role that the source's address names; a recovery must go on where it cannot be read any more."""
    user = _conninfo(source, variables).get("user")
    return (user.partition(".")[0], user) if user else ()


def _conninfo(source: Source, variables: Mapping[str, str]) -> dict[str, str]:
    from covenant.bootstrap.logs import address_of

    try:
        return address_of(source, variables).said
    except CovenantError:
        return {}
