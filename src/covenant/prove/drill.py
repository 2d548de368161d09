"""A drill: each source of the plan brought back into a sandbox, questioned, and the questioning put to the test.

For each source, in order of priority: its snapshot is chosen (*assess*), a sandbox is made (*isolate*), it is brought
back (*restore*) and asked (*validate*); then damage is planted in copies, which must be noticed (*plant*). What refers
to other sources is asked once all are there. At the end, and after ``kill -9`` at the next start, nothing is left.

Nothing here stops at the first thing that goes wrong: what could not be had of one source is said, and the next has
its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from covenant.kernel.answers import Answer, Result
from covenant.kernel.errors import CovenantError, Interrupted
from covenant.prove.asking import ask
from covenant.prove.drill_plan import DrillPlan, Turn
from covenant.prove.planting import Ground, plant_in_restore, plant_in_sample
from covenant.prove.ports import Aspect, Probe, Restored, System, Vaults
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import DrillRecord, Level, Measured, Planted, Scenario, SourceDrill, Step
from covenant.prove.rehearsing import BroughtBack, bring_back, judged, size_of
from covenant.prove.sample import smallest_file
from covenant.prove.scenarios import TOGETHER, Cast, Stage, cast

RECOVERY = frozenset({"assess", "isolate", "restore", "validate"})
"""The steps that a recovery takes in earnest, and the RTO bounds; planting damage belongs to the drill alone."""

BARE = "Does an empty machine bring everything back from one region and the kit?"
_WANTED = {
    Aspect.FUNCTION: "Does what was restored give the right answers?",
    Aspect.EXPERIENCE: "Does the application work on what was restored?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill, ready to be held. ``systems`` has what each source's kind brings; one that is missing cannot be
    rehearsed. ``wanted`` is what must be asked of the whole. ``bare`` recovers an empty machine, at the annual level.
    """

    id: str
    plan: DrillPlan
    systems: Mapping[str, System]
    vaults: Vaults
    ground: Ground
    due_at: datetime | None = None
    before: datetime | None = None
    by: str = ""
    wanted: Sequence[Aspect] = ()
    narrowed: bool = False
    bare: Callable[[], Answer] | None = None

    def hold(self) -> DrillRecord:
        """Rehearse everything. Raises ``Interrupted`` when told to stop; nothing is left behind then either."""
        clock = self.ground.bench.clock
        began = clock.now()
        swept = self.ground.sandboxes.sweep()
        steps = (Step("sweep", 0.0, f"{len(swept)} sandboxes of drills that were killed"),) if swept else ()
        stage = Stage(self.ground, self.vaults, began, self.before)
        sources = self._rehearse(stage)
        return DrillRecord(
            id=self.id,
            level=self.plan.level,
            scenario=self.plan.scenario,
            due_at=self.due_at,
            began_at=began,
            answers=tuple(self._of_the_whole()),
            ended_at=clock.now(),
            by=self.by,
            sources=sources,
            steps=steps,
            why_not="" if sources else "there is no source to rehearse",
            narrowed=self.narrowed,
        )

    def _rehearse(self, stage: Stage) -> tuple[SourceDrill, ...]:
        together = self.plan.level is Level.ANNUAL or self.plan.scenario in TOGETHER
        waited = 0.0
        with ExitStack() as held:
            rehearsals = [Rehearsal(turn, self.systems.get(turn.source), stage) for turn in self.plan.turns]
            late = {each.turn.source: each.late(self.plan) for each in rehearsals}
            needed = {name for source, probes in late.items() for each in probes for name in (*each.needs, source)}
            for each in rehearsals:
                each.waited = waited if together else 0.0
                with ExitStack() as own:
                    each.rehearse(self.plan, held if each.turn.source in needed else own)
                waited += each.recovery_seconds
            beside = {each.turn.source: each.restored for each in rehearsals if each.restored is not None}
            for experience in (False, True):  # an application may change the data, so it comes after everything else
                for each in rehearsals:
                    probes = [one for one in late[each.turn.source] if (one.aspect is Aspect.EXPERIENCE) is experience]
                    each.ask_late(probes, beside)
        return tuple(each.told() for each in rehearsals)

    def _of_the_whole(self) -> Iterator[Answer]:
        """What the whole was to show, and nothing asked; and the recovery of an empty machine."""
        asked = {
            probe.aspect
            for turn in self.plan.turns
            for probe in (self.systems[turn.source].probes if turn.source in self.systems else ())
        }
        partly = self.narrowed or self.plan.scenario is Scenario.HUMAN_ERROR
        for aspect, question in _WANTED.items():
            if aspect in self.wanted and aspect not in asked and not partly:
                told = f"covenant.toml asks for '{aspect}', and no probe asks about it"
                yield Answer(question, Result.COULD_NOT_VERIFY, told, 0.0)
        if self.plan.level is Level.ANNUAL:
            nobody = Answer(BARE, Result.COULD_NOT_VERIFY, "this version cannot recover an empty machine", 0.0)
            yield self.bare() if self.bare is not None else nobody


def _each_once(steps: Sequence[Step]) -> Iterator[Step]:
    """What was done in several goes, added up."""
    for name in dict.fromkeys(step.name for step in steps):
        own = [step for step in steps if step.name == name]
        yield Step(name, sum(step.seconds for step in own), ", ".join(step.detail for step in own if step.detail))


@dataclass(slots=True)
class Rehearsal:
    """One source's turn. ``waited`` is how many seconds went by in earnest before it was its turn."""

    turn: Turn
    system: System | None
    stage: Stage
    waited: float = 0.0
    restored: Restored | None = None
    _cast: Cast | None = None
    _brought: BroughtBack | None = None
    _region: str = ""
    _steps: list[Step] = field(default_factory=list)
    _answers: list[Answer] = field(default_factory=list)
    _planted: list[Planted] = field(default_factory=list)
    _why_not: str = ""

    @property
    def probes(self) -> Sequence[Probe]:
        """What its kind and covenant.toml ask of it."""
        return self.system.probes if self.system is not None else ()

    def late(self, plan: DrillPlan) -> tuple[Probe, ...]:
        """What is asked once everything is there; nothing where only a part was brought back."""
        if plan.scenario is Scenario.HUMAN_ERROR:
            return ()
        return tuple(probe for probe in self.probes if probe.needs or probe.aspect is Aspect.EXPERIENCE)

    @property
    def recovery_seconds(self) -> float:
        """How long its recovery took."""
        return sum(step.seconds for step in self._steps if step.name in RECOVERY)

    def rehearse(self, plan: DrillPlan, held: ExitStack) -> None:
        """Bring it back and ask it; the sandbox lasts as long as ``held``."""
        if self.system is None:
            self._why_not = f"this version rehearses no source of kind '{self.turn.promised.system}'"
            return
        try:
            found = self._assess(plan)
            size = size_of(found.access, found.snapshot, found.path)
            with self._timed("isolate") as told:
                sandbox = held.enter_context(self.stage.ground.sandboxes.open(size))
                told.append(f"{sandbox.folder}, {size:,} bytes")
            with self._timed("restore"):
                bench, source = self.stage.ground.bench, self.turn.source
                self._brought = bring_back(bench, found.access, found.snapshot, sandbox, source, found.path)
            self._region = found.access.region()
            self.restored = self._brought.restored
            with self._timed("validate"):
                self._answers += judged(bench, self._brought, self._early())
            with self._timed("plant"):
                self._plant(found, self._brought.restored)
        except Interrupted:
            raise
        except CovenantError as error:
            self._why_not = error.message
        except Exception as error:  # noqa: BLE001 - one source's defect must not keep the others from being rehearsed
            self._why_not = f"unexpected {type(error).__name__}: {error}"

    def ask_late(self, probes: Sequence[Probe], beside: Mapping[str, Restored]) -> None:
        """Ask what refers to other sources, or works on the data."""
        if self.restored is None or not probes:
            return
        others = {name: each for name, each in beside.items() if name != self.turn.source}
        whole = replace(self.restored, beside=others)
        with self._timed("validate"):
            self._answers += (ask(probe, whole, self.stage.ground.bench.clock) for probe in probes)

    def told(self) -> SourceDrill:
        """What it came to."""
        promised, brought, found = self.turn.promised, self._brought, self._cast
        reached = timedelta(seconds=self.waited + self.recovery_seconds) if brought and not self._why_not else None
        return SourceDrill(
            source=promised.source,
            system=promised.system,
            data_class=promised.data_class,
            priority=promised.priority.value,
            vault=promised.vault,
            region=self._region,
            snapshot_id=found.snapshot.id if found else "",
            moment=found.snapshot.time if found else None,
            files=brought.tally.files if brought else 0,
            bytes=brought.tally.bytes_written if brought else 0,
            rto=Measured(promised.rto.value, reached),
            rpo=Measured(promised.rpo.value, found.lost if found else None),
            steps=tuple(_each_once(self._steps)),
            answers=tuple(self._answers),
            planted=tuple(self._planted),
            why_not=self._why_not,
        )

    # -- its parts ------------------------------------------------------------------------------------------------

    def _assess(self, plan: DrillPlan) -> Cast:
        """Choose what it is restored from. What a scenario acts out by itself is no part of the recovery."""
        promised, clock = self.turn.promised, self.stage.ground.bench.clock
        began = clock.monotonic()
        found = cast(self.stage, plan.scenario, promised.vault, promised.source, self._early())
        acted = sum(step.seconds for step in found.steps)
        told = f"snapshot {found.snapshot.id[:8]}{f', {found.how}' if found.how else ''}"
        self._cast = found
        self._steps += (*found.steps, Step("assess", clock.monotonic() - began - acted, told))
        self._answers += found.answers
        return found

    def _early(self) -> tuple[Probe, ...]:
        """What is asked of the data by itself, which none of these changes."""
        own = (each for each in self.probes if not each.needs and each.aspect is not Aspect.EXPERIENCE)
        return (Checksums(), *own)

    def _plant(self, found: Cast, restored: Restored) -> None:
        ground, source = self.stage.ground, self.turn.source
        self._planted += plant_in_sample(ground, found.access, found.snapshot, source)
        if self.system is not None and self.system.spoilers:
            path = smallest_file(found.access, found.snapshot, found.path).path
            self._planted += plant_in_restore(ground, restored, path, self._early(), self.system.spoilers)

    @contextmanager
    def _timed(self, name: str) -> Iterator[list[str]]:
        """Time a step; what is put into the list is its detail."""
        clock, details = self.stage.ground.bench.clock, list[str]()
        began = clock.monotonic()
        try:
            yield details
        finally:
            self._steps.append(Step(name, clock.monotonic() - began, ", ".join(details)))
