"""A drill: each source of the plan brought back into a sandbox, questioned, and the questioning put to the test.

For each source, in order of priority: its snapshot is chosen (*assess*), a sandbox is made (*isolate*), it is brought
back (*restore*) and asked (*validate*); then damage is planted in copies, which must be noticed (*plant*). What refers
to other sources is asked once all are there. At the end, and after ``kill -9`` at the next start, nothing is left.

Nothing here stops at the first thing that goes wrong: what could not be had of one source is said, and the next has
its turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from covenant.kernel.answers import Answer, Result
from covenant.prove.bare import BARE, EmptyMachine, Recovered, recover_all
from covenant.prove.drill_plan import DrillPlan, Turn
from covenant.prove.planting import Ground
from covenant.prove.ports import Aspect, System, Vaults
from covenant.prove.record import DrillRecord, Level, Scenario, SourceDrill, Step
from covenant.prove.rehearsal import Rehearsal
from covenant.prove.scenarios import TOGETHER, Stage

_WANTED = {
    Aspect.FUNCTION: "Does what was restored give the right answers?",
    Aspect.EXPERIENCE: "Does the application work on what was restored?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill, ready to be held. ``systems`` has what each source's kind brings; one that is missing cannot be
    rehearsed. ``wanted`` is what must be asked of the whole. ``machine`` is the empty one of the annual drill.
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
    machine: EmptyMachine | None = None

    def hold(self) -> DrillRecord:
        """Rehearse everything. Raises ``Interrupted`` when told to stop; nothing is left behind then either."""
        clock = self.ground.bench.clock
        began = clock.now()
        swept = self.ground.sandboxes.sweep()
        steps = (Step("sweep", 0.0, f"{len(swept)} sandboxes of drills that were killed"),) if swept else ()
        stage = Stage(self.ground, self.vaults, began, self.before)
        with ExitStack() as held:
            bare = self._bare(stage, held)
            sources = self._rehearse(stage, bare, held)
        return DrillRecord(
            id=self.id,
            level=self.plan.level,
            scenario=self.plan.scenario,
            due_at=self.due_at,
            began_at=began,
            answers=(*bare.answers, *self._of_the_whole()),
            ended_at=clock.now(),
            by=self.by,
            sources=sources,
            steps=(*steps, *bare.steps),
            why_not="" if sources else "there is no source to rehearse",
            narrowed=self.narrowed,
        )

    def _bare(self, stage: Stage, held: ExitStack) -> Recovered:
        """What an empty machine brings back, at the annual level."""
        if self.plan.level is not Level.ANNUAL:
            return Recovered({}, (), ())
        if self.machine is None:
            nobody = Answer(BARE, Result.COULD_NOT_VERIFY, "nothing is here that recovers an empty machine", 0.0)
            return Recovered({}, (), (nobody,))
        return recover_all(self.machine, stage, [turn for turn in self.plan.turns if self._by_files(turn)], held)

    def _by_files(self, turn: Turn) -> bool:
        """Whether a source comes back as files; a server would put its tablespaces where this machine has its own."""
        system = self.systems.get(turn.source)
        return system is not None and system.server is None

    def _rehearse(self, stage: Stage, bare: Recovered, held: ExitStack) -> tuple[SourceDrill, ...]:
        together = self.plan.level is Level.ANNUAL or self.plan.scenario in TOGETHER
        waited = 0.0
        rehearsals = [
            Rehearsal(turn, self.systems.get(turn.source), stage, bare.sources.get(turn.source))
            for turn in self.plan.turns
        ]
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
        """What the whole was to show, and nothing asked."""
        systems = [self.systems[turn.source] for turn in self.plan.turns if turn.source in self.systems]
        asked = {aspect for system in systems for aspect in system.aspects}
        partly = self.narrowed or self.plan.scenario is Scenario.HUMAN_ERROR
        for aspect, question in _WANTED.items():
            if aspect in self.wanted and aspect not in asked and not partly:
                told = f"covenant.toml asks for '{aspect}', and no probe asks about it"
                yield Answer(question, Result.COULD_NOT_VERIFY, told, 0.0)
