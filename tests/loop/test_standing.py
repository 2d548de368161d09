"""How things stand: each promise beside what was reached, and the verdict at the right moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.catalog.history import Habit, History, SourceHistory, VaultHistory
from covenant.catalog.records import Copies, Proof, State
from covenant.kernel.standing import SourceStanding, VaultStanding, Verdict
from covenant.loop.standing import standing
from covenant.prove.accounts import from_json, to_json
from covenant.prove.restores import Restored, detail_of
from covenant.prove.rolling import Account
from tests.loop.worlds import HOURLY, NOON, a_past, a_policy, a_run, a_source, a_vault, failed, kept


def of_media(history: History, **more: Any) -> SourceStanding:
    """How the only source stands."""
    return standing(a_policy(a_source(**more)), history, NOON).sources[0]


def test_a_promise_is_kept_while_its_newest_backup_is_young() -> None:
    """The age of the newest snapshot is what was reached, and is held against the RPO."""
    found = of_media(a_past(newest=kept(time=NOON - timedelta(minutes=90))))

    assert (Verdict.KEPT, timedelta(hours=2), timedelta(minutes=90)) == (found.verdict, found.rpo, found.rpo_reached)


@given(age=st.integers(0, 400), rpo=st.integers(1, 400))
def test_a_breach_is_told_at_its_moment_and_not_before(age: int, rpo: int) -> None:
    """A promise is broken exactly when the newest snapshot is older than the RPO."""
    policy = a_policy(a_source(rpo=timedelta(minutes=rpo)))
    past = a_past(newest=kept(time=NOON - timedelta(minutes=age)))

    assert (age > rpo) == standing(policy, past, NOON).broken


def test_what_was_never_kept_waits_and_is_then_broken() -> None:
    """Nothing is promised before the first due moment and the RPO after it have passed; then it is broken."""
    policy = a_policy(a_source(schedules={"incremental": HOURLY}))
    since = {"media": NOON - timedelta(minutes=10)}

    verdicts = [
        standing(policy, History(), NOON + timedelta(minutes=late), since).sources[0].verdict for late in (0, 120, 121)
    ]

    assert [Verdict.WAITING, Verdict.WAITING, Verdict.BROKEN] == verdicts


def test_what_nobody_ever_tried_is_not_called_kept() -> None:
    """Without any word on when a source was first promised it is at risk: not known is never kept."""
    assert Verdict.AT_RISK is of_media(History()).verdict


def test_what_is_not_covered_is_told_as_that() -> None:
    """A kind that cannot be kept yet is neither kept nor broken, with nothing reached."""
    found = standing(a_policy(replace(a_source(), covered=False, system="postgres")), History(), NOON).sources[0]

    assert (Verdict.NOT_COVERED, None, None) == (found.verdict, found.rpo_reached, found.next_due)
    assert ["this version cannot keep postgres sources yet"] == [str(why) for why in found.because]


def test_a_snapshot_from_the_future_keeps_no_promise() -> None:
    """What is dated ahead counts for nothing, or a clock that was wrong once would hide a breach for years."""
    past = a_past(newest=kept(time=NOON + timedelta(days=400)), kinds={"full": kept("full", NOON - timedelta(hours=3))})

    found = of_media(past)

    assert (Verdict.BROKEN, timedelta(hours=3)) == (found.verdict, found.rpo_reached)


def test_failures_put_a_promise_at_risk() -> None:
    """Runs that fail are told with their number and reason while the promise still holds."""
    run = a_run(state=State.FAILED, id=7, message="the folder is gone", hint="Mount it.")

    found = of_media(a_past(newest=kept(), past={"incremental": failed(run, 3)}))

    assert (Verdict.AT_RISK, 3, "the folder is gone") == (found.verdict, found.failures, found.last_failure)
    assert ["the last 3 runs failed: the folder is gone"] == [str(why) for why in found.because]


def test_a_failed_proof_breaks_and_a_missing_one_risks() -> None:
    """A backup that failed its proof is no backup; one that could not be proved is not known to be one."""
    for verdict, expected in (("passed", "kept"), ("failed", "broken"), ("could not verify", "at risk")):
        proof = Proof(id=1, subject="media", kind="drill", at=NOON, verdict=verdict, detail="x")

        assert expected == of_media(a_past(newest=kept(), proofs={"drill": proof})).verdict


def counted(region: str, **more: object) -> Copies:
    """A region that was counted at noon and holds everything, but for what is said."""
    facts: dict[str, Any] = {"reachable": True, "objects": 10, "bytes": 1000, **more}
    return Copies(vault="default", region=region, at=NOON, **facts)


def with_copies(*copies: Copies) -> SourceStanding:
    """How a source stands that was promised three copies, two of them acknowledged."""
    vault = replace(a_vault(regions=("one", "two", "three")), acknowledge=replace(a_source().copies, value=2))
    policy = a_policy(a_source(copies=3), vault=vault)
    history = History(
        sources={"media": SourceHistory(source="media", newest=kept())},
        vaults={"default": VaultHistory(vault="default", copies={each.region: each for each in copies})},
    )
    return standing(policy, history, NOON).sources[0]


def test_copies_are_counted_and_never_assumed() -> None:
    """Three whole regions keep a promise of three; one that lags a little risks it, one that is lost breaks it."""
    whole = [counted("one"), counted("two")]
    lagging = counted("three", missing=2, missing_since=NOON - timedelta(minutes=5))

    stands = [
        with_copies(),
        with_copies(*whole, counted("three")),
        with_copies(*whole, lagging),
        with_copies(*whole, replace(lagging, missing_since=NOON - timedelta(days=1))),
        with_copies(*whole, counted("three", reachable=False)),
        with_copies(*whole, counted("three", damaged=1)),
    ]

    assert ["at risk", "kept", "at risk", "broken", "broken", "broken"] == [str(each.verdict) for each in stands]
    assert [None, 3, 2, 2, 2, 2] == [each.copies_reached for each in stands]


def test_a_chore_that_is_overdue_is_told() -> None:
    """A chore that nobody did for longer than its schedule's longest gap puts its vault at risk."""
    policy = a_policy(vault=a_vault(check=HOURLY))
    done = {"check": failed(a_run("check", state=State.FAILED, message="no answer"))}

    found = standing(policy, History(vaults={"default": VaultHistory(vault="default", past=done)}), NOON)

    assert (Verdict.AT_RISK, ["check failed: no answer"]) == (
        found.verdict,
        [str(why) for why in found.vaults[0].because],
    )


def read_back(verdict: str = "passed", within: timedelta | None = timedelta(days=30), **told: Any) -> VaultStanding:
    """How a vault of one region stands that was read back as told."""
    stated = None if within is None else replace(a_source().rpo, value=within)
    policy = a_policy(a_source(), vault=replace(a_vault(), verify_within=stated))
    proofs = {}
    if told:
        detail = to_json([Account(region="default", at=NOON, objects=10, bytes=100, **told)])
        proofs = {"verify": Proof(id=1, subject="default", kind="verify", at=NOON, verdict=verdict, detail=detail)}
    media = SourceHistory(source="media", newest=kept(), oldest=NOON - timedelta(days=29))
    history = History(sources={"media": media}, vaults={"default": VaultHistory(vault="default", proofs=proofs)})
    return standing(policy, history, NOON).vaults[0]


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "kept"), (24, "kept"), (28, "at risk"), (30, "at risk"), (31, "broken")]
)
def test_the_promise_to_read_back_is_broken_at_its_moment(days: int, expected: str) -> None:
    """Kept while nothing waits for longer than promised, at risk when it is late, broken from the moment on."""
    found = read_back(read_objects=10, read_bytes=100, oldest=NOON - timedelta(days=days))

    assert expected == found.verdict
    assert {"verify"} >= {why.promise for why in found.because}
    assert (1.0, NOON - timedelta(days=days)) == (found.regions[0].proved, found.regions[0].proved_since)


def test_what_was_never_read_back_is_not_called_kept() -> None:
    """Without any reading it waits, and is broken once the vault is older than was promised."""
    verdicts = [read_back(within=within).verdict for within in (timedelta(days=60), timedelta(days=28), None)]

    assert ["waiting", "broken", "kept"] == verdicts


def test_what_was_read_back_damaged_is_told() -> None:
    """In a vault of one place nothing can mend a damaged copy: the promise is broken, with what to do."""
    found = read_back(verdict="failed", read_objects=9, read_bytes=90, damaged=1, oldest=NOON)

    assert (Verdict.BROKEN, 0.9) == (found.verdict, found.regions[0].proved)
    assert ["region default holds 1 copy that is damaged, as reading back showed"] == [
        str(why) for why in found.because
    ]


def test_a_region_that_could_not_be_read_keeps_its_age() -> None:
    """A reading that could not be carried out proves nothing: what is known of the region goes on ageing."""
    found = read_back(
        "could not verify", reached=False, read_objects=10, read_bytes=100, oldest=NOON - timedelta(days=31)
    )

    assert Verdict.BROKEN is found.verdict


def test_a_report_that_cannot_be_read_tells_of_nothing() -> None:
    """A proof whose detail is damaged, or of a later version, is no proof of anything."""
    assert {} == from_json("not json") == from_json('{"version": 2, "accounts": []}')


def restored(seconds: float, size: int = 1000, day: int = 0) -> Proof:
    """A restore of ``media`` that took so long."""
    detail = detail_of(Restored(seconds=seconds, bytes=size))
    return Proof(subject="media", kind="restore", at=NOON - timedelta(days=day), verdict="passed", detail=detail)


def test_a_restore_that_would_take_too_long_is_told_before_it_is_needed() -> None:
    """Data that grew since its restores were measured puts its RTO of four hours at risk, and then breaks it."""
    restores = tuple(restored(3600 + day, day=day) for day in range(8))

    found = [of_media(a_past(newest=replace(kept(), bytes=size), restores=restores)) for size in (1000, 3500, 20_000)]

    assert ["kept", "at risk", "broken"] == [str(each.verdict) for each in found]
    assert [8, 8, 8] == [each.measurements for each in found]
    assert "a restore of today's data would take" in str(found[1].because[0])
    assert found[0].rto_measured == timedelta(hours=1)
    for each in found:
        assert each.rto_at_least and each.rto_estimated and each.rto_at_most  # noqa: PT018
        assert each.rto_at_least < each.rto_estimated < each.rto_at_most


def test_a_restore_that_was_never_measured_is_not_forecast() -> None:
    """Without a measurement nothing is said of how long it would take."""
    found = of_media(a_past(newest=kept()))

    assert (None, None, None, 0) == (found.rto_estimated, found.rto_at_most, found.rto_measured, found.measurements)


def a_habit(begun: int, minutes: int, added: int = 1, kind: str = "incremental") -> Habit:
    """A backup that began so many minutes ago, and took so long."""
    start = NOON - timedelta(minutes=begun)
    return Habit(kind, start, {"bytes": 1000, "added_bytes": added}, start + timedelta(minutes=minutes))


def test_backups_that_take_ever_longer_are_told_before_the_rpo_breaks() -> None:
    """Each hour a backup that takes minutes keeps an RPO of two hours; one that takes more than an hour will not."""
    newest = kept(time=NOON - timedelta(minutes=10))
    quick, slow = ((a_habit(10, 5), a_habit(70, minutes)) for minutes in (5, 61))

    found = [of_media(a_past(newest=newest, habits=habits)) for habits in (quick, slow)]

    assert ["kept", "at risk"] == [str(each.verdict) for each in found]
    assert [timedelta(minutes=65), timedelta(minutes=121)] == [each.rpo_expected for each in found]
    expected = "took 1h1m: with up to 1h before it, the newest one grows older than the promised 2h"
    assert [f"a backup of kind incremental {expected}"] == [str(why) for why in found[1].because]


def test_the_first_backup_of_all_is_no_measure() -> None:
    """It stores everything, and takes longer than any that follow."""
    found = of_media(a_past(newest=kept(), habits=(a_habit(0, 300, added=900, kind="full"),)))

    assert (Verdict.KEPT, None) == (found.verdict, found.rpo_expected)


def test_a_backup_stands_for_nothing_until_it_has_ended() -> None:
    """The worst age of the newest backup counts how long the next one took, and not only when it began."""
    newest = kept(time=NOON - timedelta(minutes=10))

    found = of_media(a_past(newest=newest, habits=(a_habit(10, 8), a_habit(70, 5))))

    assert timedelta(minutes=68) == found.rpo_worst
