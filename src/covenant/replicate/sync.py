"""Bringing every region up to date, and healing damaged copies.

Sync is a union: whatever any region holds is brought to all others, and nothing is ever taken away. It goes folder by
folder in the order in which objects must arrive, and waits for all of a folder before it begins the next: keys, packs,
index files, snapshots, and in a region that was empty the ``config`` at the very end. So a region is never a vault with
holes, and a sync that dies is simply begun again.

Every object is compared with its name on the way; a damaged copy is not carried on. Healing replaces a copy only after
a good one was read and proved.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from covenant.kernel.errors import CovenantError, DamageError, ObjectArchived, ObjectExists, ObjectMissing, StoreDenied
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.replicate.census import Seen
from covenant.replicate.holdings import right_size
from covenant.replicate.naming import folder_of, is_whole
from covenant.replicate.region import Region
from covenant.replicate.sightings import Sighting
from covenant.replicate.spreading import as_usual
from covenant.vault.names import CONFIG
from covenant.vault.ports import put_content

_Work = TypeVar("_Work")

LANES = 8
"""Objects under way at once; each is in memory once, a pack of some 16 MiB."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One object that some regions lack, or have damaged: where from, where to."""

    name: str
    size: int
    sources: tuple[Region, ...]
    lacking: tuple[Region, ...]
    damaged: tuple[Region, ...] = ()


@dataclass(slots=True)
class Carried:
    """What a sync or a healing came to, so far."""

    objects: int = 0
    bytes: int = 0
    replaced: int = 0
    findings: tuple[Finding, ...] = ()
    healed: tuple[Sighting, ...] = ()


def errands(seen: Seen, known: Iterable[Sighting] = ()) -> Iterator[Errand]:
    """Everything that is to be carried, in order. ``known`` names copies that were seen damaged."""
    bad = {(sighting.region, sighting.name) for sighting in known if sighting.trouble == "damaged"}
    for name, sizes in seen.objects():
        size = right_size(sizes)
        good, lacking, damaged = list[Region](), list[Region](), list[Region]()
        for region, found in zip(seen.regions, sizes, strict=True):
            whole = found == size and (region.name, name) not in bad
            (lacking if found is None else good if whole else damaged).append(region)
        if lacking or damaged:
            yield Errand(name, size, (*good, *damaged), tuple(lacking), tuple(damaged))


def errands_to(seen: Seen, name: str) -> Iterator[Errand]:
    """Only what one region lacks, and only to there."""
    for errand in errands(seen):
        if lacking := tuple(region for region in errand.lacking if region.name == name):
            yield replace(errand, lacking=lacking, damaged=())


def verify(
    seen: Seen, progress: Progress | None = None, lanes: int = LANES, unread: Counter[str] | None = None
) -> tuple[Sighting, ...]:
    """Read every copy in every region and compare it with its name; what is damaged.

    ``unread`` counts by region the copies that must be thawed first, of which nothing is known.
    """
    progress, found, lock = progress or Silent(), list[Sighting](), threading.Lock()
    archived = Counter[str]() if unread is None else unread

    def prove(work: tuple[Region, str]) -> None:
        region, name = work
        try:
            data = region.ask(lambda store: store.get(name))
        except ObjectMissing:
            return
        except ObjectArchived:
            with lock:
                archived[region.name] += 1
            return
        except DamageError:
            data = b""
        if not is_whole(name, data):
            with lock:
                found.append(Sighting(region.name, name, "damaged"))
        progress.advance(files=1, bytes=len(data))

    copies = (
        (region, name)
        for name, sizes in seen.objects()
        for region, size in zip(seen.regions, sizes, strict=True)
        if size is not None
    )
    _in_lanes(prove, copies, lanes)
    return tuple(found)


def carry_out(
    work: Iterable[Errand],
    progress: Progress | None = None,
    lanes: int = LANES,
    is_content: Callable[[str], bool] = lambda name: False,
) -> Carried:
    """Carry everything, folder after folder. What could not be carried is a finding, and the rest goes on.

    ``is_content`` says which packs hold content of files alone and may lie in a cheaper class; nobody without a key
    can tell.

    Where anything of a folder failed for a region, nothing that could name it is brought there (I28).
    """
    carrier = _Carrier(progress or Silent(), is_content)
    for _, group in groupby(work, key=lambda errand: folder_of(errand.name)):
        _in_lanes(carrier.carry, group, lanes)
        carrier.close_folder()
    return carrier.carried


class _Carrier:
    """Carries errands; thread-safe."""

    def __init__(self, progress: Progress, is_content: Callable[[str], bool]) -> None:
        self.carried = Carried()
        self._is_content = is_content
        self._progress = progress
        self._lock = threading.Lock()
        self._incomplete: set[str] = set()
        self._failed: set[str] = set()

    def close_folder(self) -> None:
        """From now on nothing goes to where something is lacking."""
        self._incomplete |= self._failed

    def carry(self, errand: Errand) -> None:
        lacking = [region for region in errand.lacking if region.name not in self._incomplete]
        if not lacking and not errand.damaged:
            return
        data, good, archived = self._read(errand)
        if data is None and archived:
            hint = "Restore with '--thaw', or copy it within the bucket to another class; then sync again."
            message = f"its only whole copies lie in an archival class, in region {', '.join(archived)}"
            self._miss(errand, lacking, "copy-archived", message, hint)
            return
        if data is None:
            names = ", ".join(region.name for region in errand.sources)
            self._miss(errand, lacking, "copy-lost", f"no region has a whole copy of it ({names})")
            return
        for region in lacking:
            self._try(errand, region, data, self._add)
        for region in errand.damaged:
            if region is not good:
                self._try(errand, region, data, self._replace)
        self._progress.advance(files=1, bytes=len(data))

    def _read(self, errand: Errand) -> tuple[bytes | None, Region | None, list[str]]:
        """The first copy that proves itself, and the regions that must thaw theirs before it can.

        Of ``config`` nobody can tell; the size has decided.
        """
        archived = list[str]()
        for region in errand.sources:
            try:
                data = region.ask(lambda store: store.get(errand.name))
            except ObjectArchived:
                archived.append(region.name)
                continue
            except (CovenantError, OSError):
                continue
            if is_whole(errand.name, data) and (errand.name != CONFIG or len(data) == errand.size):
                return data, region, archived
        return None, None, archived

    def _try(self, errand: Errand, region: Region, data: bytes, act: Callable[[Errand, Region, bytes], None]) -> None:
        try:
            act(errand, region, data)
        except StoreDenied as error:
            hint = "Where it is under a term of immutability, heal again when that has ended."
            self._miss(
                errand, [region], "copy-denied", f"region '{region.name}' does not let it be stored: {error}", hint
            )
        except CovenantError as error:
            self._miss(errand, [region], "copy-failed", f"region '{region.name}': {error}", error.hint)

    def _add(self, errand: Errand, region: Region, data: bytes) -> None:
        put = put_content if self._is_content(errand.name) else as_usual
        try:
            region.ask(lambda store: put(store, errand.name, data))
        except ObjectExists:
            return  # a writer was as quick
        with self._lock:
            self.carried.objects += 1
            self.carried.bytes += len(data)
            self.carried.healed += (Sighting(region.name, errand.name, "missing"),)

    def _replace(self, errand: Errand, region: Region, data: bytes) -> None:
        # The copy is worth nothing, and a good one was just read elsewhere: a crash in between leaves it missing.
        there = _bytes_of(region, errand.name)
        if there != data:
            if there is not None:
                region.ask(lambda store: store.delete(errand.name))
            region.ask(lambda store: store.put(errand.name, data))
        with self._lock:
            self.carried.replaced += 1
            self.carried.bytes += len(data)
            self.carried.healed += (Sighting(region.name, errand.name, "damaged"),)

    def _miss(self, errand: Errand, regions: Sequence[Region], kind: str, message: str, hint: str = "") -> None:
        with self._lock:
            self.carried.findings += (Finding(kind, errand.name, message, hint),)
            self._failed |= {region.name for region in regions}


def _bytes_of(region: Region, name: str) -> bytes | None:
    try:
        return region.ask(lambda store: store.get(name))
    except ObjectMissing:
        return None
    except DamageError:
        return b""


def _in_lanes(act: Callable[[_Work], None], items: Iterable[_Work], lanes: int) -> None:
    """``act`` on every item, by ``lanes`` threads, never far ahead."""
    with ThreadPoolExecutor(lanes, "sync") as pool:
        waiting = set[Future[None]]()
        for item in items:
            waiting.add(pool.submit(act, item))
            if len(waiting) >= 2 * lanes:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        for future in waiting:
            future.result()
