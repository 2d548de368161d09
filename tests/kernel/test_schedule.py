"""Schedules name the right moments: held against a slow reading of the clock on the wall, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.kernel.errors import UsageError
from covenant.kernel.schedule import Blackout, Schedule, parse_blackout, parse_schedule

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana")
CRONS = (
    *("* * * * *", "*/15 * * * *", "0 * * * *", "5,50 */3 * * *", "30 2 * * *", "15 1 * * *", "0 3 * * Sun"),
    *("30 0-3 * * *", "0 0 1 * *", "45 23 * * 1-5", "*/20 2 * * *", "10 1,2 30 3,10 *", "0 12 L * *"),
)
TURNINGS = (
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC),
)


@lru_cache(maxsize=1 << 20)
def fits(cron: str, wall: datetime) -> bool:
    """Whether a time on the wall fits an expression, as the library says of a clock that is never turned."""
    naive = wall.replace(tzinfo=UTC)
    return next(CronSim(cron, naive - MINUTE)) == naive


def moments(schedule: Schedule, begins: datetime, ends: datetime) -> list[datetime]:
    """Every moment between two, by walking over the minutes: the slow oracle, without jitter."""
    zone = ZoneInfo(schedule.zone)
    passing = schedule.cron.startswith("*") or schedule.cron.split()[1:2][0].startswith("*") if schedule.cron else True
    found: list[datetime] = []
    waiting = False
    seen: set[datetime] = set()
    at, before = begins, begins.astimezone(zone).replace(tzinfo=None) - MINUTE
    while at <= ends:
        wall = at.astimezone(zone).replace(tzinfo=None)
        if schedule.every is not None:
            due = (at - datetime(1970, 1, 1, tzinfo=UTC)) % schedule.every == timedelta()
        elif passing:
            due = fits(schedule.cron, wall)
        else:
            skipped = [before + n * MINUTE for n in range(1, max(0, (wall - before) // MINUTE))]
            walls = [each for each in (*skipped, wall) if each not in seen and fits(schedule.cron, each)]
            seen |= {*skipped, wall}
            due = bool(walls)
        before = wall
        waiting = waiting or due
        if waiting and not any(blackout.covers(wall) for blackout in schedule.blackouts):
            found.append(at)
            waiting = False
        at += MINUTE
    return found


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Schedules of every kind, in zones whose clocks are turned."""
    times = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
    blackout = st.builds(Blackout, times, times, st.frozensets(st.integers(0, 6), min_size=1))
    every = draw(st.none() | st.sampled_from([1, 7, 15, 60, 90, 1440, 2000]).map(lambda n: n * MINUTE))
    try:
        return Schedule(
            every=every,
            cron="" if every else draw(st.sampled_from(CRONS)),
            zone=draw(st.sampled_from(ZONES)),
            blackouts=tuple(draw(st.lists(blackout, max_size=2))),
        )
    except UsageError:
        return Schedule(every=MINUTE)


@settings(max_examples=40, deadline=None)
@given(schedules(), st.sampled_from(TURNINGS), st.integers(-600, 2400))
def test_moments_are_those_of_the_wall(schedule: Schedule, around: datetime, offset: int) -> None:
    """The moments around a turning of clocks are those that a walk over the minutes finds."""
    now = around + offset * MINUTE
    expected = moments(schedule, now - 3 * DAY, now + 2 * DAY)
    settled = [each for each in expected if each >= now - 2 * DAY]

    past, coming = [each for each in settled if each <= now], [each for each in settled if each > now]

    latest, following = schedule.latest(now), schedule.following(now)
    if past:
        assert past[-1] == latest
    else:
        assert latest is None or latest < now - DAY
    if coming:
        assert coming[0] == following
    else:
        assert following is None or following > now + DAY


@settings(max_examples=40, deadline=None)
@given(schedules(), st.sampled_from(TURNINGS), st.integers(0, 7200), st.text(max_size=3))
def test_no_wait_is_longer_than_the_longest(schedule: Schedule, around: datetime, jitter: int, seed: str) -> None:
    """From one moment to the next it is never longer than the longest gap says, whatever the seed."""
    jittered = Schedule(schedule.every, schedule.cron, schedule.zone, timedelta(seconds=jitter), schedule.blackouts)
    longest = jittered.longest_gap()
    at = jittered.following(around - DAY, seed)

    for _ in range(40):
        assert at is not None
        following = jittered.following(at, seed)
        assert following is not None
        assert at < following
        assert following - at <= longest
        at = following


@settings(max_examples=60, deadline=None)
@given(schedules(), st.sampled_from(TURNINGS), st.integers(-600, 2400), st.integers(0, 5000), st.text(max_size=3))
def test_latest_and_following_agree(schedule: Schedule, around: datetime, offset: int, jitter: int, seed: str) -> None:
    """Between the latest moment and the following one nothing falls due."""
    jittered = Schedule(schedule.every, schedule.cron, schedule.zone, timedelta(seconds=jitter), schedule.blackouts)
    now = around + offset * MINUTE

    following = jittered.following(now, seed)

    assert following is not None
    assert following == jittered.latest(following, seed)
    assert jittered.latest(now, seed) == jittered.latest(following - timedelta(seconds=1), seed)


@pytest.mark.parametrize(
    ("text", "zone", "longest"),
    [
        ("every 15m", "UTC", timedelta(minutes=15)),
        ("*/15 * * * *", "Europe/Berlin", timedelta(minutes=15)),
        ("0 3 * * *", "UTC", timedelta(hours=24)),
        ("0 3 * * *", "Europe/Berlin", timedelta(hours=25)),
        ("0 2 * * Sun", "UTC", timedelta(days=7)),
        ("0 4 1 * *", "UTC", timedelta(days=31)),
        ("0 9-17 * * Mon-Fri", "UTC", timedelta(days=2, hours=16)),
        ("0 0 29 2 *", "UTC", timedelta(days=1461)),
    ],
)
def test_the_longest_gap_of_known_schedules(text: str, zone: str, longest: timedelta) -> None:
    """What a calendar on the wall says is what the longest gap says."""
    parsed = parse_schedule(text)
    assert parsed is not None

    schedule = Schedule(parsed.every, parsed.cron, zone)

    assert longest == schedule.longest_gap()


def test_a_blackout_that_is_out_of_the_way_makes_no_gap_longer() -> None:
    """A nightly backup does not mind a blackout in the morning."""
    schedule = Schedule(cron="0 3 * * *", blackouts=(parse_blackout("Mon-Fri 08:00-10:00"),))

    assert DAY == schedule.longest_gap()
    assert not schedule.swallowed


def test_a_schedule_whose_every_moment_is_put_off_is_swallowed() -> None:
    """It never begins when it says."""
    assert Schedule(cron="0 3 * * *", blackouts=(parse_blackout("22:00-06:00"),)).swallowed


def test_what_falls_into_a_blackout_begins_at_its_end() -> None:
    """Moments that a blackout covers are put off, and several become one."""
    schedule = Schedule(every=timedelta(minutes=15), blackouts=(parse_blackout("22:00-02:00"),))
    night = datetime(2026, 5, 5, 23, 10, tzinfo=UTC)

    assert datetime(2026, 5, 5, 21, 45, tzinfo=UTC) == schedule.latest(night)
    assert datetime(2026, 5, 6, 2, 0, tzinfo=UTC) == schedule.following(night)
    assert datetime(2026, 5, 6, 2, 15, tzinfo=UTC) == schedule.following(datetime(2026, 5, 6, 2, 0, tzinfo=UTC))


def test_jitter_spreads_and_stays() -> None:
    """Sources are spread over the jitter, and each has the same share every time."""
    schedule = Schedule(cron="0 3 * * *", jitter=timedelta(minutes=30))
    now = datetime(2026, 5, 5, 12, tzinfo=UTC)

    shares = [(schedule.latest(now, f"source {n}") or now) - datetime(2026, 5, 5, 3, tzinfo=UTC) for n in range(200)]

    assert all(timedelta() <= share <= timedelta(minutes=30) for share in shares)
    assert len(set(shares)) > 150
    assert schedule.latest(now, "a") == schedule.latest(now, "a")


@pytest.mark.parametrize(
    ("schedule", "what"),
    [
        ({}, "either"),
        ({"every": DAY, "cron": "0 3 * * *"}, "either"),
        ({"every": timedelta(seconds=59)}, "too often"),
        ({"every": DAY, "blackouts": (parse_blackout("00:00-12:00"), parse_blackout("12:00-24:00"))}, "no time"),
    ],
)
def test_a_schedule_that_means_nothing_is_refused(schedule: dict[str, object], what: str) -> None:
    """Neither, both, too often, and never are no schedules."""
    with pytest.raises(UsageError, match=what):
        Schedule(**schedule)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["0 0 31 2 *", "61 * * * *", "hourly", "every", "every 30s", "* * * *", "0 0 0 0 0 0"])
def test_text_that_is_no_schedule_is_refused(text: str) -> None:
    """What cannot be read, or never comes, is told."""
    with pytest.raises(ValueError, match="'"):
        parse_schedule(text)
