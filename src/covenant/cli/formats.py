"""Numbers and times as people read them, and moments on the reader's own clock."""

from __future__ import annotations

from datetime import datetime

from covenant.kernel.formats import age, counted, number, seconds, size

__all__ = ["age", "counted", "local", "number", "seconds", "size"]


def local(moment: datetime) -> str:
    """A moment on the reader's own clock: ``2026-11-23 19:04:01``."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
