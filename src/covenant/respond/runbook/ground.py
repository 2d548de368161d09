"""What a runbook is written from: this policy's sources, regions and people, and what past drills took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from covenant.kernel.formats import counted, seconds
from covenant.prove.objectives import Forecast
from covenant.prove.record import DrillRecord
from covenant.prove.report.plots import length


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took in drills, in seconds: how often, from the shortest to the longest, and when last."""

    times: int = 0
    shortest: float = 0.0
    middle: float = 0.0
    longest: float = 0.0
    last: datetime | None = None

    def __str__(self) -> str:
        if self.last is None:
            return "never rehearsed"
        when = f"last on {self.last:%Y-%m-%d}"
        if self.times == 1:
            return f"{seconds(self.middle)} in the one drill of it, {when}"
        between = f"{seconds(self.shortest)} to {seconds(self.longest)}"
        return f"{seconds(self.middle)} ({between} in {counted(self.times, 'drill')}, {when})"


def spread(measured: Iterable[tuple[datetime, float]]) -> Spread:
    """The spread of what was measured at these moments."""
    found = list(measured)
    took = [length for _, length in found]
    if not took:
        return Spread()
    return Spread(len(took), min(took), median(took), max(took), max(at for at, _ in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A source: what it is, where it lies, its rank among the others, and how soon it must be back."""

    name: str
    system: str
    data_class: str
    rank: str
    priority: int
    rto: timedelta
    rpo: timedelta
    vault: str
    paths: tuple[str, ...] = ()
    covered: bool = True
    dumped: bool = False
    """Whether it comes back by loading a dump."""
    back: Spread = field(default_factory=Spread)
    """How long it took in drills until it was back and had answered."""
    forecast: Forecast | None = None
    """How long a restore of today's data would take; ``None`` where none was ever measured."""

    @property
    def expected(self) -> str:
        """What is known of how long it will take, in sentences."""
        told = f"In drills: {self.back}."
        if self.forecast is None:
            return told
        low, likely, high = map(length, (self.forecast.low, self.forecast.likely, self.forecast.high))
        known = counted(self.forecast.measurements, "restore")
        return f"{told} Today's data would take about {likely} ({low} to {high}, from {known})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A region of a vault; the first of a vault is its primary. ``needs`` are the references of its secrets."""

    vault: str
    region: str
    url: str
    primary: bool
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """People who are told: who they are, how, and who tells them."""

    who: str
    how: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything that a runbook needs to know. Sources stand in the order in which they come back."""

    policy: str
    made_at: datetime
    sources: tuple[Kept, ...]
    places: tuple[Place, ...]
    contacts: tuple[str, ...] = ()
    """Whom to call, in the order of escalation."""
    vendors: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """What is told by itself, and when: the channels of alerts, the first to ring first."""
    audiences: tuple[Audience, ...] = ()
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The services by rank, as ``[restoration]`` has them."""
    read_only: bool = False
    """Whether the platform becomes read-only while its primary is away."""
    restore_needs: str = ""
    """Who must agree to a restore, where somebody must."""
    about: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the policy itself says of each scenario: what it is about, and its steps."""
    procedures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The policy's own words for the steps of ``database`` and ``system`` recovery."""
    rehearsed: Mapping[str, Spread] = field(default_factory=dict)
    """How long each step took in drills, by its name."""

    @property
    def vaults(self) -> tuple[str, ...]:
        """The vaults, each once."""
        return tuple(dict.fromkeys(place.vault for place in self.places))


def times_of_steps(drills: Sequence[DrillRecord]) -> dict[str, Spread]:
    """How long each step took in these drills, over all sources of a drill together."""
    totals: dict[str, list[tuple[datetime, float]]] = {}
    for drill in drills:
        sums: dict[str, float] = {}
        for step in (*drill.steps, *(step for source in drill.sources for step in source.steps)):
            sums[step.name] = sums.get(step.name, 0.0) + step.seconds
        for name, took in sums.items():
            totals.setdefault(name, []).append((drill.began_at, took))
    return {name: spread(measured) for name, measured in totals.items()}


def times_back(drills: Sequence[DrillRecord]) -> dict[str, Spread]:
    """How long each source took until it was back."""
    totals: dict[str, list[tuple[datetime, float]]] = {}
    for name, at, took in _back(drills):
        totals.setdefault(name, []).append((at, took))
    return {name: spread(measured) for name, measured in totals.items()}


def _back(drills: Iterable[DrillRecord]) -> Iterator[tuple[str, datetime, float]]:
    for drill in drills:
        for source in drill.sources:
            if source.rto.reached is not None and not source.why_not:
                yield source.source, drill.began_at, source.rto.reached.total_seconds()
