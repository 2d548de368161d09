"""A check-up of a source: what was looked at, what was seen, and what to do about what is missing.

A *grade* is a way in which a source can be kept. It holds when nothing that it needs is lacking; a remark takes nothing
away from it, and should be known all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What one look came to."""

    GOOD = "good"
    REMARK = "remark"
    LACKING = "lacking"
    UNKNOWN = "could not verify"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``fix`` says what to do, ``needed_by`` which grades cannot do without it."""

    subject: str
    verdict: Verdict
    detail: str
    fix: str = ""
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grade:
    """A way of keeping a source: whether it holds, why not, and how much may be lost with it."""

    name: str
    holds: bool
    why: str
    rpo: str
    covered: bool = True
    """Whether this version carries it out."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What is known of one source now. The grades stand in order, the best first."""

    source: str
    kind: str
    grades: tuple[Grade, ...]
    checks: tuple[Check, ...]

    @property
    def grade(self) -> Grade | None:
        """The best that holds and that this version carries out; ``None`` where it cannot be kept at all."""
        return next((grade for grade in self.grades if grade.holds and grade.covered), None)

    @property
    def sound(self) -> bool:
        """Whether there is nothing to be done: the best grade holds, and nothing is lacking but for lesser grades."""
        best, wrong = self.grades[0], (Verdict.LACKING, Verdict.UNKNOWN)
        concerning = (check for check in self.checks if not check.needed_by or best.name in check.needed_by)
        return self.grade == best and not any(check.verdict in wrong for check in concerning)


def graded(name: str, checks: tuple[Check, ...], rpo: str, *, covered: bool = True) -> Grade:
    """A grade, held against what was seen: nothing that it needs may be lacking or unknown."""
    wrong = (Verdict.LACKING, Verdict.UNKNOWN)
    lacking = [check.subject for check in checks if name in check.needed_by and check.verdict in wrong]
    return Grade(name, not lacking, f"lacks: {', '.join(lacking)}" if lacking else "", rpo, covered)
