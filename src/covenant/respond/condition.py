"""A condition: something that is the matter at this moment, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Severity(IntEnum):
    """How much a condition asks of people."""

    INFO = 1
    """Worth knowing when one looks."""
    WARNING = 2
    """Still kept, and about to be broken; or not known."""
    CRITICAL = 3
    """A promise is broken, or data is in danger."""

    @property
    def word(self) -> str:
        """As ``covenant.toml`` and messages have it: ``critical``."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Severity:
        """The severity of that name. Raises ``KeyError``."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is the matter now.

    ``key`` names it and stays the same while it lasts, however the words change: by it a condition is told once and not
    at every look. ``text`` says what is the matter, ``hint`` what to do, with the exact command. ``classes`` are the
    classes of data that suffer from it; none at all means that it concerns everyone. ``since`` is when it began, where
    that is known better than by when it was first seen.
    """

    key: str
    severity: Severity
    subject: str
    text: str
    hint: str = ""
    classes: tuple[str, ...] = ()
    since: datetime | None = None
