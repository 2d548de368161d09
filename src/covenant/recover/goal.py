"""Where a recovery shall stop: at a moment, a place in the log, a transaction, a name, or as late as can be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from covenant.kernel.spans import place_text


@dataclass(frozen=True, slots=True)
class Goal:
    """One of the five is said; none of them means as late as can be had.

    A moment is the source's own clock, and a transaction committed at that very moment is in. At a place, everything
    logged before it is in. ``before`` leaves out what happened exactly then. ``timeline`` is a branch of the history
    that the user insists on, ``base`` the beginning of the id of a backup to begin with.
    """

    moment: datetime | None = None
    place: int | None = None
    transaction: int | None = None
    name: str = ""
    before: bool = False
    timeline: int | None = None
    base: str = ""
    found: int | None = None
    """Where the record of a transaction or a name lies, once it was looked for."""

    @property
    def latest(self) -> bool:
        """Whether it is as late as can be had."""
        return self.moment is None and self.place is None and self.transaction is None and not self.name

    @property
    def searched(self) -> bool:
        """Whether it has to be looked for in the log."""
        return self.transaction is not None or bool(self.name)

    def __str__(self) -> str:
        just = "just before " if self.before else ""
        if self.moment is not None:
            return f"{just}{self.moment.isoformat(sep=' ')}"
        if self.place is not None:
            return place_text(self.place)
        if self.transaction is not None:
            return f"{just}transaction {self.transaction}"
        return f"{just}restore point '{self.name}'" if self.name else "the latest moment"
