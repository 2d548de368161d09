"""One region: a store with a name, how it has been lately, and whether it is one of us.

A region is *away* while it does not answer, *empty* while it holds no ``config`` though others do, and a *member*
otherwise. A member has all that was ever acknowledged there. An empty one has lost its memory: what it does not hold
says nothing, so it has no vote and makes no listing complete, until ``sync`` has filled it, ``config`` last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, DamageError, ObjectArchived, ObjectExists, ObjectMissing
from covenant.vault.ports import Store

T = TypeVar("T")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_WEIGHT = 0.2

ANSWERS = (ObjectMissing, ObjectExists, ObjectArchived, DamageError)
"""What a store says that is well; any other error counts against its health."""


class Region:
    """A named store, and what is known of its health. Thread-safe."""

    def __init__(self, name: str, store: Store, clock: Clock) -> None:
        self.name = name
        self.store = store
        self.lagging = False
        """Whether something that was put elsewhere did not arrive here, as far as this process knows."""
        self._clock = clock
        self._lock = threading.Lock()
        self._latency: float | None = None
        self._failures = 0
        self._rests_until = 0.0

    def ask(self, question: Callable[[Store], T], *, measured: bool = False) -> T:
        """What the store answers; how long it took, or that it failed, is remembered."""
        began = self._clock.monotonic()
        try:
            answer = question(self.store)
        except ANSWERS:
            self._well(None)
            raise
        except CovenantError:
            self._failed()
            raise
        self._well(self._clock.monotonic() - began if measured else None)
        return answer

    @property
    def rests(self) -> bool:
        """Whether it failed so lately that asking again is for those who have no one else to ask."""
        return self._clock.monotonic() < self._rests_until

    @property
    def distance(self) -> float:
        """Seconds for a small answer, as measured lately."""
        return self._latency if self._latency is not None else 0.0

    def _well(self, seconds: float | None) -> None:
        with self._lock:
            self._failures, self._rests_until = 0, 0.0
            if seconds is not None:
                old = self._latency
                self._latency = seconds if old is None else old + _WEIGHT * (seconds - old)

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 1))
            self._rests_until = self._clock.monotonic() + pause
