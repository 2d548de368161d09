"""How things stand: what was promised beside what was reached, and the verdict with its reasons.

These are the words only. ``loop.standing`` finds them out; alerts, metrics and ``covenant status`` tell them.
What is not known is never called kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What can be said of a promise at one moment, the best first."""

    KEPT = "kept"
    WAITING = "waiting"
    """The first moment at which something was due has not passed for long enough; nothing was promised yet."""
    NOT_COVERED = "not covered"
    """This version cannot keep it, and nothing is done for it."""
    AT_RISK = "at risk"
    """Still kept, but on the way to being broken; or not known, which is no better."""
    BROKEN = "broken"

    @property
    def weight(self) -> int:
        """How bad it is: of several verdicts the heaviest counts."""
        return _WEIGHTS[self]


_WEIGHTS = {verdict: weight for weight, verdict in enumerate(Verdict)}


def heaviest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts where several hold; of none at all, ``KEPT``."""
    return max(verdicts, key=lambda verdict: verdict.weight, default=Verdict.KEPT)


@dataclass(frozen=True, slots=True)
class Because:
    """One reason for a verdict that is not plainly ``kept``.

    ``promise`` is a fixed word for machines: ``rpo``, ``rto``, ``copies``, ``window``, ``proof``, ``verify``, ``run``,
    ``region``, ``chore``, ``cover``, ``drill``, ``log``. ``since`` is when it began to hold, where that is known.
    """

    promise: str
    verdict: Verdict
    text: str
    hint: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStanding:
    """One source: each number that was promised, and beside it the one that was reached (``None``: not known)."""

    source: str
    system: str
    vault: str
    data_class: str
    tier: str = ""
    priority: int
    verdict: Verdict
    because: tuple[Because, ...] = ()
    rpo: timedelta
    rpo_reached: timedelta | None = None
    """The age of the newest good snapshot: what would be lost if the source were lost now."""
    rpo_worst: timedelta | None = None
    """The longest time that the newest backup had to stand for, until the next one was there."""
    rpo_expected: timedelta | None = None
    """How old the newest backup will be at the most, by the schedule and by how long backups take."""
    rto: timedelta
    rto_estimated: timedelta | None = None
    """How long a restore of today's data would probably take, as restores and drills took so far."""
    rto_at_least: timedelta | None = None
    rto_at_most: timedelta | None = None
    """How far that may be out."""
    rto_measured: timedelta | None = None
    """How long the last restore of all of it took."""
    rto_measured_at: datetime | None = None
    measurements: int = 0
    """How many restores the forecast rests on."""
    window: timedelta
    last_backup: datetime | None = None
    last_snapshot_id: str = ""
    last_failure: str = ""
    """Why the last run failed, if none succeeded since."""
    failures: int = 0
    """How many runs failed since the last good one."""
    last_proof: datetime | None = None
    last_proof_verdict: str = ""
    copies: int
    copies_reached: int | None = None
    """In how many regions everything of the vault is known to lie."""
    next_due: datetime | None = None
    running: int | None = None
    """The id of the run that is at work on it."""
    log_until: datetime | None = None
    """Up to when its change log is in the vault, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionStanding:
    """One region of a vault, as last counted (``None``: never counted)."""

    region: str
    reachable: bool | None = None
    lag: timedelta | None = None
    """For how long the object that waits longest for this region has been missing there; zero when none is."""
    objects: int = 0
    bytes: int = 0
    missing: int = 0
    damaged: int = 0
    counted_at: datetime | None = None
    proved: float | None = None
    """How much of its bytes was read back within the promised time, from 0 to 1; ``None``: none of it ever was."""
    proved_since: datetime | None = None
    """Since when that copy waits to be read back which waits longest: when it was last read, or first seen."""
    archived: int = 0
    """Copies that must be thawed before they can be read: nothing is known of them."""
    unsound: int = 0
    """Copies that reading back found damaged, and that were not found healed since."""

    @property
    def whole(self) -> bool:
        """Whether it is known to hold everything."""
        return bool(self.reachable) and not self.missing and not self.damaged and self.lag == timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoreStanding:
    """One chore of a vault."""

    kind: str
    verdict: Verdict
    last_done: datetime | None = None
    next_due: datetime | None = None
    last_failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStanding:
    """One vault: its regions, in order of preference, and its chores."""

    vault: str
    verdict: Verdict
    because: tuple[Because, ...] = ()
    regions: tuple[RegionStanding, ...] = ()
    acknowledge: int = 1
    verify_within: timedelta | None = None
    """The time in which every byte is read back in each region, where that was promised."""
    chores: tuple[ChoreStanding, ...] = ()

    @property
    def survives(self) -> int | None:
        """The loss of how many regions at once no acknowledged byte would notice, as last counted; ``None``: unknown.

        Where every region is whole, of all but one. Otherwise what waits for the rest is in as many as acknowledge.
        """
        if any(region.counted_at is None for region in self.regions):
            return None
        whole = sum(region.whole for region in self.regions)
        return max(whole, min(self.acknowledge, len(self.regions))) - 1 if whole else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStanding:
    """The drills of one level. ``last_result`` is what the last that was held came to."""

    level: str
    what: str
    verdict: Verdict
    because: tuple[Because, ...] = ()
    last_held: datetime | None = None
    last_result: str = ""
    missed: tuple[datetime, ...] = ()
    """The moments since the last that was held at which one was due, and none was held."""
    next_due: datetime | None = None
    running: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that was promised, at one moment."""

    at: datetime
    verdict: Verdict
    sources: tuple[SourceStanding, ...] = ()
    vaults: tuple[VaultStanding, ...] = ()
    drills: tuple[DrillStanding, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether any promise is broken."""
        return self.verdict is Verdict.BROKEN
