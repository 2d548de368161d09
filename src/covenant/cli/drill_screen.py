"""What is said about a drill: one line in a list, or all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from covenant.cli import exits, formats
from covenant.kernel.answers import Result

if TYPE_CHECKING:
    from datetime import datetime

    from covenant.cli.output import Output
    from covenant.kernel.answers import Answer
    from covenant.prove.record import DrillRecord, Measured, Planted, SourceDrill, Step

_WIDEST = 100
_ID = re.compile("[0-9a-f]{64}")
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


def show(record: DrillRecord, output: Output) -> None:
    """All of a drill: what it came to, then what came back, was done, was asked and was planted, in a table each."""
    for line in _heading(record):
        output.result(line)
    sources = record.sources
    output.table(_CAME_BACK, (_came_back(each) for each in sources))
    steps = [("all", step) for step in record.steps]
    steps += [(each.source, step) for each in sources for step in each.steps]
    output.table(_DONE, (_done(name, step) for name, step in steps), right=(2,))
    answers = [("all", answer) for answer in record.answers]
    answers += [(each.source, answer) for each in sources for answer in each.answers]
    output.table(_ASKED, (_asked(name, answer) for name, answer in answers))
    output.table(_PLANTED, (_planted(each.source, planted) for each in sources for planted in each.planted))


def _heading(record: DrillRecord) -> Iterator[str]:
    acted = f", {record.scenario}" if record.scenario else ""
    yield f"drill {record.id[:8]}: {record.level}{acted}, {record.result}"
    took = formats.seconds((record.ended_at - record.began_at).total_seconds())
    answers_to = f", due {formats.local(record.due_at)}" if record.due_at else ""
    yield f"  began {formats.local(record.began_at)}, took {took}{answers_to}{f', by {record.by}' if record.by else ''}"
    if record.why_not:
        yield f"  it could not run: {record.why_not}"
    for each in record.sources:
        if each.why_not:
            yield f"  {each.source} could not be restored: {each.why_not}"


_CAME_BACK = ("Source", "Kind", "Class", "Result", "Snapshot", "Taken", "Region", "Came back", "RTO", "RPO")
_DONE = ("Source", "Step", "Took", "Seen")
_ASKED = ("Source", "Asked", "Result", "Seen")
_PLANTED = ("Source", "Planted", "Where", "Result", "Noticed by")


def _came_back(source: SourceDrill) -> tuple[str, ...]:
    return (
        source.source,
        source.system,
        source.data_class,
        source.result,
        source.snapshot_id[:8] or "-",
        formats.local(source.moment) if source.moment else "-",
        source.region or "-",
        f"{formats.counted(source.files, 'file')}, {formats.size(source.bytes)}" if source.moment else "-",
        _measured(source.rto),
        _measured(source.rpo),
    )


def _measured(measured: Measured) -> str:
    reached = "not measured" if measured.reached is None else formats.age(measured.reached)
    return f"{reached} of {formats.age(measured.promised)}"


def _done(source: str, step: Step) -> tuple[str, ...]:
    return (source, step.name, formats.seconds(step.seconds), _short(step.detail))


def _asked(source: str, answer: Answer) -> tuple[str, ...]:
    return (source, answer.question, answer.result, _short(answer.detail))


def _planted(source: str, planted: Planted) -> tuple[str, ...]:
    caught = {Result.PASSED: "caught", Result.FAILED: "MISSED"}.get(planted.result, "could not be planted")
    return (source, planted.kind, _short(planted.where), caught, _cut(_short(planted.found_by)))


def _short(text: str) -> str:
    """Text with ids cut to the eight digits by which people know them."""
    return _ID.sub(lambda found: found[0][:8], text)


def _cut(text: str) -> str:
    """The beginning of a text that would crowd a table; the report and ``--json`` have all of it."""
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
