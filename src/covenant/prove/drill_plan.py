"""What a drill rehearses, and in which order: decided from the promises alone, before anything is touched.

Services come back in order: the critical first, then the important, the enhanced and the optional (``recover.order``).
A monthly drill restores what is critical; a quarterly and an annual one everything. A source that a probe of another
refers to is restored beside it, whatever its own rank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from covenant.kernel.errors import UsageError
from covenant.kernel.policy import SourcePolicy
from covenant.prove.record import Level, Scenario
from covenant.recover.order import in_order, rank_of


@dataclass(frozen=True, slots=True)
class Turn:
    """One source's turn in a drill, and why it has one."""

    promised: SourcePolicy
    rank: str
    reason: str

    @property
    def source(self) -> str:
        """Its name."""
        return self.promised.source


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What shall be rehearsed, in order."""

    level: Level
    scenario: Scenario | None
    turns: tuple[Turn, ...]


def plan(
    sources: Iterable[SourcePolicy],
    level: Level,
    scenario: Scenario | None = None,
    *,
    only: Collection[str] = (),
    needs: Mapping[str, Collection[str]] | None = None,
    restoration: Mapping[str, Sequence[str]] | None = None,
) -> DrillPlan:
    """The sources in their order.

    ``only`` names them, where not the level shall decide; ``needs`` says which others a source's probes refer to, and
    ``restoration`` what the policy says of the order. Raises ``UsageError`` for a source that was promised nothing.
    """
    known = {each.source: each for each in sources}
    if unknown := set(only) - known.keys():
        raise UsageError(f"there is no source '{min(unknown)}'", f"There are: {', '.join(sorted(known)) or 'none'}.")
    order = restoration or {}
    ranks = {name: rank_of(name, each.priority.value, order) for name, each in known.items()}
    reasons = dict.fromkeys(only, "asked for") if only else _by_level(ranks, level)
    for name in list(reasons):
        for other in (needs or {}).get(name, ()):
            if other in known:
                reasons.setdefault(other, f"a probe of '{name}' refers to it")
    names = in_order({name: known[name].priority.value for name in reasons}, order)
    return DrillPlan(level, scenario, tuple(Turn(known[name], ranks[name], reasons[name]) for name in names))


def _by_level(ranks: Mapping[str, str], level: Level) -> dict[str, str]:
    """Which sources a level takes. Where nothing is critical, a monthly drill takes what comes first all the same."""
    if level is not Level.MONTHLY:
        return dict.fromkeys(ranks, f"{level} drills take everything")
    for rank in ("critical", "important", "enhanced", "optional"):
        if chosen := [name for name, its in ranks.items() if its == rank]:
            return dict.fromkeys(chosen, f"it is {rank}, and goes first")
    return {}
