"""What a policy keeps, why, and what it never does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from covenant.kernel.durations import Span
from covenant.kernel.errors import UsageError
from covenant.safeguard import grouping, retention
from covenant.safeguard.retention import UNTAGGED, Keep, RetentionPlan
from tests.safeguard.snapshots import Snapshot, a_snapshot, moment

NOW = moment("2026-11-23 12:00")


def kept(plan: RetentionPlan[Snapshot]) -> list[str]:
    """The kept snapshots by id, with their reasons."""
    return [f"{one.candidate.id}: {one.why()}" for one in plan.keep]


def test_the_newest_snapshot_of_each_day_is_kept() -> None:
    """A day with two snapshots uses up one of the count, and its older one goes."""
    early, late = a_snapshot("2026-11-20 03:00"), a_snapshot("2026-11-20 21:00")
    today = a_snapshot("2026-11-23 03:00")

    plan = retention.plan([early, today, late], keep=Keep(daily=7), at=NOW)

    assert (early,) == plan.forget
    assert ["studio@2026-11-23 03:00: 1 of 7 daily", "studio@2026-11-20 21:00: 2 of 7 daily"] == kept(plan)
    assert "no rule keeps it: 7 daily" == plan.why(early)


def test_every_reason_is_named() -> None:
    """A snapshot that several rules keep says so for each of them."""
    legal = a_snapshot("2026-11-23 03:00", "legal")
    keep = Keep(last=2, daily=7, within=Span(days=30), within_yearly=Span(years=5), tags=(("legal",),))

    plan = retention.plan([legal], keep=keep, at=NOW)

    assert (
        "tagged legal, within 30d of the newest, 1 of 2 last, 1 of 7 daily, yearly within 5y of the newest"
    ) == plan.why(legal)


def test_a_policy_reads_as_people_say_it() -> None:
    """The plan carries its policy in words."""
    keep = Keep(last=-1, weekly=4, within=Span(days=7), within_monthly=Span(years=1), tags=(("a", "b"), UNTAGGED))

    plan: RetentionPlan[Snapshot] = retention.plan([], keep=keep, at=NOW)

    assert "all last, 4 weekly, within 7d, monthly within 1y, tagged a and b, untagged" == plan.policy


@pytest.mark.parametrize("keep", [{}, {"daily": 0}, {"within": Span()}, {"newest": False}])
def test_a_policy_without_a_rule_is_refused(keep: dict[str, object]) -> None:
    """Saying nothing never means forgetting everything."""
    with pytest.raises(UsageError, match="the policy keeps nothing"):
        Keep(**keep)  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [{"daily": -2}, {"within": Span(days=-1)}, {"tags": ((),)}])
def test_a_rule_that_means_nothing_is_refused(keep: dict[str, object]) -> None:
    """Counts below -1, spans into the future and tag lists without a tag are mistakes."""
    with pytest.raises(UsageError):
        Keep(**keep)  # type: ignore[arg-type]


def test_a_count_of_minus_one_keeps_all_of_its_kind() -> None:
    """Without a limit the newest of every day stays, and the older ones of each day still go."""
    days = [a_snapshot(f"2026-11-{day:02} {hour:02}:00") for day in range(1, 21) for hour in (3, 21)]

    plan = retention.plan(days, keep=Keep(daily=-1), at=NOW)

    assert 20 == len(plan.keep) == len(plan.forget)
    assert "daily, without limit" == plan.why(days[-1])


def test_the_newest_snapshot_stays_though_no_rule_keeps_it() -> None:
    """A policy of tags alone does not forget the only current state of a source."""
    old, new = a_snapshot("2026-11-01 03:00"), a_snapshot("2026-11-02 03:00")

    plan = retention.plan([old, new], keep=Keep(tags=(("legal",),)), at=NOW)

    assert (old,) == plan.forget
    assert "newest of its group" == plan.why(new)


def test_the_newest_snapshot_goes_when_that_is_said() -> None:
    """Turned off on purpose, the rules alone decide."""
    new = a_snapshot("2026-11-02 03:00")

    plan = retention.plan([new], keep=Keep(tags=(("legal",),), newest=False), at=NOW)

    assert (new,) == plan.forget


def test_a_list_of_tags_asks_for_all_of_them_and_any_list_is_enough() -> None:
    """Both tags of a list must be there; a snapshot without tags can be asked for as well."""
    both, one, none = (a_snapshot(f"2026-11-0{day} 03:00", *tags) for day, tags in [(1, "ab"), (2, "a"), (3, "")])

    plan = retention.plan([both, one, none], keep=Keep(tags=(("a", "b"), UNTAGGED)), at=NOW)

    assert (one,) == plan.forget
    assert ["studio@2026-11-03 03:00: untagged", "studio@2026-11-01 03:00: tagged a and b"] == kept(plan)


def test_within_counts_back_from_the_newest_snapshot_and_not_from_now() -> None:
    """A source that stopped long ago keeps its last month."""
    long_ago = [a_snapshot(f"2020-05-{day:02} 03:00") for day in (1, 10, 20)]

    plan = retention.plan(long_ago, keep=Keep(within=Span(days=11)), at=NOW)

    assert (long_ago[0],) == plan.forget


def test_a_day_is_that_of_the_wall_clock_beside_the_source() -> None:
    """Two snapshots of one UTC day belong to two days where they were taken."""
    tokyo = [a_snapshot("2026-01-05T23:30:00+09:00"), a_snapshot("2026-01-06T00:30:00+09:00")]
    in_utc = [a_snapshot("2026-01-05T14:30:00+00:00"), a_snapshot("2026-01-05T15:30:00+00:00")]

    assert () == retention.plan(tokyo, keep=Keep(daily=7), at=NOW).forget
    assert (in_utc[0],) == retention.plan(in_utc, keep=Keep(daily=7), at=NOW).forget


def test_hosts_and_paths_do_not_use_up_one_anothers_counts() -> None:
    """Each host and each set of paths is judged by itself, in whatever order the paths were named."""
    here, there = a_snapshot("2026-11-01 03:00"), a_snapshot("2026-11-02 03:00", hostname="other")
    ab, ba = a_snapshot("2026-11-03 03:00", paths=("/b", "/a")), a_snapshot("2026-11-04 03:00", paths=("/a", "/b"))

    plan = retention.plan([here, there, ab, ba], keep=Keep(last=1), at=NOW)

    assert (ab,) == plan.forget


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("host", ("host",)), ("tag, path", ("paths", "tags")), ("paths,hosts,host", ("host", "paths"))],
)
def test_groups_are_named_as_in_restic(text: str, expected: tuple[str, ...]) -> None:
    """Singular or plural, in any order, each once."""
    assert expected == grouping.axes(text)


def test_an_unknown_axis_is_refused() -> None:
    """Grouping by nothing known would quietly judge everything together."""
    with pytest.raises(UsageError, match="cannot be grouped by 'user'"):
        retention.plan([], keep=Keep(last=1), at=NOW, group_by=("user",))


def test_a_snapshot_from_the_future_uses_up_nothing() -> None:
    """Under a clock that ran ahead one snapshot was dated 2036: the last seven real days stay, and it is reported."""
    days = [a_snapshot(f"2026-11-{day:02} 03:00") for day in range(10, 24)]
    ahead = a_snapshot("2036-11-23 03:00")

    plan = retention.plan([*days, ahead], keep=Keep(last=1, daily=7, within=Span(days=3)), at=NOW)

    assert tuple(reversed(days[:7])) == plan.forget
    assert "dated after 2026-11-23 12:00, so not judged and not counted" == plan.why(ahead)
    assert "1 of 7 daily" in plan.why(days[-1])
    assert [("snapshot-from-the-future", ahead.id)] == [(each.kind, each.subject) for each in plan.findings]


def test_a_clock_set_back_forgets_nothing() -> None:
    """When this machine believes in 1970, every snapshot is from the future, and all of them stay."""
    days = [a_snapshot(f"2026-11-{day:02} 03:00") for day in range(10, 24)]

    plan = retention.plan(days, keep=Keep(last=1), at=moment("1970-01-01 00:00"))

    assert () == plan.forget
    assert len(days) == len(plan.findings)


def test_the_newest_that_counts_is_the_newest_of_the_present() -> None:
    """A misdated snapshot does not take the place of the newest real one."""
    real, ahead = a_snapshot("2026-11-22 03:00"), a_snapshot("2036-11-23 03:00")

    plan = retention.plan([real, ahead], keep=Keep(tags=(("legal",),)), at=NOW)

    assert "newest of its group" == plan.why(real)


def test_a_snapshot_of_this_very_moment_is_not_from_the_future() -> None:
    """A backup that ends in the same tick is judged like any other."""
    plan = retention.plan([Snapshot("just-now", NOW)], keep=Keep(last=1), at=NOW)

    assert ["just-now: 1 of 1 last"] == kept(plan)
    assert () == plan.findings


@pytest.mark.parametrize("naive", ["at", "snapshot"])
def test_a_moment_without_a_zone_is_refused(naive: str) -> None:
    """A guess of hours could cost a snapshot."""
    bare = NOW.replace(tzinfo=None)
    snapshot = Snapshot("s", bare if naive == "snapshot" else NOW)

    with pytest.raises(UsageError, match="has no zone"):
        retention.plan([snapshot], keep=Keep(last=1), at=bare if naive == "at" else NOW)


def test_a_snapshot_named_twice_is_judged_once() -> None:
    """A candidate given twice does not lose to itself."""
    one = a_snapshot("2026-11-22 03:00")

    plan = retention.plan([one, one], keep=Keep(last=1), at=NOW)

    assert 1 == len(plan.keep)
    assert () == plan.forget


def test_a_plan_does_not_explain_what_it_did_not_judge() -> None:
    """Asking about a stranger is a mistake, not "no rule keeps it"."""
    plan: RetentionPlan[Snapshot] = retention.plan([], keep=Keep(last=1), at=NOW)

    with pytest.raises(UsageError, match="not part of this plan"):
        plan.why(a_snapshot("2026-11-22 03:00"))


def test_a_plan_is_plain_values_in_json() -> None:
    """What is kept with its reasons, what goes, and what was found, readable by any program."""
    old, new = a_snapshot("2026-11-01 03:00", "raw"), a_snapshot("2026-11-02 03:00")
    ahead = Snapshot("ahead", NOW + timedelta(days=1))

    told = json.loads(json.dumps(retention.plan([old, new, ahead], keep=Keep(last=1), at=NOW).as_json()))

    assert ["ahead", new.id] == [each["id"] for each in told["keep"]]
    assert [{"rule": "last", "text": "1 of 1 last"}] == told["keep"][1]["reasons"]
    assert [
        {
            "id": old.id,
            "time": "2026-11-01T03:00:00+00:00",
            "hostname": "studio",
            "paths": ["/srv/media"],
            "tags": ["raw"],
        }
    ] == told["forget"]
    assert "ahead" == told["findings"][0]["subject"]
    assert NOW == datetime.fromisoformat(told["at"])
