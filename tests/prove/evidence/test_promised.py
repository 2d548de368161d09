"""Which drills were promised and missed is computed from an export alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from covenant.kernel.layers import Stated
from covenant.kernel.policy import DrillPolicy, Policy
from covenant.kernel.schedule import Schedule, parse_blackout
from covenant.prove.evidence.chain import Head, linked
from covenant.prove.evidence.promised import Moment, drills_in, moments
from covenant.prove.evidence.records import Record
from covenant.prove.evidence.verifying import Verdict, verify
from tests.prove.evidence.chains import SIGNER, a_record, export

MONTHLY = {"monthly": {"at": "0 4 1 * *", "zone": "UTC"}}
BEGAN = datetime(2026, 1, 15, tzinfo=UTC)
ENDS = datetime(2026, 5, 15, tzinfo=UTC)


def due(month: int, day: int = 1, hour: int = 4) -> datetime:
    """A moment of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def a_policy(drills: Any, at: datetime = BEGAN) -> Record:
    """What was promised from a moment on."""
    return a_record("policy", at=at, drills=drills)


def a_drill(at: datetime, result: str = "passed", level: str = "monthly", **facts: Any) -> Record:
    """A drill that was held."""
    return a_record("drill", at=at + timedelta(hours=1), level=level, began_at=at.isoformat(), result=result, **facts)


def chain(*records: Record, sealed: datetime = ENDS, vault: str = "one") -> list[bytes]:
    """The export of a chain with these records."""
    began = a_record("began", at=BEGAN, key=SIGNER.public, vault=vault)
    return export(list(linked(Head(), (each.body() for each in (began, *records)))), at=sealed)


def read(lines: list[bytes]) -> Verdict:
    """What an auditor has."""
    verdict = verify(lines, [SIGNER.public])
    assert verdict.whole
    return verdict


def became(*records: Record, sealed: datetime = ENDS) -> list[str]:
    """What became of each promised moment, in order."""
    return [each.became for each in moments(read(chain(*records, sealed=sealed)).chains)]


def test_a_moment_without_a_drill_is_missed() -> None:
    """Of four promised months one passed, one was never held, one failed and one could not be verified."""
    held = (a_drill(due(2)), a_drill(due(4), "failed"), a_drill(due(5), "could not verify"))

    assert ["passed", "missed", "failed", "could not verify"] == became(a_policy(MONTHLY), *held)


def test_a_late_drill_answers_and_is_late() -> None:
    """A drill that came a week after its moment answers it, and says so."""
    found = moments(read(chain(a_policy(MONTHLY), a_drill(due(2, 8)), sealed=due(2, 20))).chains)

    assert (Moment("monthly", due(2), "passed", timedelta(days=7)),) == found


def test_a_drill_answers_the_moment_that_it_was_held_for() -> None:
    """Caught up with after the next moment had come, it answers the one it was for and not the next."""
    late = a_drill(due(3, 2), due_at=due(2).isoformat())

    assert ["passed", "missed", "missed", "missed"] == became(a_policy(MONTHLY), late)


def test_a_more_thorough_drill_answers_too() -> None:
    """An annual drill answers the monthly moment; a monthly one answers no annual moment."""
    drills = {**MONTHLY, "annual": {"at": "0 5 1 3 *", "zone": "UTC"}}

    found = moments(read(chain(a_policy(drills), a_drill(due(2), level="annual"), a_drill(due(3, 2)))).chains)

    assert [("monthly", "passed"), ("monthly", "passed"), ("annual", "missed")] == [
        (each.level, each.became) for each in found[:3]
    ]


def test_a_drill_of_only_some_sources_answers_nothing() -> None:
    """Who rehearses one source has not held the monthly drill."""
    assert ["missed"] == became(a_policy(MONTHLY), a_drill(due(2), narrowed=True), sealed=due(2, 20))


def test_what_may_still_come_is_open() -> None:
    """Half a day after the moment nothing is missed yet."""
    assert ["open"] == became(a_policy(MONTHLY), sealed=due(2, 1, 16))


def test_another_policy_promises_from_its_own_moment_on() -> None:
    """What was promised before a change is judged by the old policy, what came after by the new one."""
    none = a_policy({}, at=due(3, 20))
    again = a_policy(MONTHLY, at=due(4, 20))

    found = moments(read(chain(a_policy(MONTHLY), none, again)).chains)

    assert [due(2), due(3), due(5)] == [each.due_at for each in found]


def test_a_promise_holds_until_the_next_chain_begins() -> None:
    """When the catalog was lost for months, what was promised in the old chain is missed until the new one began."""
    first = chain(a_policy(MONTHLY), sealed=due(1, 16))
    old = read(first).chains[0]
    head = {"chain": old.id, "length": old.head.length, "head": old.head.hash}
    began = a_record("began", at=due(4, 10), key=SIGNER.public, after=[head])
    second = export(list(linked(Head(), [began.body()])), at=due(4, 10))

    found = moments(read([*first, *second]).chains)

    assert [(due(2), "missed"), (due(3), "missed"), (due(4), "missed")] == [(m.due_at, m.became) for m in found]


def test_drills_of_all_vaults_count_together() -> None:
    """A drill is recorded in one vault; the promise, which stands in each, is kept by it."""
    other = chain(a_policy(MONTHLY), a_record("note", at=BEGAN), sealed=due(2, 20))
    held = chain(a_policy(MONTHLY), a_drill(due(2)), sealed=due(2, 20), vault="two")

    found = moments(read([*other, *held]).chains)

    assert [("monthly", "passed")] == [(each.level, each.became) for each in found]


def test_a_promise_that_cannot_be_understood_is_none() -> None:
    """Nonsense in a record neither stops the verifier nor makes a promise."""
    assert [] == became(a_policy({"monthly": {"at": "now and then"}, "weekly": {"at": "0 1 * * *"}, "annual": 3}))


def test_a_schedule_is_told_whole() -> None:
    """Zone, jitter and blackouts come along, so that the moments are the loop's own."""
    night = (parse_blackout("02:00-05:00"),)
    schedule = Schedule(cron="30 3 1 * *", zone="Europe/Berlin", jitter=timedelta(minutes=10), blackouts=night)
    promised = DrillPolicy(level="monthly", at=Stated(schedule, "covenant.toml:3"), what="restore")
    said = drills_in(Policy({}, {}, drills={"monthly": promised}))

    (found,) = moments(read(chain(a_policy(said), sealed=due(2, 20))).chains)

    assert schedule.following(BEGAN, "monthly") == found.due_at
