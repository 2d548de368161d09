"""One vault in several regions, as a store.

A put goes to all regions side by side, and is acknowledged when as many as were asked for have it durably, the primary
among them: acknowledged by all n, it survives the loss of any n − 1; by a quorum of q, of any q − 1. The others finish
meanwhile, or are caught up by ``sync``.

A get comes from the nearest region that is well. What names itself by its hash is compared with its name; a damaged or
missing copy is passed over and remembered for healing.

Nothing is deleted while anyone is away: a region that returns must not bring back half of what was let go. Locks come
and go in a majority of the regions: of two who each write their own to a majority and then look at a majority, one sees
the other. (docs/adr/0010, 0011)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from covenant.kernel.clock import Clock
from covenant.kernel.errors import (
    CovenantError,
    DamageError,
    ObjectArchived,
    ObjectExists,
    ObjectMissing,
    Refusal,
    StoreError,
    StoreUnavailable,
)
from covenant.replicate.holdings import Holdings, right_size, side_by_side
from covenant.replicate.naming import counts, is_lock, is_whole, proves_itself
from covenant.replicate.region import Region
from covenant.replicate.roll import Epoch, Roll, call_roll
from covenant.replicate.sightings import Sighting, Sightings, Trouble
from covenant.replicate.spreading import Spreading
from covenant.vault.names import CONFIG, INDEX, LOCKS, SNAPSHOTS
from covenant.vault.ports import Buffer, Listed, Store, put_content

T = TypeVar("T")

_ROLL_HOLDS_SECONDS = 10.0
_AS_NEAR = 0.025
"""Seconds: regions that differ by less are asked in the order of covenant.toml."""
_NAMES = (f"{INDEX}/", f"{SNAPSHOTS}/")

# Below, ``list`` is a store's listing.
_Errors: TypeAlias = list[CovenantError]
_Damages: TypeAlias = list[DamageError]
_Regions: TypeAlias = list[Region]
_Holdings: TypeAlias = list[Holdings]


class RegionalStore:
    """A ``Store`` over several regions, the first of which is the primary until there is an epoch."""

    def __init__(
        self, regions: Sequence[Region], acknowledge: int, clock: Clock, sightings: Sightings | None = None
    ) -> None:
        self.regions = tuple(regions)
        self.acknowledge = acknowledge
        self.sightings = sightings or Sightings()
        self._clock = clock
        self._named = {region.name: region for region in regions}
        self._asking = ThreadPoolExecutor(2 * len(regions), "region")
        self._spreading = Spreading(regions, self._saw)
        self._lock = threading.Lock()
        self._roll: Roll | None = None
        self._called_at = 0.0
        self._epoch: Epoch | None = None
        self._locks: set[str] = set()
        self._overlooked: set[str] = set()
        self._distrusted: set[tuple[str, str]] = set()
        self._proved: dict[str, str] = {}

    @property
    def url(self) -> str:
        return ", ".join(region.store.url for region in self.regions)

    # -- who is here ----------------------------------------------------------------------------------------------

    def roll(self, *, fresh: bool = False) -> Roll:
        """Who is here and who is the primary, as asked once, lately, or now."""
        with self._lock:
            if fresh or self._roll is None or not any(found.has_config for found in self._roll.presences.values()):
                self._roll = call_roll(self.regions, self._asking)
                self._called_at = self._clock.monotonic()
            return self._roll

    def _settled_epoch(self, *, fresh: bool) -> Epoch:
        """The epoch that we work in. Raises ``Refusal`` where another has begun since (I30)."""
        epoch = self.roll(fresh=fresh).required_epoch()
        with self._lock:
            if self._epoch is None:
                self._epoch = epoch
            if self._epoch == epoch:
                return epoch
        raise Refusal(
            f"region '{epoch.primary}' became the primary while we were at work",
            "Run it again: what was stored already is found and not stored twice.",
        )

    def _primary(self, *, fresh: bool) -> Region:
        epoch = self._settled_epoch(fresh=fresh)
        if epoch.primary not in self._named:
            raise StoreError(
                f"the primary is region '{epoch.primary}', which is not among ours",
                "Write it into covenant.toml, or make one of ours the primary with 'covenant region failover'.",
            )
        primary = self._named[epoch.primary]
        if primary.name not in self.roll().members:
            raise _read_only(primary.name)
        return primary

    # -- reading --------------------------------------------------------------------------------------------------

    def get(self, name: str) -> bytes:
        return self._read(name, lambda store: _proved(name, store.get(name)))

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._read(name, lambda store: store.get_range(name, offset, length))

    def size(self, name: str) -> int:
        return self._read(name, lambda store: store.size(name))

    def distrust(self, name: str) -> bool:
        """Say that what was read of an object was not what was written; whether another copy can stand in.

        Each copy is read as a whole and compared with its name, so that only damaged ones are passed over from now on.
        """
        if not proves_itself(name):
            for region in self._near(name)[:1]:
                self._saw(region, name, "damaged")
            return bool(self._near(name))
        if name in self._proved:
            return True  # another thread was as quick
        for region in self._near(name):
            try:
                region.ask(lambda store: _proved(name, store.get(name)))
            except DamageError:
                self._saw(region, name, "damaged")
                continue
            except CovenantError:
                continue
            self._proved[name] = region.name
            return True
        return False

    def list(self, prefix: str) -> Iterator[Listed]:
        """The union of what all regions hold that can be asked, so that nobody overlooks a snapshot or a lock.

        Once we hold a lock, a listing of locks that fewer than a majority answer is refused.
        """
        locks = prefix.rstrip("/") == LOCKS
        if locks and self._locks:
            self._settled_epoch(fresh=True)
        roll = self.roll(fresh=locks)
        asked = [self._named[name] for name in roll.members]
        answers = [self._asking.submit(self._holdings, region, prefix) for region in asked]
        held, answered, failures = _Holdings(), _Regions(), _Errors()
        for region, answer in zip(asked, answers, strict=True):
            try:
                held.append(answer.result())
                answered.append(region)
            except CovenantError as error:
                failures.append(error)
                self._overlooked.add(region.name)
        self._overlooked.update(roll.absent)
        if not held:
            raise failures[0] if failures else self._nobody()
        return self._united(answered, held)

    def _holdings(self, region: Region, prefix: str) -> Holdings:
        return region.ask(lambda store: Holdings(store.list(prefix)))

    def _united(self, regions: Sequence[Region], held: Sequence[Holdings]) -> Iterator[Listed]:
        for name, sizes in side_by_side(held):
            size = right_size(sizes)
            for region, found in zip(regions, sizes, strict=True):
                if found not in (size, None):
                    self._saw(region, name, "damaged")
            yield Listed(name, size)

    def _read(self, name: str, question: Callable[[Store], T]) -> T:
        """What the nearest whole copy answers."""
        members = self.roll().members
        missing, damaged, failed = _Regions(), _Damages(), _Errors()
        for region in self._near(name):
            try:
                answer = region.ask(question)
            except ObjectMissing as error:
                last = error
                missing += [region] if region.name in members else []
            except DamageError as error:
                damaged.append(error)
                self._saw(region, name, "damaged")
            except CovenantError as error:
                failed.append(error)
            else:
                if not is_lock(name):
                    for other in missing:
                        self._saw(other, name, "missing")
                return answer
        for failure in failed:
            if isinstance(failure, ObjectArchived):
                raise failure  # that copy may be whole, once it is thawed
        if damaged:
            raise damaged[0]
        if missing and len(failed) + len(self.roll().absent) < self._enough(name):
            raise last
        raise failed[0] if failed else self._nobody()

    def _enough(self, name: str) -> int:
        """In how many regions an object of that name lies at least, if it was acknowledged."""
        return len(self.regions) // 2 + 1 if is_lock(name) else self.acknowledge

    def _near(self, name: str) -> Sequence[Region]:
        """Who may be asked: members before others, the well before the failing, the near before the far."""
        members, proved = self.roll().members, self._proved.get(name)
        trusted = [region for region in self.regions if (region.name, name) not in self._distrusted]
        return sorted(
            trusted, key=lambda r: (r.name != proved, r.name not in members, r.rests, int(r.distance / _AS_NEAR))
        )

    def _saw(self, region: Region, name: str, trouble: Trouble) -> None:
        self._distrusted.add((region.name, name))
        self.sightings.add(Sighting(region.name, name, trouble))

    def _nobody(self) -> StoreUnavailable:
        errors = [found.error for found in self.roll().presences.values() if found.error]
        why = f": {errors[0]}" if errors else ""
        return StoreUnavailable(
            f"no region answers for {self.url}{why}", "Check the network and the regions' addresses."
        )

    # -- writing --------------------------------------------------------------------------------------------------

    def put(self, name: str, data: Buffer) -> None:
        if is_lock(name):
            self._put_lock(name, data)
            return
        try:
            primary = self._primary(fresh=counts(name))
        except StoreUnavailable as error:
            if name == CONFIG and self._begun():
                raise ObjectExists(f"there is already an object '{name}' in {self.url}") from error
            raise
        targets, needed = self._targets(name), self.acknowledge
        if name == CONFIG:
            needed = len(self.regions)  # a region without one is no member
        self._spreading.put(name, data, targets, needed=needed, first=primary)

    def put_content(self, name: str, data: Buffer) -> None:
        primary = self._primary(fresh=False)
        targets = self._targets(name)
        self._spreading.put(name, data, targets, needed=self.acknowledge, first=primary, put=put_content)

    def _begun(self) -> bool:
        """Whether someone is making a vault here at this moment: a config stands in some region, not yet in most."""
        return any(found.has_config for found in self.roll().presences.values())

    def _targets(self, name: str) -> Sequence[Region]:
        """Who gets an object. What names others goes to a region that lags only if there are too few without (I29)."""
        members = self.roll().members
        here = [region for region in self.regions if region.name in members]
        for region in self.regions:
            region.lagging |= region not in here
        if not name.startswith(_NAMES):
            return here
        level = [region for region in here if not region.lagging]
        return level if len(level) >= self.acknowledge else here

    def _put_lock(self, name: str, data: Buffer) -> None:
        self._settled_epoch(fresh=True)
        members = self.roll().members
        self._locks.add(name)
        try:
            self._spreading.put(name, data, [self._named[one] for one in members], needed=self._enough_votes(members))
        except BaseException:
            self._locks.discard(name)
            raise

    def _enough_votes(self, members: Sequence[str]) -> int:
        """How many of these must take a lock so that it stands in a majority whoever they are."""
        half = len(self.regions) // 2
        tie = 2 * half == len(self.regions) and len(members) == half
        return half if tie else half + 1

    # -- deleting -------------------------------------------------------------------------------------------------

    def delete(self, name: str) -> None:
        members = [self._named[one] for one in self.roll().members]
        if is_lock(name):
            self._spreading.finish_lock(name)
            self._delete(name, members, all_of_them=False)
            self._locks.discard(name)
            return
        stale = self._clock.monotonic() - self._called_at > _ROLL_HOLDS_SECONDS
        self._settled_epoch(fresh=stale)
        self._refuse_if_anyone_is_away()
        self._delete(name, self.regions, all_of_them=True)

    def _refuse_if_anyone_is_away(self) -> None:
        """I31: nothing is let go while a region is away, lags, or was overlooked when we looked around."""
        self._spreading.finish()
        absent = {*self.roll().absent, *self._overlooked}
        if absent:
            raise Refusal(
                f"nothing is deleted while region '{min(absent)}' is away or empty: returning, it would bring it back",
                "Try again when every region answers, or take the region out of covenant.toml for good.",
            )
        lagging = [region.name for region in self.regions if region.lagging]
        if lagging:
            raise Refusal(
                f"nothing is deleted while region '{lagging[0]}' lacks what was put elsewhere",
                "Run 'covenant region sync', then try again.",
            )

    def _delete(self, name: str, regions: Sequence[Region], *, all_of_them: bool) -> None:
        answers = [self._asking.submit(region.ask, lambda store: store.delete(name)) for region in regions]
        gone, missing, failed = 0, _Errors(), _Errors()
        for answer in answers:
            try:
                answer.result()
                gone += 1
            except ObjectMissing as error:
                missing.append(error)
            except CovenantError as error:
                failed.append(error)
        if failed and (all_of_them or not gone):
            raise failed[0]
        if not gone:
            raise missing[0] if missing else self._nobody()

    def finish(self) -> None:
        """Wait for what is still under way to the slower regions."""
        self._spreading.finish()


def _proved(name: str, data: bytes) -> bytes:
    if not is_whole(name, data):
        raise DamageError(f"{name} is damaged", "Run 'covenant check' to see what else is, and what to do.")
    return data


def _read_only(primary: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the primary region '{primary}' is away, so the vault can only be read",
        "Wait for it, or make another the primary with 'covenant region failover NAME'.",
    )
