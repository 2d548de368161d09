"""A drill put together: which ways lead into the vaults, what each kind of source is asked, where sandboxes lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

from covenant.adapters.stores.memory import MemoryStore
from covenant.bootstrap import OpenVault, jobs, remembering
from covenant.bootstrap.probing import system_of
from covenant.bootstrap.spare import SpareMachine
from covenant.bootstrap.ways import Ways
from covenant.catalog.records import DRILL, Outcome, Proof
from covenant.kernel.answers import Result
from covenant.kernel.errors import CovenantError
from covenant.prove.drill import Drill
from covenant.prove.drill_plan import DrillPlan, plan
from covenant.prove.onward import Onward
from covenant.prove.planting import Ground
from covenant.prove.ports import Aspect, System
from covenant.prove.record import Level, Scenario
from covenant.prove.rehearsing import Bench
from covenant.prove.sandbox import Sandboxes
from covenant.prove.telling import from_json, spelled, to_json
from covenant.vault.keys import Cost

if TYPE_CHECKING:
    import threading

    from covenant.catalog.catalog import Catalog
    from covenant.kernel.clock import Clock
    from covenant.kernel.policy import Policy
    from covenant.kernel.progress import Progress
    from covenant.prove.record import DrillRecord
    from covenant.settings.values import Settings

_MANNERS = {Level.MONTHLY: "restore", Level.QUARTERLY: "simulation", Level.ANNUAL: "exercise"}
"""What a drill is where covenant.toml does not say it."""
REHEARSAL = "rehearsal"
"""The kind of the proof that a drill leaves of each source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What drill shall be held. ``before`` is when a breach began; ``sources`` are all that the level takes."""

    level: Level
    scenario: Scenario | None = None
    sources: tuple[str, ...] = ()
    before: datetime | None = None
    due_at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who holds drills: the settings that are followed, how vaults are opened, where the state lies."""

    settings: Settings
    policy: Policy
    opened: Callable[[str], OpenVault]
    password: Callable[[str], str] = field(repr=False)
    catalog: Catalog
    state_dir: Path
    clock: Clock
    variables: Mapping[str, str]
    stop: threading.Event
    progress: Progress | None = None
    confirm: Callable[[], None] = lambda: None
    """Asked before anything is kept; raises ``LeaseLost`` where it may no longer be."""
    cost: Cost | None = None


def hold(company: Company, order: Order) -> DrillRecord:
    """Hold a drill, and keep what came of it. Raises ``UsageError`` for a source that there is not, ``Interrupted``."""
    with ExitStack() as held:
        record = _drill(company, order, held).hold()
    company.confirm()
    keep(company.catalog, record)
    return record


def _drill(company: Company, order: Order, held: ExitStack) -> Drill:
    """The drill, ready to be held; vaults are held as long as ``held``."""
    settings, clock, stop = company.settings, company.clock, company.stop
    lanes, rng, systems = jobs.lanes(settings.limits), Random(), _systems(company)
    bench = Bench(clock, lanes, stop, Onward(company.progress))
    return Drill(
        id=uuid4().hex,
        plan=_planned(company, order, systems),
        systems=systems,
        vaults=Ways(company.opened, held, company.cost),
        ground=Ground(bench, sandboxes(company.state_dir, settings), MemoryStore, rng),
        due_at=order.due_at,
        before=order.before,
        by=order.by,
        narrowed=bool(order.sources),
        machine=SpareMachine(company.opened, company.password, clock, rng, lanes, stop),
        wanted=tuple(Aspect(word) for word in settings.drills.wanted),
    )


def _planned(company: Company, order: Order, systems: Mapping[str, System]) -> DrillPlan:
    needs = {name: {other for probe in system.probes for other in probe.needs} for name, system in systems.items()}
    return plan(
        company.policy.sources.values(),
        order.level,
        _scenario(company, order),
        only=order.sources,
        needs=needs,
        restoration=company.settings.commitments.get("restoration", {}),
    )


def _systems(company: Company) -> dict[str, System]:
    """What each source brings; one of a kind that cannot be rehearsed is left out."""
    from covenant.bootstrap.server_drills import system_of_server

    lanes, found = jobs.lanes(company.settings.limits), dict[str, System]()
    for name, source in company.settings.sources.items():
        if source.covered and source.kind == "postgres":
            found[name] = system_of_server(source, company.opened, company.variables, lanes)
        elif (system := system_of(source, company.variables)) is not None:
            found[name] = system
    return found


def sandboxes(state_dir: Path, settings: Settings) -> Sandboxes:
    """Where sandboxes are made: in the state directory, unless covenant.toml says where else.

    Root's state directory lets nobody else through, and a database server refuses to be root's.
    """
    ledger, drills = state_dir / "sandboxes", settings.drills
    common = Path("/var/tmp") if drills.folder is None and os.geteuid() == 0 else None
    return Sandboxes(drills.folder or ledger, ledger, drills.room, common)


def keep(catalog: Catalog, record: DrillRecord) -> None:
    """Enter a drill in the catalog: the whole of it, and what it proved about each source."""
    for each in record.sources:
        told = each.why_not or next((f"{a.question} {a.detail}" for a in each.answers if a.result != "passed"), "")
        told = told or next((f"planted {p.kind}: {p.result}" for p in each.planted if p.result != "passed"), "")
        catalog.prove(
            Proof(
                subject=each.source,
                kind=REHEARSAL,
                at=record.ended_at,
                verdict=each.result,
                snapshot_id=each.snapshot_id,
                detail=spelled(told) or f"restored and asked, in drill {record.id[:8]}",
                vault=each.vault,
            )
        )
    vault = record.sources[0].vault if record.sources else ""
    detail = to_json(record)
    catalog.prove(
        Proof(subject=record.level, kind=DRILL, at=record.ended_at, verdict=record.result, detail=detail, vault=vault)
    )


def seal(company: Company, record: DrillRecord) -> None:
    """Have a drill lie in the vaults too; one that cannot be reached gets it with its next page."""
    for name in dict.fromkeys(each.vault for each in record.sources):
        with suppress(CovenantError), company.opened(name).held("shared") as held:
            remembering.record(company.catalog, name, held.vault, held.appending, company.clock.now())


def outcome_of(record: DrillRecord) -> Outcome:
    """What a drill is to the loop: one that did not pass was held all the same, and has findings."""
    bad = [each for each in record.sources if each.result is not Result.PASSED]
    findings = 0 if record.result is Result.PASSED else max(1, len(bad))
    return Outcome(
        tally={"sources": len(record.sources), "bytes": sum(each.bytes for each in record.sources)},
        findings=findings,
        message=f"{record.result}" + (f": {', '.join(each.source for each in bad)}" if bad else ""),
        hint=f"See 'covenant drill show {record.id[:8]}'." if findings else "",
    )


def _scenario(company: Company, order: Order) -> Scenario | None:
    """What is acted out: as asked, else, where the level calls for a simulation, what was acted out longest ago."""
    said = company.settings.drills.levels.get(order.level)
    if order.scenario is not None or (said.what if said else _MANNERS[order.level]) != "simulation":
        return order.scenario
    held = [from_json(proof.detail).scenario for proof in company.catalog.proofs(kind=DRILL, subject=order.level)]
    return max(Scenario, key=lambda each: held.index(each) if each in held else len(held))
