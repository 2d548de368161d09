"""What a report says, before anybody lays it out: the verdict, what is the matter, the numbers, the trend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from covenant.kernel.answers import Answer, Result, together
from covenant.kernel.formats import age, counted, seconds, size
from covenant.prove.record import DrillRecord, Level, Measured, Planted, SourceDrill
from covenant.prove.report.past import Past, past_of
from covenant.prove.report.plots import Point, length, told
from covenant.prove.report.shown import moment

TITLES = {
    Level.MONTHLY: "Monthly restore drill",
    Level.QUARTERLY: "Quarterly disaster simulation",
    Level.ANNUAL: "Annual recovery from nothing",
}
VERDICTS = {
    Result.PASSED: "Everything came back in time and answered right, and all planted damage was caught.",
    Result.FAILED: "Something did not come back as it was promised.",
    Result.COULD_NOT_VERIFY: "Something could not be verified. It is not proved, and does not count as passed.",
}


@dataclass(frozen=True, slots=True)
class Number:
    """One of the numbers at the top: its name, what it is, what it is held against, and what that came to."""

    name: str
    value: str
    beside: str
    result: Result


def title(record: DrillRecord) -> str:
    """What was rehearsed."""
    acted = f": {record.scenario.replace('-', ' ')}" if record.scenario else ""
    return f"{TITLES[record.level]}{acted}"


def facts(record: DrillRecord) -> list[tuple[str, str]]:
    """When, by whom, and what it answers."""
    said = [
        ("Drill", record.id),
        ("Began", moment(record.began_at)),
        ("Took", seconds(max((record.ended_at - record.began_at).total_seconds(), 0.0))),
        ("Answers to", f"the drill due {moment(record.due_at)}" if record.due_at else "a person who asked for it"),
    ]
    return [*said, ("Held by", record.by)] if record.by else said


def numbers(record: DrillRecord) -> list[Number]:
    """What a reader wants to know first."""
    sources, answers, planted = record.sources, list(answers_of(record)), list(planted_of(record))
    passed = sum(each.result is Result.PASSED for each in sources)
    return [
        Number("Sources passed", f"{passed} of {len(sources)}", _names(sources), record.result),
        _slowest("Slowest recovery", [each.rto for each in sources], "RTO"),
        _slowest("Oldest data", [each.rpo for each in sources], "RPO"),
        _right("Right answers", [answer.result for answer in answers]),
        _right("Damage caught", [damage.result for damage in planted]),
    ]


def answers_of(record: DrillRecord) -> Iterator[Answer]:
    """Every answer of a drill."""
    yield from record.answers
    for source in record.sources:
        yield from source.answers


def planted_of(record: DrillRecord) -> Iterator[Planted]:
    """Everything that was planted."""
    for source in record.sources:
        yield from source.planted


def matters(record: DrillRecord) -> Iterator[tuple[Result, str]]:
    """Everything that keeps a drill from having passed, each with how heavy it is, the heaviest first."""
    found = list(_matters(record))
    yield from sorted(found, key=lambda each: each[0] is not Result.FAILED)


def _matters(record: DrillRecord) -> Iterator[tuple[Result, str]]:
    if record.why_not:
        yield Result.COULD_NOT_VERIFY, f"The drill could not run: {record.why_not}"
    if not record.sources and not record.why_not:
        yield Result.COULD_NOT_VERIFY, "No source was rehearsed."
    for answer in record.answers:
        if answer.result is not Result.PASSED:
            yield answer.result, f"{answer.question} {answer.result}: {answer.detail}"
    for source in record.sources:
        for result, text in _of_source(source):
            yield result, f"{source.source}: {text}"


def _of_source(source: SourceDrill) -> Iterator[tuple[Result, str]]:
    if source.why_not:
        yield Result.COULD_NOT_VERIFY, f"it could not be restored: {source.why_not}"
        return
    for name, measured in (("RTO", source.rto), ("RPO", source.rpo)):
        if measured.result is not Result.PASSED:
            yield measured.result, f"{name} {told(measured)}"
    for answer in source.answers:
        if answer.result is not Result.PASSED:
            yield answer.result, f"{answer.question} {answer.result}: {answer.detail}"
    for damage in source.planted:
        if damage.result is not Result.PASSED:
            yield damage.result, f"planted {damage.kind} in {damage.where}: {CAUGHT[damage.result]}"
    if not source.answers:
        yield Result.COULD_NOT_VERIFY, "nothing was asked of it"
    if not source.planted:
        yield Result.COULD_NOT_VERIFY, "no damage was planted, so nobody knows whether it would have been noticed"


CAUGHT = {Result.PASSED: "caught", Result.FAILED: "MISSED", Result.COULD_NOT_VERIFY: "not planted"}
"""What became of planted damage, in a word."""


def came_from(source: SourceDrill) -> list[tuple[str, str]]:
    """What was restored, from where, to which moment."""
    said = [
        ("System", source.system or "unknown"),
        ("Class", f"{source.data_class}, priority {source.priority}"),
        ("Region", source.region or "unknown"),
        ("Snapshot", source.snapshot_id[:16] or "none"),
        ("As of", moment(source.moment) if source.moment else "unknown"),
        ("Restored", f"{counted(source.files, 'file')}, {size(source.bytes)}"),
    ]
    return [*said[:2], ("Vault", source.vault), *said[2:]]


def point(drill: Past) -> Point:
    """A drill as one point of the trend."""
    return Point(drill.began_at, drill.share, drill.result, f"{moment(drill.began_at)}: {drill.result}")


def history(record: DrillRecord, past: Iterable[Past]) -> list[Past]:
    """The drills of this level up to this one, the oldest first, each once."""
    by_id = {each.id: each for each in past if each.level is record.level and each.began_at <= record.began_at}
    return sorted({**by_id, record.id: past_of(record)}.values(), key=lambda each: (each.began_at, each.id))


@dataclass(frozen=True, slots=True)
class Row:
    """A drill in a list of them; one that was promised and missed has no ``result``."""

    at: datetime
    id: str = ""
    took: timedelta | None = None
    sources: tuple[str, ...] = ()
    result: Result | None = None


def rows(drills: Iterable[Past], missed: Iterable[datetime], most: int) -> list[Row]:
    """The last drills, the newest first, and between them those that were promised and missed."""
    held = (
        Row(
            each.began_at,
            each.id[:8],
            each.ended_at - each.began_at,
            tuple(s.source for s in each.sources),
            each.result,
        )
        for each in drills
    )
    return sorted((*held, *map(Row, missed)), key=lambda row: row.at, reverse=True)[:most]


def points(drills: Iterable[Past], missed: Iterable[datetime]) -> list[Point]:
    """The trend, in which a missed drill is a point too: nobody knows how long it would have taken."""
    lacking = (
        Point(due, None, Result.COULD_NOT_VERIFY, f"{moment(due)}: promised and missed", missed=True) for due in missed
    )
    return sorted((*map(point, drills), *lacking), key=lambda each: each.at)


def _names(sources: Sequence[SourceDrill]) -> str:
    names = [each.source for each in sources]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "none"


def _slowest(name: str, measured: Sequence[Measured], promise: str) -> Number:
    """The one that is nearest to its promise, or furthest beyond it."""
    known = [(each.reached / each.promised, each) for each in measured if each.reached is not None and each.promised]
    if len(known) < len(measured) or not known:
        return Number(name, "not measured", f"{len(known)} of {len(measured)} were", Result.COULD_NOT_VERIFY)
    _, worst = max(known, key=lambda each: each[0])
    assert worst.reached is not None
    return Number(name, length(worst.reached), f"{promise} {age(worst.promised)}", worst.result)


def _right(name: str, results: Sequence[Result]) -> Number:
    right = sum(result is Result.PASSED for result in results)
    return Number(name, f"{right} of {len(results)}", str(together(results)), together(results))


@dataclass(frozen=True, slots=True)
class Signed:
    """Who vouches for a record: the public key and the signature over its text, both in hexadecimal."""

    key: str
    signature: str
    at: datetime | None = None
