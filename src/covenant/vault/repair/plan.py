"""What every plan of a repair has in common: steps that explain themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from covenant.kernel.findings import Finding


class Act(StrEnum):
    """What a step does to an object of the vault."""

    WRITE = "write"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that will be done, and why. Writes come before removals."""

    act: Act
    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.act} {self.subject}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """Steps in the order in which they are taken, and findings: what no repair brings back."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps

    def as_json(self) -> dict[str, object]:
        """The plan as plain values."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "findings": [asdict(finding) for finding in self.findings],
        }
