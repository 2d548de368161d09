"""What a drill's record says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from covenant.kernel.answers import Answer, Result
from covenant.prove.record import DrillRecord, Level, Measured, Planted, SourceDrill

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = SourceDrill(
    source="catalog",
    system="sqlite",
    data_class="critical",
    priority=1,
    vault="main",
    rto=Measured(HOUR, timedelta(minutes=2)),
    rpo=Measured(HOUR, timedelta(minutes=5)),
    answers=(Answer("Is it sound?", Result.PASSED, "integrity_check: ok", 0.1),),
    planted=(Planted(kind="bit-flipped", where="data/ab", result=Result.PASSED, found_by="pack-damaged"),),
)


def drill(*sources: SourceDrill) -> DrillRecord:
    """A monthly drill over these sources."""
    return DrillRecord(id="d1", level=Level.MONTHLY, began_at=NOON, ended_at=NOON + HOUR, sources=sources)


def test_a_drill_passes_when_everything_in_it_did() -> None:
    """Restored, asked, in time, recent, and every planted damage caught."""
    assert Result.PASSED == drill(GOOD).result


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [
        (replace(GOOD, why_not="no room"), Result.COULD_NOT_VERIFY),
        (replace(GOOD, answers=()), Result.COULD_NOT_VERIFY),
        (replace(GOOD, planted=()), Result.COULD_NOT_VERIFY),
        (replace(GOOD, rto=Measured(HOUR, None)), Result.COULD_NOT_VERIFY),
        (replace(GOOD, rpo=Measured(HOUR, 2 * HOUR)), Result.FAILED),
        (replace(GOOD, planted=(Planted(kind="bit-flipped", where="x", result=Result.FAILED),)), Result.FAILED),
    ],
)
def test_one_thing_that_did_not_pass_spoils_the_drill(spoilt: SourceDrill, expected: Result) -> None:
    """Nothing that was not asked, not measured or not planted counts as passed."""
    assert expected == drill(GOOD, spoilt).result


def test_a_drill_over_nothing_proves_nothing() -> None:
    """Nor does one that could not run."""
    assert Result.COULD_NOT_VERIFY == drill().result
    assert Result.COULD_NOT_VERIFY == replace(drill(GOOD), why_not="the vault could not be reached").result
