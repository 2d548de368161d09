"""What the loop asks of whoever does the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from covenant.catalog.records import Outcome
from covenant.kernel.progress import Progress
from covenant.loop.due import Due


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
