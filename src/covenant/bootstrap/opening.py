"""Opening a vault's store: one place, or several regions, each with the least privilege that the work can do with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

from covenant.adapters.stores.discarding import DiscardingStore
from covenant.adapters.stores.guarded import AppendOnlyStore, ReadOnlyStore
from covenant.adapters.stores.location import parse_location
from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.clock import SystemClock
from covenant.vault.ports import AppendStore, ReadStore, Store

if TYPE_CHECKING:
    from covenant.adapters.stores.throttled import Bucket
    from covenant.replicate.regional import RegionalStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamedSpec:
    """A region: its name, and what it takes to open its store."""

    name: str
    spec: StoreSpec
    bandwidth: int | None = None
    """The most bytes a second, shared by all such stores of a process."""

    @property
    def local(self) -> bool:
        """Whether it lies on this machine."""
        return parse_location(self.spec.url).kind in ("folder", "memory")

    def open(self, attempts: int) -> Store:
        """The store with every privilege; one behind a network is asked again, and read ahead."""
        store = self.spec.open()
        if self.bandwidth is not None:
            from covenant.adapters.stores.throttled import ThrottledStore

            store = ThrottledStore(store, _bucket(self.bandwidth))
        if self.local:
            return store
        from covenant.adapters.stores.read_ahead import ReadAheadStore
        from covenant.adapters.stores.retrying import RetryingStore

        return ReadAheadStore(RetryingStore(store, SystemClock(), Random(), attempts))

    def make_folder(self) -> None:
        """Make the folder that the store is to lie in, where it is one."""
        from covenant.adapters.stores.posix import PosixStore

        bare = self.spec.open()
        if isinstance(bare, PosixStore):
            bare.create_root()


_ALONE = 8
_AMONG_OTHERS = 3
"""How often a store behind a network is asked: less often where another region can be asked instead."""


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a vault's store: one place, or several regions of which ``acknowledge`` (0: all) must have each write.

    What ``reading``, ``appending`` and ``discarding`` give can be pickled, and opens it in a worker process with that
    privilege and no other. What is seen of damaged copies is noted in the file ``sightings``.
    """

    spec: StoreSpec
    regions: tuple[NamedSpec, ...] = ()
    acknowledge: int = 0
    sightings: Path | None = None
    bandwidth: int | None = None
    away: frozenset[str] = frozenset()
    """Regions that shall not be asked, as if they did not answer."""

    @property
    def places(self) -> tuple[NamedSpec, ...]:
        """Every region; a vault in one place has the single region ``default``."""
        places = self.regions or (NamedSpec("default", self.spec),)
        return tuple(replace(place, bandwidth=self.bandwidth) for place in places)

    @property
    def local(self) -> bool:
        """Whether it lies on this machine, where what is written is seen at once and asking again does not help."""
        return all(place.local for place in self.places)

    def whole(self) -> Store:
        """The store with every privilege."""
        return self.regional() if self.regions else self.places[0].open(_ALONE)

    def regional(self) -> RegionalStore:
        """The same, region by region."""
        from covenant.replicate.region import Region
        from covenant.replicate.regional import RegionalStore
        from covenant.replicate.sightings import Sightings

        clock = SystemClock()
        regions = [Region(place.name, self._open(place), clock) for place in self.places]
        return RegionalStore(regions, self.acknowledge or len(regions), clock, Sightings(self.sightings))

    def _open(self, place: NamedSpec) -> Store:
        if place.name not in self.away:
            return place.open(_AMONG_OTHERS if len(self.regions) > 1 else _ALONE)
        from covenant.adapters.stores.away import AwayStore

        return AwayStore(place.spec.url)

    @property
    def reading(self) -> Callable[[], ReadStore]:
        """Opens it for reading only."""
        return partial(_opened, self, ReadOnlyStore)

    @property
    def appending(self) -> Callable[[], AppendStore]:
        """Opens it for adding only."""
        return partial(_opened, self, AppendOnlyStore)

    @property
    def discarding(self) -> Callable[[], AppendStore]:
        """Opens it for trying out: nothing is added."""
        return partial(_opened, self, DiscardingStore)


@cache
def _bucket(rate: int) -> Bucket:
    from covenant.adapters.stores.throttled import Bucket

    return Bucket(rate, SystemClock())


def _opened(opener: Opener, grade: Callable[[Store], T]) -> T:
    return grade(opener.whole())


def opener(url: str, options: Mapping[str, str]) -> Opener:
    """What opens the store at an address. A folder's path is made absolute. Raises ``UsageError``."""
    location = parse_location(url)
    return Opener(StoreSpec(os.path.abspath(location.path) if location.kind == "folder" else url, dict(options)))


def regional_opener(
    regions: Mapping[str, tuple[str, Mapping[str, str]]], acknowledge: int, cache: Path | None
) -> Opener:
    """What opens a vault that lies in several regions: name to address and options. Raises ``UsageError``."""
    places = tuple(NamedSpec(name, opener(url, options).spec) for name, (url, options) in regions.items())
    addresses = sha256("\n".join(place.spec.url for place in places).encode()).hexdigest()[:16]
    sightings = cache / "regions" / addresses if cache else None
    return Opener(places[0].spec, places, acknowledge, sightings)
