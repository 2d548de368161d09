"""How long work tells how far it is. Whoever shows it (a bar, a log, nothing) decides how."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listens to one piece of work. Called from the working thread, at most a few thousand times a second."""

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        """The whole work is about this much; may be said again when it is known better."""
        ...

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        """This much more is done."""
        ...


class Silent:
    """Nobody is listening."""

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        """Ignore it."""

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        """Ignore it."""
