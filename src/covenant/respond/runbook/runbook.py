"""A runbook as a value: procedures of steps, each with what is done, by which command, and how long it took before."""

from __future__ import annotations

from dataclasses import dataclass

from covenant.prove.record import Scenario
from covenant.respond.runbook.ground import Ground, Spread


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do. ``command`` is typed as it stands, apart from words in capitals, which ``text`` explains."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the five steps: its word, what the policy says of it, what is done, and how long it took in drills."""

    name: str
    purpose: str
    acts: tuple[Act, ...]
    took: Spread


@dataclass(frozen=True, slots=True)
class Procedure:
    """Five steps, in order."""

    title: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    """What to do in one scenario. ``own`` are the policy's own words for it."""

    scenario: Scenario
    title: str
    about: str
    own: tuple[str, ...]
    procedures: tuple[Procedure, ...]
    ground: Ground
