"""The annual drill: everything back onto an empty machine, from one region and what opens the vault.

Nothing of this machine is used: not its covenant.toml, not its catalog, not its cache. What the recovery does and asks
is its own affair (``prove.recovery``); a drill adds what only a copy may bear, the user's application and planted
damage, and says whether the whole came back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from covenant.kernel.answers import Answer, Result, together
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, Interrupted
from covenant.prove.drill_plan import Turn
from covenant.prove.ports import counted
from covenant.prove.record import SourceDrill, Step
from covenant.prove.recovery import SOURCES, Recovery
from covenant.prove.rehearsing import size_of
from covenant.prove.scenarios import Stage

BARE = "Does an empty machine bring everything back from one region and the password?"
_CATALOG = 64 << 20
"""Bytes for the catalog and the policy, which are rebuilt beside the sources."""


class EmptyMachine(Protocol):
    """Recovers sources of a vault into an empty folder, from one of its regions.

    Raises ``Interrupted``, and what opening the vault raises.
    """

    def recover(self, vault: str, sources: Sequence[str], folder: Path) -> Recovery: ...


@dataclass(frozen=True, slots=True)
class CameBack:
    """One source of such a recovery: where it lies, what it came to, and after how many seconds it was back."""

    folder: Path
    drill: SourceDrill
    after: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """All vaults of a drill: the sources that came back, the steps of the whole, and one answer for each vault."""

    sources: Mapping[str, CameBack]
    steps: tuple[Step, ...]
    answers: tuple[Answer, ...]


def recover_all(machine: EmptyMachine, stage: Stage, turns: Sequence[Turn], held: ExitStack) -> Recovered:
    """Recover each vault of the plan into a sandbox that lasts as long as ``held``."""
    sources: dict[str, CameBack] = {}
    steps, answers, waited = list[Step](), list[Answer](), 0.0
    for vault in dict.fromkeys(turn.promised.vault for turn in turns):
        clock = stage.ground.bench.clock
        began = clock.monotonic()
        try:
            names, size = _there(stage, vault, [turn.source for turn in turns if turn.promised.vault == vault])
            folder = held.enter_context(stage.ground.sandboxes.open(size)).folder
            done = machine.recover(vault, names, folder)
        except Interrupted:
            raise
        except CovenantError as error:
            told = f"vault '{vault}': {error.message}"
            answers.append(Answer(BARE, Result.COULD_NOT_VERIFY, told, clock.monotonic() - began))
            continue
        steps += (Step(f"{vault}: {step.name}", step.seconds, step.detail) for step in done.steps)
        waited += sum(step.seconds for step in done.steps)
        for source in done.sources:
            waited += sum(step.seconds for step in source.steps)
            sources[source.source] = CameBack(folder / SOURCES / source.source, source, waited)
        answers.append(_answer(vault, done, clock, began))
    return Recovered(sources, tuple(steps), tuple(answers))


def _there(stage: Stage, vault: str, names: Sequence[str]) -> tuple[list[str], int]:
    """Which of these the vault has, and how many bytes they restore to."""
    access = stage.vaults.open(vault)
    newest = {name: found[-1] for name in names if (found := stage.snapshots(access.vault, name, stage.now))}
    return list(newest), _CATALOG + sum(size_of(access, snapshot) for snapshot in newest.values())


def _answer(vault: str, done: Recovery, clock: Clock, began: float) -> Answer:
    back = [source for source in done.sources if not source.why_not]
    told = f"vault '{vault}': {len(back)} of {counted(len(done.sources), 'source')} back from {done.region}"
    lacking = next((f"; {each.source}: {each.why_not}" for each in done.sources if each.why_not), "")
    asked = together(answer.result for source in done.sources for answer in source.answers)
    result = asked if done.whole else Result.FAILED
    return Answer(BARE, result, told + lacking, clock.monotonic() - began)
