"""One source's turn in a drill: chosen, isolated, brought back, asked, and its verifier put to the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from covenant.kernel.answers import Answer, Result
from covenant.kernel.errors import CovenantError, DamageError, Interrupted, ObjectMissing
from covenant.prove.asking import ask
from covenant.prove.bare import CameBack
from covenant.prove.drill_plan import DrillPlan, Turn
from covenant.prove.planting import plant_in_restore, plant_in_sample
from covenant.prove.ports import Aspect, Probe, Restored, Server, System
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import Measured, Planted, Scenario, SourceDrill, Step
from covenant.prove.rehearsing import CAME_BACK, BroughtBack, bring_back, judged, size_of
from covenant.prove.sample import smallest_file
from covenant.prove.scenarios import Cast, Stage, cast, server_cast
from covenant.recover.job import Tally

RECOVERY = frozenset({"assess", "isolate", "restore", "validate"})
"""The steps that a recovery takes in earnest, and the RTO bounds; planting damage belongs to the drill alone."""


def _each_once(steps: Sequence[Step]) -> Iterator[Step]:
    """What was done in several goes, added up."""
    for name in dict.fromkeys(step.name for step in steps):
        own = [step for step in steps if step.name == name]
        yield Step(name, sum(step.seconds for step in own), ", ".join(step.detail for step in own if step.detail))


@dataclass(slots=True)
class Rehearsal:
    """One source's turn. ``waited`` is how many seconds went by in earnest before it was its turn; ``back`` is what an
    empty machine brought back of it already."""

    turn: Turn
    system: System | None
    stage: Stage
    back: CameBack | None = None
    waited: float = 0.0
    restored: Restored | None = None
    _cast: Cast | None = None
    _brought: BroughtBack | None = None
    _moment: datetime | None = None
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
        experience = [probe for probe in self.probes if probe.aspect is Aspect.EXPERIENCE]
        if self.back is not None:
            return tuple(experience)  # the recovery has asked everything else
        return (*(probe for probe in self.probes if probe.needs and probe not in experience), *experience)

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
            if self.system.server is not None:
                self._server_back(plan, self.system.server, held)
                return
            found = self._assess(plan)
            if self.back is not None:
                self._adopt(found, self.back)
            else:
                self._bring_back(found, held)
            if self._why_not or self.restored is None:
                return
            with self._timed("plant"):
                self._plant(found, self.restored)
        except Interrupted:
            raise
        except (DamageError, ObjectMissing) as error:
            self._answers.append(Answer(CAME_BACK, Result.FAILED, f"it did not come back: {error}", 0.0))
        except CovenantError as error:
            self._why_not = f"{error.message}. {error.hint}" if error.hint else error.message
        except Exception as error:  # noqa: BLE001 - one source's defect must not keep the others from being rehearsed
            self._why_not = f"unexpected {type(error).__name__}: {error}"

    def ask_late(self, probes: Sequence[Probe], beside: Mapping[str, Restored]) -> None:
        """Ask what refers to other sources, or works on the data."""
        if self.restored is None or not probes:
            return
        others = {name: each for name, each in beside.items() if name != self.turn.source}
        whole = replace(self.restored, beside=others)
        with self._timed("validate"):
            bench = self.stage.ground.bench
            self._answers += (ask(probe, whole, bench.clock, bench.stop) for probe in probes)

    def told(self) -> SourceDrill:
        """What it came to."""
        promised, brought, found = self.turn.promised, self._brought, self._cast
        took = self.back.after if self.back is not None else self.waited + self.recovery_seconds
        reached = timedelta(seconds=took) if brought and not self._why_not else None
        return SourceDrill(
            source=promised.source,
            system=promised.system,
            data_class=promised.data_class,
            priority=promised.priority.value,
            vault=promised.vault,
            region=self._region,
            snapshot_id=found.snapshot.id if found else "",
            moment=self._moment or (found.snapshot.time if found else None),
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

    def _bring_back(self, found: Cast, held: ExitStack) -> None:
        """Restore it, and ask what can be asked of it by itself."""
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

    def _server_back(self, plan: DrillPlan, server: Server, held: ExitStack) -> None:
        """Bring a server back by its log, have it asked while it runs, and plant damage in its base backup."""
        promised, bench = self.turn.promised, self.stage.ground.bench
        with self._timed("assess") as told:
            found, journey = server_cast(self.stage, plan.scenario, promised.vault, server)
            told.append(f"snapshot {found.snapshot.id[:8]}, {found.how}")
        self._cast, self._moment = found, journey.until
        with self._timed("isolate") as told:
            sandbox = held.enter_context(self.stage.ground.sandboxes.open(journey.size, passable=True))
            told.append(f"{sandbox.folder}, {journey.size:,} bytes")
        arrived = journey.travel(sandbox.folder / "server", bench.onward.one(), bench.stop)
        self._steps += (Step(name if name in RECOVERY else "restore", took) for name, took in arrived.seconds.items())
        self._answers += arrived.answers
        restored = Restored(promised.source, sandbox.folder, found.access.vault, found.snapshot)
        self._brought = BroughtBack(restored, arrived.tally, arrived.answers[0])
        self._region = found.access.region()
        with self._timed("plant"):
            self._planted += plant_in_sample(self.stage.ground, found.access, found.snapshot, promised.source)

    def _adopt(self, found: Cast, back: CameBack) -> None:
        """Take over what an empty machine brought back and asked."""
        drill = back.drill
        self._why_not, self._region = drill.why_not, drill.region
        self._steps, self._answers = [*drill.steps], [*self._answers, *drill.answers]
        if not drill.why_not:
            snapshot = found.access.vault.load_snapshot(drill.snapshot_id)
            self.restored = Restored(self.turn.source, back.folder, found.access.vault, snapshot)
            tally = Tally(files_created=drill.files, bytes_written=drill.bytes)
            self._brought = BroughtBack(self.restored, tally, drill.answers[0])
            self._cast = replace(found, snapshot=snapshot, lost=self.stage.now - snapshot.time)

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
