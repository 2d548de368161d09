"""The drawings of a report: steps as a stretch of time, a measure against its promise, and the trend over drills."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from covenant.kernel.answers import Result, together
from covenant.kernel.formats import age, counted, seconds
from covenant.prove.record import Measured, Step
from covenant.prove.report.drawing import PAINT_OF, PAINT_OF_STEP, STEPS, Box, Drawing, Line, Mark, Shape, Words
from covenant.prove.report.shown import day, shown

WIDTH = 680.0
_BAR = 16.0
_THIN = 0.75
"""Nothing that took time is drawn thinner than this: it would not be seen."""
_MOST = 120
"""More drills than this are drawn in groups: a line of more points says nothing more."""


def timeline(steps: Sequence[Step], scale: float, title: str) -> Drawing:
    """Steps one after another; ``scale`` is how many seconds the whole width stands for."""
    shapes: list[Shape] = [Box(0, 0, WIDTH, _BAR, "ground", round=3)]
    at, per_second, named = 0.0, WIDTH / max(scale, 1e-9), 0.0
    row = _BAR + 15
    for number, step in enumerate(steps):
        width = min(max(step.seconds * per_second, _THIN), max(WIDTH - at, _THIN))
        about = f"{step.name}: {brief(step.seconds)}"
        paint = PAINT_OF_STEP.get(step.name) or STEPS[number % len(STEPS)]
        shapes.append(Box(at, 0, width, _BAR, paint, about=f"{about}{f', {step.detail}' if step.detail else ''}"))
        label = _shortened(about, 40)
        room = len(label) * 5.9 + 26
        if named + room > WIDTH:
            named, row = 0.0, row + 16
        shapes += [Box(named, row - 8, 9, 9, paint, round=2), Words(named + 14, row, label, "quiet")]
        named += room
        at += width
    told = ", ".join(f"{step.name} {brief(step.seconds)}" for step in steps) or "no step was timed"
    return Drawing(WIDTH, row + 5, title, told, tuple(shapes))


def against(measured: Measured, name: str) -> Drawing:
    """What was reached beside what was promised, on one scale: a bar that must end before the mark."""
    promised = measured.promised.total_seconds()
    reached = None if measured.reached is None else measured.reached.total_seconds()
    scale = max(promised, reached or 0.0, 1.0) * 1.04
    mark, height = promised / scale * WIDTH, 10.0
    shapes: list[Shape] = [Box(0, 4, WIDTH, height, "ground", round=3)]
    if reached is not None:
        filled = max(reached / scale * WIDTH, 2.0)
        shapes.append(Box(0, 4, filled, height, PAINT_OF[measured.result], about=f"{name} {told(measured)}", round=3))
    if promised:
        shapes.append(Line(((mark, 0), (mark, height + 8)), "promise", width=2))
    return Drawing(WIDTH, height + 8, name, f"{name}: {told(measured)}", tuple(shapes))


def told(measured: Measured) -> str:
    """A measure in words: ``2.1 s of 1 h (0.06 %): kept``."""
    if not measured.promised:
        return "nothing is known to have been promised"
    if measured.reached is None:
        return f"not measured; promised at most {age(measured.promised)}"
    share = measured.reached / measured.promised
    verdict = "kept" if measured.result is Result.PASSED else "missed"
    return f"{length(measured.reached)} of {age(measured.promised)} ({_share(share)}): {verdict}"


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}" if share >= 0.001 else "< 0.1%"


# -- the trend --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """One drill of the trend: how much of its RTO the slowest source took, ``None`` where none was measured.

    A group of drills stands at the median of their shares, and is marked at the worst of those that did not pass.
    """

    at: datetime
    share: float | None
    result: Result
    about: str = ""
    worst: float | None = None
    missed: bool = False
    """Promised, and never held."""

    @property
    def marked(self) -> float | None:
        """Where its mark stands."""
        return self.share if self.worst is None else self.worst


_TOP, _BOTTOM, _LEFT, _RIGHT = 14.0, 190.0, 52.0, WIDTH - 8
_DECADES = (-4, -3, -2, -1, 0, 1)


def trend(points: Sequence[Point]) -> Drawing:
    """How much of the RTO was used, drill after drill, on a scale where each line is ten times the one below it."""
    drawn = _grouped(points)
    low, high = _extent(drawn)
    shapes: list[Shape] = list(_grid(low, high))
    shapes += _days(drawn)
    places = [(_across(number, len(drawn)), point) for number, point in enumerate(drawn)]
    line = tuple((x, _up(point.share, low, high)) for x, point in places if point.share is not None)
    if len(line) > 1:
        shapes.append(Line(line, "one", width=1.6))
    size = 4.0 if len(drawn) <= 60 else 2.6
    shapes += [Mark(x, _up(point.marked, low, high), point.result, point.about, size) for x, point in places]
    return Drawing(WIDTH, _BOTTOM + 30, "Trend over the drills", _trend_told(points), tuple(shapes))


def _trend_told(points: Sequence[Point]) -> str:
    held = [point for point in points if not point.missed]
    counts = {result: sum(point.result is result for point in held) for result in Result}
    said = ", ".join(f"{count:,} {result}" for result, count in counts.items() if count)
    shares = [point.share for point in points if point.share is not None]
    middle = f"; in the middle {_share(median(shares))} of the RTO were used" if shares else ""
    missed = f" {counted(len(points) - len(held), 'promised drill')} MISSED." if len(held) < len(points) else ""
    return f"{counted(len(held), 'drill')}: {said}{middle}.{missed}"


def _grouped(points: Sequence[Point]) -> list[Point]:
    """Many drills in equal groups, each with its worst result: no failure is drawn away."""
    each = math.ceil(len(points) / _MOST)
    if each <= 1:
        return list(points)
    return [_group(points[start : start + each]) for start in range(0, len(points), each)]


def _group(points: Sequence[Point]) -> Point:
    shares = [point.share for point in points if point.share is not None]
    spoilt = [point for point in points if point.result is not Result.PASSED]
    about = f"{len(points)} drills from {day(points[0].at)} to {day(points[-1].at)}, {len(spoilt)} not passed"
    worst = max((point.share for point in spoilt if point.share is not None), default=None)
    middle = median(shares) if shares else None
    return Point(points[0].at, middle, together(point.result for point in points), about, worst)


def _extent(points: Iterable[Point]) -> tuple[int, int]:
    """The powers of ten between which the shares lie, the promise itself always among them."""
    known = (share for point in points for share in (point.share, point.worst))
    shares = [max(share, 1e-4) for share in known if share is not None]
    low = math.floor(math.log10(min(shares))) if shares else -2
    high = math.ceil(math.log10(max(shares))) if shares else 0
    return max(min(low, -1), _DECADES[0]), min(max(high, 0), _DECADES[-1])


def _grid(low: int, high: int) -> Iterable[Shape]:
    for decade in range(low, high + 1):
        y = _up(10.0**decade, low, high)
        promise = decade == 0
        yield Line(((_LEFT, y), (_RIGHT, y)), "promise" if promise else "line", 1.4 if promise else 1.0, dashed=promise)
        yield Words(_LEFT - 8, y + 4, f"{100 * 10.0**decade:g}%", "ink" if promise else "quiet", anchor="end")


def _days(points: Sequence[Point]) -> Iterable[Shape]:
    if not points:
        return
    steps = min(len(points), 5)
    for step in range(steps):
        number = round(step * (len(points) - 1) / max(steps - 1, 1))
        x = _across(number, len(points))
        anchor = "middle" if steps == 1 or 0 < step < steps - 1 else "start" if step == 0 else "end"
        yield Words(x, _BOTTOM + 20, day(points[number].at), "quiet", anchor=anchor)  # type: ignore[arg-type]


def _across(number: int, of: int) -> float:
    inner = _RIGHT - _LEFT - 24
    return _LEFT + 12 + (inner / 2 if of == 1 else inner * number / (of - 1))


def _up(share: float | None, low: int, high: int) -> float:
    """Where a share stands; what was not measured stands at the foot."""
    if share is None:
        return _BOTTOM
    place = (min(max(math.log10(max(share, 1e-12)), low), high) - low) / max(high - low, 1)
    return _BOTTOM - place * (_BOTTOM - _TOP)


def _shortened(text: str, most: int) -> str:
    text = shown(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def scale_of(steps: Iterable[Sequence[Step]]) -> float:
    """How many seconds the width shall stand for, so that all these rows have one scale."""
    return max((sum(step.seconds for step in row) for row in steps), default=0.0) or 1.0


def length(took: timedelta) -> str:
    """A length as a report gives it: to a tenth of a second, or a thousandth, where that says something."""
    return brief(took.total_seconds()) if took < timedelta(minutes=1) else age(took)


def brief(took: float) -> str:
    """Seconds, or thousandths of one where there is less than a tenth."""
    return f"{took * 1000:.0f} ms" if took < 0.1 else seconds(took)
