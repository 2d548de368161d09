"""A clock that stands still, and moves only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """Stands at one moment; ``sleep`` moves it on instead of waiting."""

    def __init__(self, at: datetime | None = None) -> None:
        self._now = at or datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self._now

    def monotonic(self) -> float:
        """The same, in seconds."""
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._now += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Stand at another moment, earlier or later."""
        self._now = moment
