"""Where everything is put together: the one module that knows everyone.

A command names what it needs, a vault to read, to add to, or to take away from, a source to protect, and is handed
exactly that. Whoever only reads is given a store that cannot write, whoever adds one that cannot delete: by type, and
again while the program runs.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar

from covenant.adapters.stores.discarding import DiscardingStore
from covenant.adapters.stores.guarded import AppendOnlyStore, ReadOnlyStore
from covenant.adapters.stores.location import parse_location
from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.clock import Clock, SystemClock
from covenant.kernel.errors import StoreDenied
from covenant.kernel.findings import Finding
from covenant.vault.ports import AppendStore, ReadStore, Store, Terms

if TYPE_CHECKING:
    from covenant.adapters.sources.sqlite.restoring import RestoredDatabase
    from covenant.adapters.stores.throttled import Bucket
    from covenant.adapters.stores.validate import Report as StoreReport
    from covenant.kernel.progress import Progress
    from covenant.replicate.regional import RegionalStore
    from covenant.settings import values
    from covenant.vault.lock import Locks, Owner
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

T = TypeVar("T")
LockKind = Literal["none", "shared", "exclusive"]


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
        return self.regional() if len(self.places) > 1 else self.places[0].open(_ALONE)

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
            return place.open(_AMONG_OTHERS)
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


@dataclass(frozen=True, slots=True)
class OpenVault:
    """A vault whose key we hold, with its store in three grades of privilege."""

    vault: Vault
    opener: Opener
    owner: Owner
    clock: Clock
    whole: Store = field(repr=False)
    """For ``safeguard`` and ``repair`` alone: it can delete."""
    confirm: Callable[[], None] = lambda: None
    """Makes sure that our lock stands unchallenged; to be called before a snapshot is stored."""

    @property
    def reading(self) -> ReadStore:
        """The store, for reading only."""
        return ReadOnlyStore(self.whole)

    @property
    def appending(self) -> AppendStore:
        """The store, for adding only."""
        return AppendOnlyStore(self.whole)

    @property
    def discarding(self) -> AppendStore:
        """The store, for trying out: nothing is added."""
        return DiscardingStore(self.whole)

    def copies_seen(self) -> tuple[Finding, ...]:
        """Copies in single regions that were met damaged or missing, and passed over; waits for slower regions."""
        if len(self.opener.places) < 2:
            return ()
        from covenant.replicate.regional import RegionalStore

        assert isinstance(self.whole, RegionalStore)  # an opener of several places opens nothing else
        self.whole.finish()
        return tuple(sighting.finding() for sighting in self.whole.sightings.fresh())

    @property
    def terms(self) -> Terms | None:
        """Who says what nobody may delete yet; ``None`` where the store keeps no terms."""
        from covenant.bootstrap.terms import terms_of

        return terms_of(self.opener)

    @property
    def locks(self) -> Locks:
        """The vault's locks, which even who only adds must be able to take away again."""
        from covenant.vault.lock import SETTLE_SECONDS, Locks

        settle_seconds = 0 if self.opener.local else SETTLE_SECONDS
        return Locks(self.vault, AppendOnlyStore(self.whole), self.owner, self.clock, settle_seconds)

    @contextlib.contextmanager
    def held(self, kind: LockKind, wait_seconds: float = 0) -> Iterator[OpenVault]:
        """This vault, held for as long as the work lasts. Raises ``VaultLocked``."""
        if kind == "none":
            yield self
            return
        locks = self.locks
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(
                    locks.shared(wait_seconds) if kind == "shared" else locks.exclusive(wait_seconds)
                )
            except StoreDenied as error:
                raise StoreDenied(error.message, "If the vault is only to be read, give '--no-lock'.") from error
            yield replace(self, confirm=held.confirm)


def this_process() -> Owner:
    """Who we are, for locks and snapshots."""
    from covenant.vault.lock import Owner

    uid = os.geteuid()
    try:
        username = pwd.getpwuid(uid).pw_name
    except KeyError:
        username = str(uid)
    return Owner(os.uname().nodename, username, os.getpid(), uid, os.getegid())


def open_vault(opening: Opener, password: str, clock: Clock, cache: Path | None) -> OpenVault:
    """Open an existing vault. Raises ``VaultMissing``, ``WrongPassword`` and the store's errors."""
    from covenant.vault.vault import open_vault as unlock

    whole = opening.whole()
    return OpenVault(unlock(ReadOnlyStore(whole), password, cache=cache), opening, this_process(), clock, whole)


def create_vault(opening: Opener, password: str, clock: Clock, cache: Path | None) -> OpenVault:
    """Make a new vault, and the folder that it lies in. Raises ``VaultExists``."""
    from covenant.vault.keys import calibrate
    from covenant.vault.vault import create_vault as create

    for place in opening.places:
        place.make_folder()
    whole, owner = opening.whole(), this_process()
    vault = create(
        AppendOnlyStore(whole),
        password,
        calibrate(),
        clock,
        username=owner.username,
        hostname=owner.hostname,
        cache=cache,
    )
    return OpenVault(vault, opening, owner, clock, whole)


# -- what is brought back ----------------------------------------------------------------------------------------------


def unsound(source: values.Source, target: str) -> Iterator[Finding]:
    """What is wrong with a source's data after it was restored below ``target``, asked of the data itself."""
    if source.kind != "sqlite":
        return
    from covenant.adapters.sources.sqlite.placement import integrity_problems
    from covenant.bootstrap.sources import source_paths

    for path in source_paths(source):
        restored = Path(target) / path.lstrip("/")
        if restored.is_file():
            for problem in integrity_problems(restored):
                yield Finding("database-unsound", str(restored), problem, "Restore an earlier snapshot.")


def restore_database(
    opened: OpenVault, snapshot: Snapshot, live: Path, lanes: int, progress: Progress
) -> RestoredDatabase:
    """Put a SQLite database back in the place of the live one, which is set aside; proved sound before."""
    from covenant.adapters.sources.sqlite.restoring import restore_database as restore
    from covenant.recover.job import Settings

    settings = Settings(lanes=lanes, open_store=opened.opener.reading)
    return restore(opened.vault, snapshot, live=live, clock=opened.clock, settings=settings, progress=progress)


def validate_store(opening: Opener, clock: Clock) -> StoreReport:
    """Ask a store every promise, through the wrappers that a vault uses it through."""
    from covenant.adapters.stores.s3_versions import intruder_for
    from covenant.adapters.stores.validate import validate

    bare, spec = opening.spec.open(), opening.spec
    return validate(opening.whole(), clock, intruder_for(bare, spec.url, spec.options))
