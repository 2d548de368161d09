"""How long a restore of today's data would take, from what restores and drills took, with how far that may be out.

Several restores of unlike sizes tell the *fixed part* (opening, planning, proving) from the *throughput*: the slope is
the median of the slopes between every two of them, the fixed part the median of what is left (Theil and Sen), so that
one odd restore moves neither. Restores of one size do not tell the two apart: more data is then taken to take longer in
proportion, and less data as long, which errs towards too long.

The interval comes from how far each measurement lies from the model, as a factor: twice its median, and no less than
few measurements allow, from a half to the double for a single one. It widens where today's data is larger than all
that was ever restored. Without a measurement there is no forecast: nobody knows. Nor is there one for far more data
than was ever restored: the time of a few kilobytes is that of starting, and would frighten people for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from math import exp, log, sqrt
from statistics import median

from covenant.kernel.standing import Verdict

MOST = 20
"""So many of the last measurements are looked at."""

_UNLIKE = 1.5
"""Sizes that differ by less than this factor count as one size."""
_NORMAL = 1.4826
"""The median distance from the median of a normal distribution, as a part of its standard deviation, upside down."""
_BEYOND = 0.25
_FARTHEST = 100
"""Nothing is foretold of more than so many times the bytes of the largest restore."""
_FOREVER = 1e9
"""Thirty years, in seconds: whatever takes longer takes for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One restore that was made: how many bytes came back in which time. ``how``: ``restore`` or ``drill``.

    ``whole`` says that it was everything of the source, so that its time can be held against an RTO.
    """

    source: str
    at: datetime
    seconds: float
    bytes: int
    how: str = "restore"
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long it would take: at least, probably and at most; from how many measurements."""

    low: timedelta
    likely: timedelta
    high: timedelta
    measurements: int


def forecast(measured: Iterable[Measurement], size: int) -> Forecast | None:
    """How long a restore of ``size`` bytes would take; ``None`` where nothing of the kind was measured."""
    known = sorted((each for each in measured if each.seconds > 0), key=lambda each: each.at)[-MOST:]
    if not known or size > _FARTHEST * max(each.bytes for each in known):
        return None
    fixed, rate = _fitted(known)
    sizes = [each.bytes for each in known]
    likely = fixed + rate * (size if fixed else max(size, min(sizes)))
    spread = _spread([each.seconds / (fixed + rate * each.bytes) for each in known])
    spread += _BEYOND * log(size / max(sizes)) if size > max(sizes) > 0 else 0.0
    return Forecast(_length(likely * exp(-spread)), _length(likely), _length(likely * exp(spread)), len(known))


def _length(seconds: float) -> timedelta:
    return timedelta(seconds=min(seconds, _FOREVER))


def _fitted(known: Sequence[Measurement]) -> tuple[float, float]:
    """The fixed part in seconds, and the seconds that each byte takes."""
    sizes = [each.bytes for each in known]
    if max(sizes) > _UNLIKE * min(sizes) and len(known) > 2:
        slopes = [
            (one.seconds - other.seconds) / (one.bytes - other.bytes)
            for one, other in combinations(known, 2)
            if max(one.bytes, other.bytes) > _UNLIKE * min(one.bytes, other.bytes)
        ]
        rate = max(0.0, median(slopes))
        fixed = median(each.seconds - rate * each.bytes for each in known)
        if fixed > 0:
            return fixed, rate
    if not min(sizes):
        return median(each.seconds for each in known), 0.0
    return 0.0, median(each.seconds / each.bytes for each in known)


def _spread(factors: Sequence[float]) -> float:
    """By how much a further one may differ from the model, as the logarithm of a factor."""
    number = len(factors)
    deviation = _NORMAL * median(abs(log(factor)) for factor in factors)
    return max(2 * deviation * (1 + 3 / number), log(2) / sqrt(number))


def outlook(promised: timedelta, expected: Forecast | None) -> Verdict | None:
    """What a forecast says of an RTO; ``None`` where nobody knows.

    Broken where even the least is too long: then it cannot be kept. At risk where the most is.
    """
    if expected is None:
        return None
    if expected.low > promised:
        return Verdict.BROKEN
    return Verdict.AT_RISK if expected.high > promised else Verdict.KEPT
