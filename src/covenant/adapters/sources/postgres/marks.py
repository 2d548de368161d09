"""Up to which moment a log that was received is complete: asked of the server's own clock, never of ours.

Whatever comes from the server says where its log ended at which moment. Once everything up to that end is here, nothing
that was logged by that moment is missing. While much is under way the newest such moment lies behind, and says by how
much; nothing is called newer than it is.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

_APART = timedelta(milliseconds=100)
_MOST = 4096


class Marks:
    """Remembers where the log ended when. ``until`` is the moment up to which everything is here, once it is known."""

    def __init__(self, until: datetime | None = None) -> None:
        self.until = until
        self._ahead: deque[tuple[int, datetime]] = deque()
        self._shift: timedelta | None = None

    def add(self, end: int, at: datetime, received_at: datetime) -> None:
        """At ``at``, by the server's clock, its log ended at ``end``; we heard of it at ``received_at`` by ours."""
        shift = received_at - at
        self._shift = shift if self._shift is None else min(self._shift, shift)
        if self._ahead and at - self._ahead[-1][1] < _APART:
            return
        if len(self._ahead) >= _MOST:
            self._ahead = deque(list(self._ahead)[::2])
        self._ahead.append((end, at))

    def reached(self, place: int) -> None:
        """Everything up to ``place`` is here."""
        while self._ahead and self._ahead[0][0] <= place:
            at = self._ahead.popleft()[1]
            self.until = at if self.until is None else max(self.until, at)

    def ours(self, moment: datetime) -> datetime:
        """A moment of the server's clock on ours: never later than it was, but for the quickest way that we saw."""
        return moment + (self._shift or timedelta())
