"""Drills to be reported on: good ones, bad ones, hostile ones, and a long row of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from covenant.kernel.answers import Answer, Result
from covenant.prove.record import DrillRecord, Level, Measured, Planted, Scenario, SourceDrill, Step

BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script>\"'&\u202egpj\x1b[31m\udcff中"

BOOKINGS = SourceDrill(
    source="bookings",
    system="sqlite",
    data_class="critical",
    priority=1,
    vault="default",
    region="attic",
    snapshot_id="ab" * 32,
    moment=BEGAN - timedelta(minutes=4),
    files=1,
    bytes=48_300_000,
    rto=Measured(timedelta(hours=1), timedelta(seconds=42)),
    rpo=Measured(timedelta(minutes=15), timedelta(minutes=4)),
    steps=(Step("restore", 21.4), Step("validate", 15.2, "every byte compared"), Step("plant", 5.4)),
    answers=(
        Answer("Is the database sound?", Result.PASSED, "PRAGMA integrity_check: ok", 1.2),
        Answer("Are there as many bookings as there should be?", Result.PASSED, "12,408 of at least 12,400", 0.1),
    ),
    planted=(
        Planted(kind="bit-flipped", where="data/3f…", result=Result.PASSED, found_by="pack-damaged"),
        Planted(kind="row-changed", where="bookings, row 811", result=Result.PASSED, found_by="the second question"),
    ),
)
SHOOTS = replace(
    BOOKINGS,
    source="shoots",
    system="files",
    data_class="important",
    priority=2,
    region="cloud",
    files=51,
    bytes=402_000_000,
    moment=BEGAN - timedelta(minutes=31),
    rto=Measured(timedelta(hours=4), timedelta(seconds=96)),
    rpo=Measured(timedelta(hours=1), timedelta(minutes=31)),
    steps=(Step("restore", 61.0), Step("validate", 30.9), Step("plant", 4.1)),
    answers=(Answer("Has every file its bytes?", Result.PASSED, "51 of 51 by SHA-256", 30.9),),
    planted=(Planted(kind="pack-deleted", where="data/91…", result=Result.PASSED, found_by="pack-missing"),),
)
MONTHLY = DrillRecord(
    id="3f9a2c11d4e84a0b",
    level=Level.MONTHLY,
    due_at=BEGAN,
    began_at=BEGAN,
    ended_at=BEGAN + timedelta(seconds=140),
    by="covenant run on studio",
    steps=(Step("open the vault", 0.4), Step("make room", 0.1), Step("clean up", 1.3)),
    sources=(BOOKINGS, SHOOTS),
)
SIMULATION = replace(
    MONTHLY,
    id="77aa01",
    level=Level.QUARTERLY,
    scenario=Scenario.DATA_CENTRE_OUTAGE,
    sources=(
        replace(
            BOOKINGS,
            rto=Measured(timedelta(hours=1), timedelta(hours=1, minutes=12)),
            planted=(replace(BOOKINGS.planted[0], result=Result.FAILED, found_by=""), BOOKINGS.planted[1]),
            answers=(
                *BOOKINGS.answers,
                Answer("Does the site answer?", Result.COULD_NOT_VERIFY, "no port was free", 5),
            ),
        ),
        replace(SHOOTS, why_not="the region 'cloud' does not answer", rto=Measured(timedelta(hours=4), None)),
    ),
)


def hostile() -> DrillRecord:
    """A drill whose every name was chosen by somebody who wants to be obeyed."""
    source = replace(
        BOOKINGS,
        source=HOSTILE,
        system=HOSTILE,
        data_class=HOSTILE,
        region=HOSTILE,
        vault=HOSTILE,
        snapshot_id=HOSTILE,
        steps=(Step(HOSTILE, 1.0, HOSTILE),),
        answers=(Answer(HOSTILE, Result.FAILED, HOSTILE, 1.0),),
        planted=(Planted(kind=HOSTILE, where=HOSTILE, result=Result.PASSED, found_by=HOSTILE),),
    )
    lost = replace(source, why_not=HOSTILE)
    return replace(MONTHLY, id=HOSTILE, by=HOSTILE, sources=(source, lost), steps=source.steps, answers=source.answers)


def long_row(number: int) -> list[DrillRecord]:
    """As many monthly drills as that, one a day until the one of ``MONTHLY``; every fiftieth failed."""
    chance, drills = Random(number), []
    for back in range(number, 0, -1):
        reached = timedelta(seconds=chance.lognormvariate(3.6, 0.5) + (4000 if back % 50 == 17 else 0))
        source = replace(BOOKINGS, rto=Measured(timedelta(hours=1), reached))
        began = BEGAN - timedelta(days=back)
        drills.append(replace(MONTHLY, id=f"{back:016x}", began_at=began, ended_at=began + reached, sources=(source,)))
    return drills
