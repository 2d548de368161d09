"""What will probably become of a source's objectives: breaches that can be seen coming, before they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from covenant.catalog.history import History, SourceHistory
from covenant.kernel.durations import format_interval
from covenant.kernel.policy import Policy, SourcePolicy
from covenant.kernel.standing import Because, Verdict
from covenant.prove.objectives import Forecast, Measurement, forecast, outlook
from covenant.prove.restores import measured

_MEASURE = "Measure it: 'covenant drill run monthly' restores every critical source."


def measurements(policy: Policy, history: History) -> Mapping[str, list[Measurement]]:
    """What restores and drills of each source took."""
    restores = (proof for name in policy.sources for proof in history.source(name).restores)
    return measured((*history.rehearsals, *restores))


@dataclass(frozen=True, slots=True)
class Expected:
    """How old the newest backup will be at the most, and the kind of backup that takes so long."""

    age: timedelta
    kind: str
    takes: timedelta
    gap: timedelta


def worst_age(past: SourceHistory, newest: datetime | None, now: datetime) -> timedelta | None:
    """The longest time that a newest backup had to stand for, over the last good ones that are remembered, until now.

    A backup holds what was there when it began, and stands for nothing until it has ended.
    """
    if newest is None:
        return None
    known = sorted((each for each in past.habits if each.started_at <= now), key=lambda each: each.started_at)
    ages = [(later.ended_at or later.started_at) - earlier.started_at for earlier, later in pairwise(known)]
    return max([*ages, now - newest])


def expected_age(promised: SourcePolicy, past: SourceHistory) -> Expected | None:
    """How old the newest backup will be before the next is there; ``None`` where nobody knows how long backups take.

    At the worst the longest kind of backup begins when the next one is due anyway, and everything waits for its end. A
    change log that is followed waits for nobody.
    """
    gap = min((stated.value.longest_gap() for stated in promised.schedules.values()), default=None)
    longest: dict[str, timedelta] = {}
    for habit in past.habits:
        if habit.ended_at is not None and _is_usual(habit.tally):
            longest[habit.kind] = max(habit.ended_at - habit.started_at, longest.get(habit.kind, timedelta()))
    if gap is None or not longest or promised.followed:
        return None
    kind = max(longest, key=lambda kind: longest[kind])
    return Expected(gap + longest[kind], kind, longest[kind], gap)


def _is_usual(tally: Mapping[str, int]) -> bool:
    """Whether a backup is one of many: the first one stores everything, and says nothing of how long the next takes."""
    return 2 * tally.get("added_bytes", 0) <= tally.get("bytes", 0)


def forecast_of(past: SourceHistory, measured: list[Measurement]) -> Forecast | None:
    """How long a restore of today's data would take."""
    return forecast(measured, past.newest.bytes) if past.newest is not None else None


def last_whole(measured: list[Measurement]) -> Measurement | None:
    """The last restore of everything."""
    return max((each for each in measured if each.whole), key=lambda each: each.at, default=None)


def rpo_reasons(promised: SourcePolicy, expected: Expected | None) -> Iterator[Because]:
    """Why an RPO that is kept will not be. A schedule that cannot keep it is a contradiction, and told as one."""
    rpo = promised.rpo.value
    if expected is not None and expected.gap <= rpo < expected.age:
        text = (
            f"a backup of kind {expected.kind} took {_span(expected.takes)}: with up to {_span(expected.gap)} before "
            f"it, the newest one grows older than the promised {format_interval(rpo)}"
        )
        yield Because("rpo", Verdict.AT_RISK, text, "Keep it more often, or look for what makes it slow.")


def rto_reasons(promised: SourcePolicy, expected: Forecast | None) -> Iterator[Because]:
    """Why a restore would probably take longer than promised."""
    rto = promised.rto.value
    verdict = outlook(rto, expected)
    if expected is None or verdict is None or verdict is Verdict.KEPT:
        return
    times = f"{_span(expected.low)} to {_span(expected.high)}"
    text = f"a restore of today's data would take {times}, promised at most {format_interval(rto)}"
    hint = _MEASURE if expected.measurements < 3 else "Restore from a nearer region or in parts, or promise more time."
    yield Because("rto", verdict, text, hint)


def _span(length: timedelta) -> str:
    return format_interval(timedelta(seconds=max(1, round(length.total_seconds()))))
