"""A clock on which waiting takes no time, and is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StoppedClock:
    """Stands still, but for sleeping. ``slept`` lists every pause, in seconds."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
