"""What the loop tells while it works: one event per thing that happened, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. ``kind`` is a fixed word: ``begun``, ``done``, ``failed``, ``leading``, …"""

    at: datetime
    kind: str
    subject: str = ""
    text: str = ""
    hint: str = ""
    run: int | None = None

    def __str__(self) -> str:
        words = (f"run {self.run}" if self.run is not None else "", self.subject, self.kind, self.text)
        return f"{self.at:%Y-%m-%d %H:%M:%S}  " + " ".join(word for word in words if word)


Tell: TypeAlias = Callable[[Event], None]
