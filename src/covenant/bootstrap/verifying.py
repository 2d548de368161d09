"""Reading a vault back, put together: its regions listed, what is remembered of them, what is read, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from covenant.bootstrap import NamedSpec, Opener, OpenVault
from covenant.kernel.findings import Finding
from covenant.prove.marks import Mark, Marks, MarksFile
from covenant.prove.reading_back import DAMAGED, Errand, Manner, Proof, Tally, read_back
from covenant.prove.rolling import Account, Copy, account, chosen, in_turn, pace
from covenant.replicate.census import look
from covenant.replicate.sightings import Sighting, Sightings
from covenant.vault.check.proof import prove_object

if TYPE_CHECKING:
    from random import Random

    from covenant.replicate.census import Seen
    from covenant.replicate.holdings import Holdings
    from covenant.replicate.region import Region

Choose: TypeAlias = Callable[[Marks], Sequence[Copy]]
"""Which copies of a region are read, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of it, region by region. ``left_out`` says why one could not be looked at at all; ``missing`` how many
    objects one lacks that another holds.
    """

    accounts: Mapping[str, Account]
    tallies: Mapping[str, Tally]
    left_out: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def damaged(self) -> tuple[Finding, ...]:
        """Everything that was found damaged."""
        return tuple(finding for tally in self.tallies.values() for finding in tally.damaged)

    @property
    def not_verified(self) -> Mapping[str, str]:
        """The regions of which something could not be read, and why."""
        failed = {name: tally.why for name, tally in self.tallies.items() if tally.unread}
        lacking = {name: f"it lacks {count:,} objects" for name, count in self.missing.items() if count}
        return {**self.to_be_thawed, **lacking, **failed, **self.left_out}

    @property
    def to_be_thawed(self) -> Mapping[str, str]:
        """The regions of which something lies in an archival class, and how much."""
        return {
            name: f"{tally.archived:,} objects must be thawed before they can be read"
            for name, tally in self.tallies.items()
            if tally.archived
        }

    @property
    def verdict(self) -> str:
        """What this reading proves: that nothing is damaged only where everything could be read."""
        if self.damaged:
            return "failed"
        return "could not verify" if self.not_verified else "passed"


def everything(marks: Marks) -> Sequence[Copy]:
    """All copies, the oldest first."""
    return sorted(marks.copies(), key=in_turn)


def what_is_due(now: datetime, within: timedelta, until: timedelta) -> Choose:
    """What must be read in the time until the next run, at the pace that keeps the promise."""

    def choose(marks: Marks) -> Sequence[Copy]:
        return chosen(marks.copies(), now, within, pace(marks.copies(), now, within) * until.total_seconds())

    return choose


def a_sample(share: float, random: Random) -> Choose:
    """Each copy with this likelihood, and at least one."""

    def choose(marks: Marks) -> Sequence[Copy]:
        found = [copy for copy in marks.copies() if random.random() < share]
        return sorted(found or list(marks.copies())[:1], key=in_turn)

    return choose


def verify(
    opened: OpenVault,
    folder: Path,
    within: timedelta,
    choose: Choose,
    manner: Manner,
    *,
    regions: Sequence[str] = (),
    before: Mapping[str, Account] | None = None,
) -> Verified:
    """Read copies back in every region, or in those named; what is remembered of them lies in ``folder``.

    ``before`` is what the catalog knows, which counts where what is remembered was lost. A region that is empty has
    lost its memory, and is left out as one that does not answer.
    """
    before, now = before or {}, manner.clock.now()
    places = {place.name: place for place in opened.opener.places if not regions or place.name in regions}
    seen = look(opened.opener.regional().regions)
    reading = _Round(places, before, now)
    for region, holdings in zip(seen.regions, seen.holdings, strict=True):
        if region.name in places and region.name in seen.roll.members:
            reading.begin(region, holdings, MarksFile(_path(folder, opened, places[region.name])))
    work = {region: choose(reading.marks[region.name]) for region in reading.regions}
    manner.progress.expect(
        files=sum(map(len, work.values())), bytes=sum(copy.size for copies in work.values() for copy in copies)
    )
    tallies = read_back(_in_order(work), reading.keep, replace(manner, proofs=_proofs(opened, list(reading.marks))))
    return Verified(
        accounts=reading.accounts(within),
        tallies={name: tallies.get(name, Tally()) for name in reading.marks},
        left_out={name: _why(seen, name) for name in places if name not in reading.marks},
        missing={name: count for name, count in _missing(seen).items() if name in reading.marks},
    )


class _Round:
    """One reading of the regions that answer, with what is remembered of each."""

    def __init__(self, places: Collection[str], before: Mapping[str, Account], now: datetime) -> None:
        self.regions: list[Region] = []
        self.marks: dict[str, Marks] = {}
        self._files: dict[str, MarksFile] = {}
        self._places = places
        self._before = before
        self._now = now

    def begin(self, region: Region, holdings: Holdings, file: MarksFile) -> None:
        """Take up a region that answers."""
        name = region.name
        self.regions.append(region)
        self._files[name] = file
        self.marks[name] = file.begin(holdings, _second(self._now), _floor(self._before.get(name)))

    def keep(self, region: str, looks: Mapping[str, Mark]) -> None:
        """Remember looks: durably, and for the account."""
        self._files[region].append(looks)
        for name, mark in looks.items():
            self.marks[region].add(name, mark)

    def accounts(self, within: timedelta) -> dict[str, Account]:
        """How far each place is proved; of one that does not answer, what was known before."""
        return {
            name: account(name, self.marks[name].copies(), self._now, within)
            if name in self.marks
            else replace(self._before.get(name) or Account(region=name, at=self._now), at=self._now, reached=False)
            for name in self._places
        }


def note(opener: Opener, done: Verified) -> None:
    """Let ``covenant region heal`` know of what another copy can mend."""
    sightings = Sightings(opener.sightings)
    for region, tally in done.tallies.items():
        for finding in tally.damaged:
            if finding.kind == DAMAGED:
                sightings.add(Sighting(region, finding.subject, "damaged"))


def _missing(seen: Seen) -> Counter[str]:
    """How many objects each region lacks that another holds."""
    names = [region.name for region in seen.regions]
    return Counter(name for _, sizes in seen.objects() for name, size in zip(names, sizes, strict=True) if size is None)


def _why(seen: Seen, region: str) -> str:
    """Why a region could not be looked at."""
    return str(seen.failures.get(region) or seen.roll.presences[region].error or "it is empty")


def _in_order(work: Mapping[Region, Sequence[Copy]]) -> Iterator[Errand]:
    """The copies of all regions, the oldest first, and of one moment by turns: no region waits for another's end."""
    queues = (map(partial(Errand, region), copies) for region, copies in work.items())
    return merge(*queues, key=lambda errand: in_turn(errand.copy))


def _proofs(opened: OpenVault, regions: Sequence[str]) -> Mapping[str, Proof]:
    """Packs are opened in one region: everywhere else the same hash says that the same bytes lie there."""
    return {name: partial(prove_object, opened.vault, blobs=number == 0) for number, name in enumerate(regions)}


def _path(folder: Path, opened: OpenVault, place: NamedSpec) -> Path:
    """The file of one region: of this vault at this address, and of no other."""
    address = f"{place.spec.options.get('endpoint', '')} {place.spec.url}"
    return folder / f"{opened.vault.config.id[:16]}-{sha256(address.encode()).hexdigest()[:16]}.marks"


def _floor(known: Account | None) -> int | None:
    return None if known is None or known.oldest is None else _second(known.oldest)


def _second(moment: datetime) -> int:
    return int(moment.timestamp())
