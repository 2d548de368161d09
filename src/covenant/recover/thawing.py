"""What a restore needs that lies in an archival class: a plan of what must be thawed, how long that takes and roughly
what it costs; and asking for it.

Asking is repeatable. What was asked for thaws whether anyone waits or not, and the same restore asked again finds it
at hand; so waiting is a convenience, and stopping is safe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from covenant.kernel.errors import ObjectMissing
from covenant.recover.job import RestoreJob
from covenant.recover.listing import walk
from covenant.recover.ports import Archive, Lying, Speed
from covenant.recover.preview import place_of
from covenant.recover.selection import Selection
from covenant.vault.lanes import in_threads
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType

_LANES = 16
_GB = 1e9


class Pace(NamedTuple):
    """What a store promises of one speed: hours from and to, and dollars for a gigabyte and for a thousand requests."""

    least: float
    most: float
    per_gb: float
    per_thousand: float


PACES: Mapping[tuple[str, Speed], Pace] = {
    ("GLACIER", "expedited"): Pace(1 / 60, 5 / 60, 0.03, 10.0),
    ("GLACIER", "standard"): Pace(3, 5, 0.01, 0.05),
    ("GLACIER", "bulk"): Pace(5, 12, 0.0, 0.025),
    ("DEEP_ARCHIVE", "standard"): Pace(9, 12, 0.02, 0.10),
    ("DEEP_ARCHIVE", "bulk"): Pace(12, 48, 0.0025, 0.025),
}
"""Amazon's published times and its list prices of us-east-1; a guide for choosing, never a bill. Reading out of the
region costs beside it."""


class Frozen(NamedTuple):
    """A pack that must be thawed: in which region, and how it lies there."""

    name: str
    region: str
    lying: Lying


class Offer(NamedTuple):
    """One speed for all that is frozen: hours from and to, and roughly how many dollars."""

    speed: Speed
    least: float
    most: float
    dollars: float


@dataclass(frozen=True, slots=True)
class ThawPlan:
    """What a restore needs: how many packs in all, and which of them are frozen, or on their way."""

    packs: int
    frozen: tuple[Frozen, ...] = ()
    thawing: tuple[Frozen, ...] = ()

    @property
    def at_hand(self) -> bool:
        """Whether everything can be read now."""
        return not self.frozen and not self.thawing

    @property
    def bytes(self) -> int:
        """How much is frozen. Packs are thawed whole, however little of one is wanted."""
        return sum(each.lying.size for each in self.frozen)

    @property
    def classes(self) -> Mapping[str, int]:
        """How many of the frozen packs lie in which class."""
        return Counter(each.lying.storage_class for each in self.frozen)

    def offers(self) -> Iterator[Offer]:
        """What each speed takes that is to be had for everything frozen, the quickest first."""
        speeds: tuple[Speed, ...] = ("expedited", "standard", "bulk")
        for speed in speeds:
            paces = [(each, PACES.get((each.lying.storage_class, speed))) for each in self.frozen]
            known = [(each, pace) for each, pace in paces if pace is not None]
            if known and len(known) == len(paces):
                dollars = sum(pace.per_gb * each.lying.size / _GB + pace.per_thousand / 1000 for each, pace in known)
                most = [pace for _, pace in known]
                yield Offer(speed, max(pace.least for pace in most), max(pace.most for pace in most), dollars)


def needed_packs(job: RestoreJob) -> list[str]:
    """The packs that the content of the wanted files lies in, in the order in which they are met."""
    selection, top = Selection(job.include, job.exclude), job.path.rstrip("/")
    packs: dict[bytes, None] = {}
    for found in walk(job.vault, job.snapshot, job.path):
        if found.node.type != "file" or not selection.takes(place_of(job, found, top)):
            continue
        for blob_id in found.node.content or ():
            if (place := job.vault.index.find(bytes.fromhex(blob_id), BlobType.DATA)) is not None:
                packs[place.pack] = None
    return [object_name(DATA, pack.hex()) for pack in packs]


def plan(needed: Sequence[str], archives: Mapping[str, Archive], elsewhere: Callable[[str], bool]) -> ThawPlan:
    """How what is needed lies. ``elsewhere`` says whether a region that archives nothing has a pack."""
    frozen, thawing = list[Frozen](), list[Frozen]()
    asked = [name for name in needed if not elsewhere(name)]
    for nearest in in_threads(partial(_nearest, archives), asked, _LANES):
        if nearest is not None and nearest.lying.state == "frozen":
            frozen.append(nearest)
        elif nearest is not None and nearest.lying.state == "thawing":
            thawing.append(nearest)
    return ThawPlan(len(needed), tuple(frozen), tuple(thawing))


def thaw(planned: ThawPlan, archives: Mapping[str, Archive], speed: Speed, days: int) -> ThawPlan:
    """Ask for all that is frozen; the plan as it is from then on."""

    def ask(each: Frozen) -> Frozen:
        archives[each.region].thaw(each.name, speed, days)
        return each

    asked = tuple(in_threads(ask, planned.frozen, _LANES))
    return ThawPlan(planned.packs, (), (*planned.thawing, *asked))


def look_again(planned: ThawPlan, archives: Mapping[str, Archive]) -> ThawPlan:
    """The same plan, asked anew of what was not at hand."""
    names = [each.name for each in (*planned.frozen, *planned.thawing)]
    again = plan(names, archives, lambda name: False)
    return ThawPlan(planned.packs, again.frozen, again.thawing)


def _nearest(archives: Mapping[str, Archive], name: str) -> Frozen | None:
    """How the copy lies that is soonest at hand; ``None`` where there is none at all."""
    return min(_copies(archives, name), key=lambda copy: _ORDER[copy.lying.state], default=None)


_ORDER = {"at hand": 0, "thawing": 1, "frozen": 2}


def _copies(archives: Mapping[str, Archive], name: str) -> Iterable[Frozen]:
    for region, archive in archives.items():
        try:
            yield Frozen(name, region, archive.look(name))
        except ObjectMissing:
            continue
