"""A store that lets nobody delete an object within its term, told in memory: what object lock does."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from covenant.kernel.errors import StoreDenied
from covenant.vault.ports import Buffer, Store
from tests.clocks import FrozenClock
from tests.faults.stores import Chosen, Sound, every


class Termed(Sound):
    """Keeps terms on a clock of its own. ``term_of_puts`` is the term of what is put in ``chosen`` names.

    ``asked`` counts the questions for a term, ``extended`` the terms that were set.
    """

    def __init__(
        self, store: Store, clock: FrozenClock, term_of_puts: timedelta | None = None, chosen: Chosen = every
    ) -> None:
        super().__init__(store)
        self.clock = clock
        self.terms: dict[str, datetime] = {}
        self.asked = 0
        self.extended = 0
        self.silent = False
        """Whether it claims that nothing is under a term, and refuses all the same."""
        self._term_of_puts = term_of_puts
        self._chosen = chosen
        self._lock = threading.Lock()

    def put(self, name: str, data: Buffer) -> None:
        super().put(name, data)
        if self._term_of_puts is not None and self._chosen(name):
            self.terms[name] = self.clock.now() + self._term_of_puts

    def delete(self, name: str) -> None:
        if self._within(name) is not None:
            raise StoreDenied(f"'{name}' in {self.url} is under a term of immutability")
        super().delete(name)

    def term(self, name: str) -> datetime | None:
        with self._lock:
            self.asked += 1
        self.inside.size(name)
        return None if self.silent else self._within(name)

    def extend(self, name: str, until: datetime) -> None:
        self.inside.size(name)
        with self._lock:
            self.extended += 1
            self.terms[name] = max(until, self.terms.get(name, until))

    def _within(self, name: str) -> datetime | None:
        until = self.terms.get(name)
        return until if until is not None and until > self.clock.now() else None
