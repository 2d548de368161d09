"""What retention decided: a value that people read, programs store, and one door alone carries out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Generic, NamedTuple

from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding
from covenant.safeguard.grouping import C, Candidate
from covenant.safeguard.rules import Reason


class Kept(NamedTuple, Generic[C]):
    """A snapshot that stays, and every reason for it."""

    candidate: C
    reasons: tuple[Reason, ...]

    def why(self) -> str:
        """The reasons in one line."""
        return ", ".join(map(str, self.reasons))


@dataclass(frozen=True, slots=True)
class RetentionPlan(Generic[C]):
    """What is kept and what is forgotten, group by group, each newest first.

    ``at`` is the moment of the decision and ``policy`` the rules in words. Every candidate stands in exactly one of
    ``keep`` and ``forget``. ``findings`` names what a person should look at before the plan is applied.
    """

    at: datetime
    policy: str
    keep: tuple[Kept[C], ...]
    forget: tuple[C, ...]
    findings: tuple[Finding, ...] = ()

    def why(self, candidate: Candidate) -> str:
        """Why this snapshot stays or goes. Raises ``UsageError`` for one that was not judged."""
        for kept in self.keep:
            if kept.candidate.id == candidate.id:
                return kept.why()
        if any(gone.id == candidate.id for gone in self.forget):
            return f"no rule keeps it: {self.policy}"
        raise UsageError(f"snapshot {candidate.id} is not part of this plan", "Make a new plan that includes it.")

    def as_json(self) -> dict[str, object]:
        """The plan as plain values, ready for ``json.dumps``; moments are in RFC 3339."""
        return {
            "at": self.at.isoformat(),
            "policy": self.policy,
            "keep": [
                _described(one.candidate) | {"reasons": [asdict(why) for why in one.reasons]} for one in self.keep
            ],
            "forget": [_described(candidate) for candidate in self.forget],
            "findings": [asdict(finding) for finding in self.findings],
        }


def _described(candidate: Candidate) -> dict[str, object]:
    return {
        "id": candidate.id,
        "time": candidate.time.isoformat(),
        "hostname": candidate.hostname,
        "paths": list(candidate.paths or ()),
        "tags": list(candidate.tags),
    }
