"""What the loop asks of whoever does the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

from covenant.catalog.records import Outcome
from covenant.kernel.errors import CovenantError
from covenant.kernel.progress import Progress
from covenant.loop.due import Due

Say: TypeAlias = Callable[[str, str, str], None]
"""Tells of one thing that happened: a fixed word, what it was, and what to do about it (``""`` where nothing is)."""


class Worker(Protocol):
    """Carries out what is due. Called from several threads at once, never twice at once for one subject."""

    def look(self, vault: str) -> None:
        """Bring the catalog up to date with what a vault holds. Raises the vault's and the store's errors."""
        ...

    def carry_out(self, due: Due, progress: Progress, stop: threading.Event, confirm: Callable[[], None]) -> Outcome:
        """Do it; what it came to, with the number of findings.

        ``confirm`` is called right before anything is acknowledged, and raises ``LeaseLost`` where we may no longer
        act. Raises ``Interrupted`` soon after ``stop`` is set, and our own errors where it failed.
        """
        ...

    def follow(
        self, source: str, stop: threading.Event, say: Say, confirm: Callable[[], None], noticed: Callable[[], None]
    ) -> None:
        """Follow the change log of a source until ``stop`` is set; return when what came is durable.

        ``noticed`` is called when a gap was found, which makes a backup due. Raises our own errors where it broke off.
        """
        ...

    def log_failed(self, source: str, error: CovenantError, failures: int) -> None:
        """Enter that following a log broke off, so many times in a row."""
        ...
