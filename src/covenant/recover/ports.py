"""What ``recover`` asks of a store that keeps content of files where it cannot be read at once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, Protocol

Speed = Literal["expedited", "standard", "bulk"]


class Lying(NamedTuple):
    """How an object lies in its bucket.

    ``state``: it can be read ``at hand``, must be thawed first, or is ``thawing``. ``until`` is when a thawed copy goes
    again, where the store says it.
    """

    size: int
    storage_class: str
    state: Literal["at hand", "frozen", "thawing"]
    until: datetime | None = None


class Archive(Protocol):
    """A bucket, some of whose objects may have to be thawed before they can be read."""

    def look(self, name: str) -> Lying:
        """How an object lies now. Raises ``ObjectMissing``."""
        ...

    def thaw(self, name: str, speed: Speed, days: int) -> None:
        """Ask for a copy that can be read, and stays so many days; asked again it is the same.

        Returns at once; ``look`` says when it can be read. Raises ``ObjectMissing``, ``StoreDenied``.
        """
        ...
