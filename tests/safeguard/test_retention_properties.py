"""Retention against a slow second reading of the same rules, over snapshots nobody thought of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.durations import Span
from covenant.safeguard import retention
from covenant.safeguard.retention import Keep
from tests.safeguard.snapshots import Snapshot

STAMPS = {"hourly": "%Y%m%d%H", "daily": "%Y%m%d", "weekly": "%G%V", "monthly": "%Y%m", "yearly": "%Y"}

NEAR = datetime(2025, 12, 28, tzinfo=UTC)
offsets = st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-7, minutes=-30))])
# Close together at a turn of the year, or far apart: both make buckets that collide.
times = st.one_of(
    st.builds(lambda hours, zone: (NEAR + timedelta(hours=hours)).astimezone(zone), st.integers(0, 24 * 60), offsets),
    st.builds(lambda days, zone: (NEAR + timedelta(days=days)).astimezone(zone), st.integers(-1500, 400), offsets),
)
labels = st.sampled_from([(), ("a",), ("b",), ("a", "b"), ("c", "a")])


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Up to forty snapshots of two hosts."""
    drawn = draw(st.lists(st.tuples(times, st.sampled_from(["h", "i"]), labels), max_size=40))
    return [Snapshot(f"{nr:02}", time, host, tags=tags) for nr, (time, host, tags) in enumerate(drawn)]


counts = st.integers(-1, 6)
spans = st.none() | st.builds(Span, days=st.integers(0, 400), hours=st.integers(0, 48))
policies = st.builds(
    lambda counted, within, tags, newest: {
        **dict(zip(("last", *STAMPS), counted, strict=True)),
        **dict(zip(("within", *(f"within_{name}" for name in STAMPS)), within, strict=True)),
        "tags": tags,
        "newest": newest,
    },
    st.tuples(*[counts] * 6),
    st.tuples(*[spans] * 6),
    st.sampled_from([(), (), (), (("a",),), (("a", "b"), ("c",))]),
    st.booleans(),
).filter(lambda drawn: any(drawn[name] for name in ("last", *STAMPS, "tags")))
moments = st.one_of(st.just(NEAR + timedelta(days=2000)), times)


def slow_oracle(history: list[Snapshot], policy: dict[str, object], at: datetime) -> set[str]:
    """The ids to keep, rule by rule over whole lists instead of one walk over the snapshots."""
    keep: set[str] = set()
    for host in {one.hostname for one in history}:
        mine = sorted((one for one in history if one.hostname == host), key=lambda one: one.id)
        mine.sort(key=lambda one: one.time.timestamp(), reverse=True)
        keep |= {one.id for one in mine if one.time > at}
        past = [one for one in mine if one.time <= at]
        keep |= {one.id for one in past[:1] if policy["newest"]}
        keep |= {one.id for one in past for tags in policy["tags"] if all(tag in one.tags for tag in tags)}  # type: ignore[attr-defined]
        keep |= {one.id for one in past[: _limit(policy["last"])]}
        keep |= {one.id for one in _younger(past, policy["within"])}
        for name, stamp in STAMPS.items():
            keep |= {one.id for one in _newest_of_each(past, stamp)[: _limit(policy[name])]}
            keep |= {one.id for one in _newest_of_each(_younger(past, policy[f"within_{name}"]), stamp)}
    return keep


def _limit(count: object) -> int | None:
    assert isinstance(count, int)
    return None if count == -1 else count


def _younger(past: list[Snapshot], span: object) -> list[Snapshot]:
    if not isinstance(span, Span) or span == Span():
        return []
    reach = timedelta(days=span.days, hours=span.hours)
    return [one for one in past if past[0].time - one.time < reach]


def _newest_of_each(past: list[Snapshot], stamp: str) -> list[Snapshot]:
    return [next(run) for _, run in groupby(past, key=lambda one: one.time.strftime(stamp))]


@given(history=histories(), policy=policies, at=moments)
def test_a_slow_second_reading_keeps_the_same(history: list[Snapshot], policy: dict[str, object], at: datetime) -> None:
    """Two implementations of the same sentences agree on every history."""
    plan = retention.plan(history, keep=Keep(**policy), at=at)  # type: ignore[arg-type]

    assert slow_oracle(history, policy, at) == {kept.candidate.id for kept in plan.keep}


@given(history=histories(), policy=policies, at=moments)
def test_every_snapshot_is_judged_once(history: list[Snapshot], policy: dict[str, object], at: datetime) -> None:
    """Keep and forget part the candidates, every kept one has a reason, and each row can be explained."""
    plan = retention.plan(history, keep=Keep(**policy), at=at)  # type: ignore[arg-type]

    judged = [kept.candidate.id for kept in plan.keep] + [gone.id for gone in plan.forget]
    assert sorted(one.id for one in history) == sorted(judged)
    assert all(kept.reasons for kept in plan.keep)
    assert all(plan.why(one) for one in history)


@given(history=histories(), policy=policies, at=moments)
def test_deciding_again_over_what_is_left_forgets_nothing(
    history: list[Snapshot], policy: dict[str, object], at: datetime
) -> None:
    """A plan interrupted and made again never bites deeper."""
    keep = Keep(**policy)  # type: ignore[arg-type]
    left = [kept.candidate for kept in retention.plan(history, keep=keep, at=at).keep]

    assert () == retention.plan(left, keep=keep, at=at).forget


@given(history=histories(), policy=policies, at=moments, back=st.integers(0, 20_000))
def test_an_earlier_clock_never_forgets_more(
    history: list[Snapshot], policy: dict[str, object], at: datetime, back: int
) -> None:
    """A clock set back costs room, never a snapshot."""
    keep = Keep(**policy)  # type: ignore[arg-type]
    now = retention.plan(history, keep=keep, at=at)
    earlier = retention.plan(history, keep=keep, at=at - timedelta(hours=back))

    assert {gone.id for gone in earlier.forget} <= {gone.id for gone in now.forget}
