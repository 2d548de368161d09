"""Counting copies: how many good ones each object has, and what each region lacks.

From the listings alone, so that it takes no bytes and no key. A copy of the wrong size does not count; one of the right
size with wrong bytes does until it was seen, or ``heal --verify`` has read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from covenant.kernel.errors import CovenantError, ObjectMissing
from covenant.replicate.holdings import Holdings, Sizes, gaps, right_size, side_by_side
from covenant.replicate.naming import EPOCHS, is_lock, proves_itself
from covenant.replicate.region import Region
from covenant.replicate.roll import Roll, call_roll
from covenant.replicate.sightings import Sighting
from covenant.vault.names import CONFIG, SNAPSHOTS, id_of


@dataclass(frozen=True, slots=True)
class Standing:
    """One region's part. Bytes and objects are those that are whole by their size."""

    region: str
    reached: bool
    member: bool
    objects: int = 0
    bytes: int = 0
    missing: int = 0
    damaged: int = 0
    oldest_missing: datetime | None = None
    """The moment of the oldest snapshot that is not there, where moments are known."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Census:
    """The copies of one vault.

    ``copies`` says how many objects have so many good copies. ``promise`` is the best that holds of every object now:
    ``all``, ``quorum`` where each has as many copies as are acknowledged, or ``broken``.
    """

    standings: tuple[Standing, ...]
    copies: Mapping[int, int]
    epoch: int | None
    primary: str
    promise: str
    acknowledge: int
    fewest: tuple[str, ...] = field(default=())
    """A few of the objects with the fewest copies."""

    @property
    def kept(self) -> bool:
        """Whether everything has as many copies as was promised, and every region is well."""
        return self.promise == "all" and self.epoch is not None


_NAMED = 5


def concerns_copies(name: str) -> bool:
    """Whether an object is copied from region to region at all."""
    return name == CONFIG or (proves_itself(name) and not is_lock(name))


@dataclass(frozen=True, slots=True)
class Seen:
    """All regions listed: those that answered, with what they hold."""

    roll: Roll
    regions: tuple[Region, ...]
    holdings: tuple[Holdings, ...]
    failures: Mapping[str, CovenantError]

    def objects(self) -> Iterator[tuple[str, Sizes]]:
        """Every object that is to lie in all regions, in the order in which they must arrive; ``config`` last."""
        return (found for found in side_by_side(self.holdings) if concerns_copies(found[0]))


def look(regions: Sequence[Region]) -> Seen:
    """List all regions side by side. Nothing is raised for one that fails."""
    with ThreadPoolExecutor(len(regions), "look") as threads:
        roll = call_roll(regions, threads)
        asked = [region for region in regions if region.name in roll.reached]
        answers = [threads.submit(_holdings, region) for region in asked]
        here, held, failures = list[Region](), list[Holdings](), dict[str, CovenantError]()
        for region, answer in zip(asked, answers, strict=True):
            try:
                held.append(answer.result())
                here.append(region)
            except CovenantError as error:
                failures[region.name] = error
    _look_again(here, held)
    return Seen(roll, tuple(here), tuple(held), failures)


_ASKED_AGAIN = 1000


def _look_again(regions: Sequence[Region], held: Sequence[Holdings]) -> None:
    """Ask anew for what one listing has and another lacks: they were made at different moments, while others write.

    Only where there are few such objects. Many are a region that fell behind, and a few more or less of them no matter.
    """
    few = list(islice(filter(concerns_copies, gaps(held)), _ASKED_AGAIN + 1))
    if len(few) > _ASKED_AGAIN:
        return
    for name in few:
        for region, holdings in zip(regions, held, strict=True):
            with suppress(CovenantError):
                _correct(region, holdings, name)


def _correct(region: Region, holdings: Holdings, name: str) -> None:
    """Take up what a region says of one object now."""
    try:
        size = region.ask(lambda store: store.size(name))
    except ObjectMissing:
        holdings.discard(name)
    else:
        holdings.discard(name)
        holdings.add(name, size)


def _holdings(region: Region) -> Holdings:
    return region.ask(lambda store: Holdings(listed for listed in store.list("") if not _is_ours(listed.name)))


def _is_ours(name: str) -> bool:
    return is_lock(name) or name.startswith(f"{EPOCHS}/")


def count(
    seen: Seen,
    everyone: Sequence[str],
    acknowledge: int,
    known: Sequence[Sighting] = (),
    moments: Mapping[str, datetime] | None = None,
) -> Census:
    """How many good copies there are of each object. ``moments`` are those of snapshots, by id, where known."""
    names = [region.name for region in seen.regions]
    bad = {(sighting.region, sighting.name) for sighting in known if sighting.trouble == "damaged"}
    tallies = {name: _Tally() for name in names}
    copies, fewest = Counter[int](), dict[int, list[str]]()
    for name, sizes in seen.objects():
        size, good = right_size(sizes), 0
        for region, found in zip(names, sizes, strict=True):
            whole = found == size and (region, name) not in bad
            good += whole
            tallies[region].add(name, found, whole, moments or {})
        copies[good] += 1
        few = fewest.setdefault(good, [])
        if len(few) < _NAMED:
            few.append(name)
    least = min(copies, default=len(everyone))
    epoch = seen.roll.epoch
    return Census(
        tuple(_standing(name, seen, tallies) for name in everyone),
        dict(sorted(copies.items(), reverse=True)),
        None if epoch is None else epoch.number,
        (epoch or seen.roll.highest).primary,
        "all" if least >= len(everyone) else "quorum" if least >= acknowledge else "broken",
        acknowledge,
        tuple(fewest[least]) if copies and least < len(everyone) else (),
    )


class _Tally:
    """One region's numbers."""

    def __init__(self) -> None:
        self.objects = self.bytes = self.missing = self.damaged = 0
        self.oldest: datetime | None = None

    def add(self, name: str, found: int | None, whole: bool, moments: Mapping[str, datetime]) -> None:
        if whole:
            self.objects += 1
            self.bytes += found or 0
            return
        self.missing += found is None
        self.damaged += found is not None
        moment = moments.get(id_of(name)) if name.startswith(f"{SNAPSHOTS}/") else None
        if moment is not None and (self.oldest is None or moment < self.oldest):
            self.oldest = moment


def _standing(name: str, seen: Seen, tallies: Mapping[str, _Tally]) -> Standing:
    presence = seen.roll.presences[name]
    tally = tallies.get(name)
    if tally is None:
        return Standing(name, False, False, error=str(seen.failures.get(name) or presence.error or ""))
    member = name in seen.roll.members
    return Standing(name, True, member, tally.objects, tally.bytes, tally.missing, tally.damaged, tally.oldest)
