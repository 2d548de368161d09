"""What is said about a drill: one line in a list, or all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from covenant.cli import exits, formats
from covenant.kernel.answers import Result

if TYPE_CHECKING:
    from datetime import datetime

    from covenant.kernel.answers import Answer
    from covenant.prove.record import DrillRecord, Measured, Planted, SourceDrill, Step

COLUMNS = ("Drill", "Level", "Scenario", "Result", "Began", "Took", "Sources", "For")


def row(record: DrillRecord) -> tuple[str, ...]:
    """One drill in a list."""
    passed = sum(each.result is Result.PASSED for each in record.sources)
    return (
        record.id[:8],
        record.level,
        record.scenario or "",
        record.result,
        formats.local(record.began_at),
        formats.seconds((record.ended_at - record.began_at).total_seconds()),
        f"{passed} of {len(record.sources)} passed",
        "by hand" if record.due_at is None else formats.local(record.due_at),
    )


def missed_row(level: str, due_at: datetime) -> tuple[str, ...]:
    """A drill in that list which was not held."""
    return ("-", level, "", "missed", "-", "-", "-", formats.local(due_at))


def code_of(result: Result) -> int:
    """What a drill ends with: whatever did not pass has a code of its own."""
    return {Result.PASSED: exits.DONE, Result.FAILED: exits.FINDINGS}.get(result, exits.UNVERIFIED)


def lines(record: DrillRecord) -> Iterator[str]:
    """All of a drill."""
    acted = f", {record.scenario}" if record.scenario else ""
    yield f"drill {record.id[:8]}: {record.level}{acted}, {record.result}"
    took = formats.seconds((record.ended_at - record.began_at).total_seconds())
    answers_to = f", due {formats.local(record.due_at)}" if record.due_at else ""
    yield f"  began {formats.local(record.began_at)}, took {took}{answers_to}{f', by {record.by}' if record.by else ''}"
    if record.why_not:
        yield f"  it could not run: {record.why_not}"
    yield from _steps(record.steps)
    yield from _answers(record.answers)
    for each in record.sources:
        yield from _source(each)


def _source(source: SourceDrill) -> Iterator[str]:
    yield f"{source.source} ({source.system}, {source.data_class}): {source.result}"
    if source.moment is not None:
        came = f"{formats.counted(source.files, 'file')}, {formats.size(source.bytes)}"
        where = f" from region {source.region}" if source.region else ""
        moment = formats.local(source.moment)
        yield f"  snapshot {source.snapshot_id[:8]} of {moment}{where}: {came}"
    if source.why_not:
        yield f"  could not be restored: {source.why_not}"
    yield _measured("RTO", source.rto)
    yield _measured("RPO", source.rpo)
    yield from _steps(source.steps)
    yield from _answers(source.answers)
    yield from (_planted(each) for each in source.planted)


def _measured(name: str, measured: Measured) -> str:
    reached = "not measured" if measured.reached is None else formats.age(measured.reached)
    return f"  {name} {reached}, promised at most {formats.age(measured.promised)}: {measured.result}"


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield f"  {step.name}: {formats.seconds(step.seconds)}{f', {step.detail}' if step.detail else ''}"


def _answers(answers: Iterable[Answer]) -> Iterator[str]:
    for answer in answers:
        yield f"  {answer.question} {answer.result}: {answer.detail} ({formats.seconds(answer.seconds)})"


def _planted(planted: Planted) -> str:
    caught = {Result.PASSED: "caught", Result.FAILED: "MISSED"}.get(planted.result, "could not be planted")
    return (
        f"  planted {planted.kind} in {planted.where}: {caught}{f' by {planted.found_by}' if planted.found_by else ''}"
    )
