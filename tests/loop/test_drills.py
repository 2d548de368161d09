"""When drills fall due, beside what they may begin, and how they stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from covenant.catalog.history import DrillHistory, History, Past
from covenant.catalog.records import Proof, State
from covenant.kernel.policy import DrillPolicy, Policy
from covenant.kernel.schedule import Schedule
from covenant.kernel.standing import DrillStanding, Verdict
from covenant.loop.choosing import PATIENCE, choose
from covenant.loop.due import Due, due, upcoming
from covenant.loop.standing import standing
from covenant.prove.record import DrillRecord, Level
from covenant.prove.telling import to_json
from covenant.respond.conditions import conditions_of
from tests.loop.worlds import NOON, a_policy, a_run, failed, good, said

FIRST = Schedule(cron="0 9 1 * *")
DUE = datetime(2026, 11, 1, 9, tzinfo=NOON.tzinfo)
BEFORE = DUE - timedelta(days=10)
HOUR = timedelta(hours=1)


def promised(*levels: str) -> Policy:
    """Drills on the first of the month."""
    drills = {level: DrillPolicy(level=level, at=said(FIRST), what="restore") for level in levels or ("monthly",)}
    return replace(a_policy(), drills=drills, sources={})


def proof(at: datetime, level: str = "monthly", verdict: str = "passed", narrowed: bool = False) -> Proof:
    """A drill that somebody held by hand."""
    record = DrillRecord(id="d", level=Level(level), began_at=at, ended_at=at, narrowed=narrowed)
    return Proof(id=1, subject=level, kind="drill", at=at, verdict=verdict, detail=to_json(record))


def past(level: str = "monthly", **more: object) -> History:
    """A history of drills of one level."""
    return History(drills={level: DrillHistory(level=level, **more)})  # type: ignore[arg-type]


def fallen(history: History, now: datetime = NOON, policy: Policy | None = None) -> list[str]:
    """The levels that are due; the promise is ten days older than the moment."""
    since = {f"drill {level}": BEFORE for level in ("monthly", "quarterly", "annual")}
    return [each.subject for each in due(policy or promised(), history, now, since) if each.drill]


def test_a_drill_falls_due_once() -> None:
    """At its moment, and not again once it was held, by the loop or by hand, whatever it came to."""
    run = a_run("drill", DUE, State.FINDINGS, subject="monthly")

    assert [] == fallen(History(), DUE - HOUR)
    assert ["monthly"] == fallen(History(), DUE)
    assert [] == fallen(past(past=good(run)))
    assert [] == fallen(past(proof=proof(DUE + HOUR, verdict="failed")))
    assert ["monthly"] == fallen(past(proof=proof(DUE - HOUR)))


def test_a_drill_over_chosen_sources_is_not_the_one_that_was_promised() -> None:
    """What a person narrowed leaves the promise open."""
    assert ["monthly"] == fallen(past(proof=proof(DUE + HOUR, narrowed=True)))


def test_a_more_thorough_drill_answers_the_smaller_one() -> None:
    """A quarterly drill restores what a monthly one does, and not the other way round."""
    both = promised("monthly", "quarterly")

    assert [] == fallen(past("quarterly", proof=proof(DUE, "quarterly")), policy=both)
    assert ["quarterly"] == fallen(past("monthly", proof=proof(DUE)), policy=both)


def test_no_drill_is_owed_from_before_it_was_promised() -> None:
    """Who writes an annual drill down today need not hold last year's at once."""
    since = {"drill monthly": DUE + HOUR}

    assert () == due(promised(), History(), NOON, since)


def test_a_drill_that_broke_off_is_tried_again_after_a_pause() -> None:
    """It is held back for a while, and the loop knows until when."""
    run = a_run("drill", DUE, State.FAILED, subject="monthly", started_at=NOON)

    assert [] == fallen(past(past=failed(run)), NOON + timedelta(minutes=1))
    assert ["monthly"] == fallen(past(past=failed(run)), NOON + HOUR)
    assert min(upcoming(promised(), past(past=failed(run)), NOON + timedelta(minutes=1))) <= NOON + HOUR


def test_a_drill_reads_every_vault() -> None:
    """Nothing that must be alone in a vault begins beside one, nor one beside that; backups go on."""
    drill = Due(
        subject="monthly", vault="", kind="drill", due_at=NOON, deadline=NOON + 99 * HOUR, priority=9, reason=""
    )
    prune, backup = replace(drill, subject="v", vault="v", kind="prune"), replace(drill, vault="v", kind="full")
    waiting = replace(prune, due_at=NOON - 2 * PATIENCE)

    assert [] == choose([prune], [drill], 2, NOON)
    assert [] == choose([drill], [prune], 2, NOON)
    assert [drill] == choose([drill], [backup], 2, NOON)
    assert [backup] == choose([backup], [drill], 2, NOON)
    assert [] == choose([drill], [backup, waiting], 3, NOON)[1:]
    assert [waiting] == choose([drill, waiting], [], 2, NOON)


def of_monthly(history: History, now: datetime = NOON) -> DrillStanding:
    """How monthly drills stand."""
    return standing(promised(), history, now, {"drill monthly": BEFORE}).drills[0]


def test_a_missed_drill_is_a_broken_promise() -> None:
    """From a day after its moment on, until one is held that passes; the one after that is missed again."""
    assert Verdict.WAITING is of_monthly(History(), DUE + HOUR).verdict
    found = of_monthly(History())
    assert (Verdict.BROKEN, (DUE,)) == (found.verdict, found.missed)
    assert Verdict.KEPT is of_monthly(past(proof=proof(DUE + HOUR))).verdict
    assert Verdict.BROKEN is of_monthly(past(proof=proof(DUE + HOUR)), NOON + timedelta(days=20)).verdict


def test_a_drill_that_did_not_pass_is_told() -> None:
    """Failed is broken; what could not be verified is at risk; either becomes an alert."""
    for verdict, expected in (("failed", Verdict.BROKEN), ("could not verify", Verdict.AT_RISK)):
        history = past(proof=proof(DUE + HOUR, verdict=verdict))
        found = standing(promised(), history, NOON, {"drill monthly": BEFORE})

        assert expected is found.drills[0].verdict
        assert expected is found.verdict
        assert ["drill/monthly/drill"] == [condition.key for condition in conditions_of(found)]


def test_where_no_drill_is_promised_nothing_is_said_of_any() -> None:
    """A policy without drills has none that could be missed."""
    assert () == standing(a_policy(), History(), NOON).drills
    assert Past() == History().drill("monthly").past
