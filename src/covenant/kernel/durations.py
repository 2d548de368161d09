"""How long, as people write it.

Two things are written alike and are not alike:

    interval   ``90s 15m 4h 7d 2w``, or several: ``1h30m``   a fixed length; an RPO, an RTO. ``m`` is a minute
    span       ``1y5m7d2h``                                  a stretch of the calendar, as restic's ``--keep-within``
                                                             has it. ``m`` is a month, and months differ in length

Both read what they write. Text that is neither raises ``ValueError``, whose message says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from covenant.kernel import calendar

_SECONDS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_SPAN_FIELDS = {"y": "years", "m": "months", "d": "days", "h": "hours"}
_FURTHEST = 10_000_000
"""No count in a duration is larger: beyond it is a slip of the finger, and arithmetic would overflow."""


def parse_interval(text: str) -> timedelta:
    """The length of time that ``text`` names (``"15m"`` is fifteen minutes). Raises ``ValueError``."""
    counts = _counts(text, _SECONDS, "'15m', '4h', '7d' or '1h30m'")
    return timedelta(seconds=sum(count * _SECONDS[unit] for unit, count in counts.items()))


def format_interval(length: timedelta) -> str:
    """The shortest exact way to write a length of whole seconds: ``"1h30m"``."""
    rest = length // timedelta(seconds=1)
    parts = []
    for unit, size in _SECONDS.items():
        count, rest = divmod(rest, size)
        # Weeks only where nothing else is needed: '10d' is read more easily than '1w3d'.
        if unit == "w" and rest:
            count, rest = 0, rest + count * size
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the calendar; ``covenant.kernel.calendar`` counts back by it."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def __str__(self) -> str:
        return calendar.spelled(self)


def parse_span(text: str) -> Span:
    """The stretch of the calendar that ``text`` names (``"5m"`` is five months). Raises ``ValueError``."""
    counts = _counts(text, _SPAN_FIELDS, "'7d', '12m' or '1y5m7d2h'")
    return Span(**{_SPAN_FIELDS[unit]: count for unit, count in counts.items()})


def _counts(text: str, units: Mapping[str, object], like: str) -> dict[str, int]:
    """How many of each unit ``text`` names, each unit at most once and in any order."""
    found = re.findall(r"([0-9]+)([a-z])", text)
    if not found or "".join(count + unit for count, unit in found) != text:
        raise ValueError(f"'{text}' is not a duration like {like}")
    counts: dict[str, int] = {}
    for count, unit in found:
        if unit not in units:
            raise ValueError(f"'{unit}' in '{text}' is no unit here; known are {', '.join(units)}")
        if unit in counts:
            raise ValueError(f"'{text}' names '{unit}' twice")
        if len(count) > 8 or int(count) > _FURTHEST:
            raise ValueError(f"'{text}' is longer than anything is kept")
        counts[unit] = int(count)
    return counts
