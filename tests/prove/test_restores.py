"""What restores and drills took, read from what they left in the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from covenant.catalog.records import Proof
from covenant.prove.objectives import Measurement
from covenant.prove.record import DrillRecord, Level, Measured, Scenario, SourceDrill, Step
from covenant.prove.restores import Restored, detail_of, measured
from covenant.prove.telling import from_json, to_json

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RESTORE = Proof(
    subject="media", kind="restore", at=NOON, verdict="passed", detail=detail_of(Restored(seconds=12.5, bytes=1000))
)


def a_drill(**more: Any) -> Proof:
    """A drill in which ``media`` came back after forty seconds of its own and twenty of waiting."""
    source = SourceDrill(
        source="media",
        system="files",
        data_class="important",
        priority=2,
        vault="default",
        bytes=5000,
        rto=Measured(HOUR, timedelta(seconds=60)),
        rpo=Measured(HOUR, HOUR),
        steps=(Step("assess", 3.0), Step("restore", 30.0), Step("plant", 5.0), Step("validate", 10.0)),
    )
    record = DrillRecord(
        id="d1", level=Level.MONTHLY, began_at=NOON, ended_at=NOON + HOUR, sources=(replace(source, **more),)
    )
    return Proof(subject="monthly", kind="drill", at=NOON, verdict="failed", detail=to_json(record))


def a_human_error() -> Proof:
    """A drill that brought one deleted file back."""
    drill = a_drill()
    record = replace(from_json(drill.detail), scenario=Scenario.HUMAN_ERROR)
    return replace(drill, detail=to_json(record))


def test_a_restore_is_a_measurement() -> None:
    """A restore that ended well says how long it took, for how much."""
    assert {"media": [Measurement(source="media", at=NOON, seconds=12.5, bytes=1000)]} == measured([RESTORE])


def test_a_drill_measures_what_a_recovery_takes() -> None:
    """Of a drill counts what a real recovery would do too: neither the waiting nor the damage that was planted."""
    expected = Measurement(source="media", at=NOON + HOUR, seconds=40.0, bytes=5000, how="drill")

    assert {"media": [expected]} == measured([a_drill()])


@pytest.mark.parametrize(
    "proof",
    [
        replace(RESTORE, verdict="failed"),
        replace(RESTORE, detail="restored"),
        replace(RESTORE, detail=detail_of(Restored(seconds=1, bytes=1, version=2))),
        replace(RESTORE, kind="drill"),
        a_drill(why_not="no room"),
        a_drill(rto=Measured(HOUR, None)),
        a_drill(bytes=0),
        a_human_error(),
    ],
)
def test_what_was_not_measured_is_no_measurement(proof: Proof) -> None:
    """What failed, could not be done, or is not readable says nothing of how long a restore takes."""
    assert {} == measured([proof])
