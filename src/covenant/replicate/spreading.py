"""Putting one object into several regions side by side, without copying it.

Each region has threads of its own, so that a slow one holds up nobody else. Once enough have the object durably, the
put is acknowledged; a region that is slower goes on by itself, and one that falls far behind is left to ``sync``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from covenant.kernel.errors import CovenantError, ObjectExists, ObjectMissing, StoreError, StoreUnavailable
from covenant.replicate.naming import is_lock, is_whole, proves_itself
from covenant.replicate.region import Region
from covenant.replicate.sightings import Trouble
from covenant.vault.names import INDEX, SNAPSHOTS
from covenant.vault.ports import Buffer, Store

_THREADS = 8
_FARTHEST_BEHIND = 16
_NAMES = (f"{INDEX}/", f"{SNAPSHOTS}/")

Saw = Callable[[Region, str, Trouble], None]
Put = Callable[[Store, str, Buffer], None]
_Put = Future[bool]


def as_usual(store: Store, name: str, data: Buffer) -> None:
    """Put an object as most are."""
    store.put(name, data)


class Spreading:
    """Puts under way to some regions. ``saw`` is told of damaged copies that stand in the way. Thread-safe."""

    def __init__(self, regions: Sequence[Region], saw: Saw) -> None:
        self._pools = {region.name: ThreadPoolExecutor(_THREADS, f"put-{region.name}") for region in regions}
        self._under_way: dict[str, set[_Put]] = {region.name: set() for region in regions}
        self._saw = saw
        self._lock = threading.Lock()
        self._locks: dict[str, list[_Put]] = {}

    def put(
        self,
        name: str,
        data: Buffer,
        regions: Sequence[Region],
        *,
        needed: int,
        first: Region | None = None,
        put: Put = as_usual,
    ) -> None:
        """Put an object into ``regions``; returns once ``needed`` of them have it durably, ``first`` among them.

        ``put`` says in what way. A name that is no hash is put into ``first`` before the others, which decides who was
        quicker. Raises ``ObjectExists`` where every region had it before, or else what kept too many from taking it.
        """
        results: dict[str, bool] = {}
        rest = list(regions)
        if first is not None and not proves_itself(name):
            first.ask(lambda store: put(store, name, data))
            results[first.name] = True
            rest.remove(first)
        if len(regions) > needed and not isinstance(data, bytes):
            data = bytes(data)  # the caller may reuse it while slower regions still read it
        puts = {
            self._begin(region, name, data, put): region
            for region in rest
            if not self._far_behind(region, needed, rest)
        }
        errors = self._until_enough(puts, results, needed, first)
        missed = first is not None and first.name not in results
        if missed or len(results) < needed:
            raise _too_few(name, len(results), needed, errors)
        if not any(results.values()):
            raise ObjectExists(f"there is already an object '{name}' in every region")

    def finish_lock(self, name: str) -> None:
        """Wait for what is under way of one lock: arriving after it was deleted, it would lock for ever."""
        with self._lock:
            puts = self._locks.pop(name, [])
        wait(puts)

    def finish(self) -> None:
        """Wait for everything that is under way."""
        for puts in self._under_way.values():
            wait(puts.copy())

    def _until_enough(
        self, puts: dict[_Put, Region], results: dict[str, bool], needed: int, first: Region | None
    ) -> list[CovenantError]:
        errors = list[CovenantError]()
        waiting = set(puts)
        while waiting and not (len(results) >= needed and (first is None or first.name in results)):
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for put in done:
                try:
                    results[puts[put].name] = put.result()
                except CovenantError as error:
                    errors.append(error)
        return errors

    def _far_behind(self, region: Region, needed: int, rest: Sequence[Region]) -> bool:
        """Whether a region has so much under way that it is left to ``sync``, where it is not needed."""
        if needed > len(rest) - 1 or len(self._under_way[region.name]) < _FARTHEST_BEHIND:
            return False
        region.lagging = True
        return True

    def _begin(self, region: Region, name: str, data: Buffer, how: Put) -> _Put:
        under_way = self._under_way[region.name]
        before = [*under_way.copy()] if name.startswith(_NAMES) else []
        put = self._pools[region.name].submit(self._put_one, region, name, data, how, before)
        under_way.add(put)
        if is_lock(name):
            with self._lock:
                self._locks.setdefault(name, []).append(put)
        put.add_done_callback(under_way.discard)
        return put

    def _put_one(self, region: Region, name: str, data: Buffer, how: Put, before: Sequence[_Put]) -> bool:
        """Whether it is new there. Raises what the store raises."""
        wait(before)  # I28: what an object names is there before it. They began earlier, and so end without us
        try:
            region.ask(lambda store: how(store, name, data))
        except ObjectExists:
            self._prove(region, name, data)
            return False
        except CovenantError:
            region.lagging = True
            raise
        return True

    def _prove(self, region: Region, name: str, data: Buffer) -> None:
        """What is there already is ours, from an attempt whose answer was lost. Raises ``StoreError`` unless it is."""
        try:
            there = region.ask(lambda store: store.get(name))
        except ObjectMissing as error:
            raise StoreUnavailable(f"'{name}' came and went in region '{region.name}'") from error
        if proves_itself(name) and is_whole(name, there):
            return
        if there == memoryview(data):
            return
        if proves_itself(name):
            self._saw(region, name, "damaged")
        raise StoreError(
            f"region '{region.name}' has other bytes under the name '{name}'", "Run 'covenant region heal'."
        )


def _too_few(name: str, got: int, needed: int, errors: Sequence[CovenantError]) -> CovenantError:
    message = f"'{name}' is durable in {got} of the {needed} regions that must have it"
    hint = "See 'covenant region status'."
    lasting = [error for error in errors if not error.transient]
    if not errors or not lasting:
        return StoreUnavailable(f"{message}: {errors[0]}" if errors else message, hint)
    error = lasting[0]
    return type(error)(f"{message}: {error}", error.hint or hint)
