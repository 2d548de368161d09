"""A store that is asked again when it does not answer.

Only transient errors are worth it. Pauses grow exponentially with full jitter: a random time between nothing and a
bound that doubles, so that many writers that were turned away together do not come back together.

A put whose answer was lost may have been carried out. Asked again, the store then says that the object exists, and
the only way to know whose it is, is to read it: the bytes are ours, or they are not. A delete is alike: what is
missing after a lost answer was deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import TypeVar

from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, ObjectExists, ObjectMissing
from covenant.vault.ports import Buffer, Listed, Store, put_content

_T = TypeVar("_T")


class RetryingStore:
    """A ``Store`` that tries each call up to ``attempts`` times.

    ``first_pause`` and ``longest_pause`` are seconds: the bound of the first pause, and the one that none exceeds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        random: Random,
        attempts: int = 8,
        first_pause: float = 0.25,
        longest_pause: float = 20.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._attempts = attempts
        self._first_pause = first_pause
        self._longest_pause = longest_pause

    @property
    def url(self) -> str:
        return self._store.url

    def get(self, name: str) -> bytes:
        return self._again(lambda _: self._store.get(name))

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._again(lambda _: self._store.get_range(name, offset, length))

    def size(self, name: str) -> int:
        return self._again(lambda _: self._store.size(name))

    def list(self, prefix: str) -> Iterator[Listed]:
        """The listing, once it is complete: one that broke off is begun anew, and nothing is told twice."""
        return iter(self._again(lambda _: [*self._store.list(prefix)]))

    def put(self, name: str, data: Buffer) -> None:
        self._put(name, data, lambda: self._store.put(name, data))

    def put_content(self, name: str, data: Buffer) -> None:
        self._put(name, data, lambda: put_content(self._store, name, data))

    def _put(self, name: str, data: Buffer, put: Callable[[], None]) -> None:
        def attempt(repeated: bool) -> None:
            try:
                put()
            except ObjectExists:
                if not (repeated and self._holds(name, data)):
                    raise

        self._again(attempt)

    def delete(self, name: str) -> None:
        def attempt(repeated: bool) -> None:
            try:
                self._store.delete(name)
            except ObjectMissing:
                if not repeated:
                    raise

        self._again(attempt)

    def _holds(self, name: str, data: Buffer) -> bool:
        ours = memoryview(data)
        try:
            return self._store.size(name) == ours.nbytes and self._store.get(name) == ours
        except ObjectMissing:
            return False

    def _again(self, attempt: Callable[[bool], _T]) -> _T:
        """What ``attempt`` gives; it is told whether an earlier one was left without an answer."""
        for number in range(self._attempts - 1):
            try:
                return attempt(number > 0)
            except CovenantError as error:
                if not error.transient:
                    raise
            bound = min(self._longest_pause, self._first_pause * 2**number)
            self._clock.sleep(self._random.random() * bound)
        return attempt(self._attempts > 1)
