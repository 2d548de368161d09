"""Which copies are read back next: each in time, evenly, whatever comes and goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.prove.rolling import Account, Copy, State, account, chosen, pace

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
AT = int(NOON.timestamp())
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONTH = 30 * DAY


def a_copy(name: str = "a", size: int = 1000, age: timedelta = timedelta(), state: State = State.WHOLE) -> Copy:
    """A copy that was last looked at so long ago."""
    return Copy(name, size, AT - int(age.total_seconds()), state)


copies = st.lists(
    st.builds(
        a_copy,
        name=st.text("abcdef", min_size=4, max_size=4),
        size=st.integers(0, 100_000),
        age=st.timedeltas(timedelta(), 40 * DAY),
        state=st.sampled_from([State.WHOLE, State.UNREAD]),
    ),
    unique_by=lambda copy: copy.name,
    max_size=40,
)


@given(held=copies, budget=st.integers(0, 2_000_000))
def test_the_oldest_are_read_first(held: list[Copy], budget: int) -> None:
    """What is left is no older than what is chosen; as many bytes are chosen as the budget asks, and not one copy more
    than that takes, but for those whose time has come."""
    found = chosen(held, NOON, MONTH, budget)

    left = [copy for copy in held if copy not in found]
    youngest = max((copy.at for copy in found), default=0)
    overdue = [copy for copy in held if NOON - datetime.fromtimestamp(copy.at, UTC) >= 0.8 * MONTH]
    assert all(copy.at >= youngest for copy in left)
    assert set(overdue) <= set(found)
    assert not left or sum(copy.size for copy in found) >= budget
    if len(found) > len(overdue):
        assert sum(copy.size for copy in found[:-1]) < max(1, budget)
    assert sorted(found, key=lambda copy: copy.at) == list(found)


@given(held=copies, hours=st.integers(1, 48))
def test_the_pace_is_enough_and_does_not_grow(held: list[Copy], hours: int) -> None:
    """Read at the pace for a while, and what is left asks for no higher one: so it is enough to the end."""
    before = pace(held, NOON, MONTH)
    length = timedelta(hours=hours)

    read = set(chosen(held, NOON, MONTH, before * length.total_seconds()))

    left = [copy for copy in held if copy not in read]
    assert pace(left, NOON + length, MONTH) <= before * 1.000001


def test_what_is_of_one_age_is_spread_evenly() -> None:
    """A vault whose every object was read today is read again over four fifths of the promised time."""
    held = [a_copy(f"{n}", 1000) for n in range(100)]

    rate = pace(held, NOON, MONTH)

    assert 100_000 / (0.8 * MONTH.total_seconds()) == pytest.approx(rate, rel=0.01)


def test_what_was_found_damaged_is_read_again_each_time() -> None:
    """A damaged copy is looked at in every run, so that its healing is noticed."""
    held = [a_copy("bad", state=State.DAMAGED), a_copy("old", age=20 * DAY)]

    assert ["bad"] == [copy.name for copy in chosen(held, NOON, MONTH, 0)]


def test_having_been_written_proves_nothing() -> None:
    """A copy that was never read counts among the objects of a region and not among those that are proved."""
    held = [a_copy("new", 300, state=State.UNREAD), a_copy("read", 100, 2 * DAY), a_copy("late", 100, 31 * DAY)]

    found = account("home", held, NOON, MONTH)

    assert (3, 500, 1, 100, 0.2) == (found.objects, found.bytes, found.read_objects, found.read_bytes, found.share)
    assert NOON - 31 * DAY == found.oldest


def test_damaged_copies_are_counted_apart() -> None:
    """A damaged copy is not proved, however lately it was read."""
    found = account("home", [a_copy("bad", 100, state=State.DAMAGED), a_copy("good", 100)], NOON, MONTH)

    assert (1, 1, 100, NOON) == (found.damaged, found.read_objects, found.read_bytes, found.oldest)


def test_what_is_archived_is_neither_proved_nor_promised() -> None:
    """A copy that must be thawed first counts among the objects and never as proved; and however old it grows, it is no
    breach of a promise that nobody could keep."""
    held = [a_copy("cold", 300, 90 * DAY, State.ARCHIVED), a_copy("warm", 100, DAY)]

    found = account("home", held, NOON, MONTH)

    assert (1, 1, 0.25, NOON - DAY) == (found.archived, found.read_objects, found.share, found.oldest)


def test_a_region_of_nothing_is_proved() -> None:
    """Where there is nothing, nothing is left to be read; where there are empty objects, they are."""
    assert 1.0 == Account(region="home", at=NOON).share
    assert 0.0 == Account(region="home", at=NOON, objects=2).share


class Vault:
    """Objects that come and go over simulated months, and a reader that sleeps now and then.

    It counts by itself which object was read when, apart from what the code under test remembers.
    """

    def __init__(self, seed: int, within: timedelta) -> None:
        self.random = Random(seed)
        self.within = within
        self.now = NOON
        self.objects: dict[str, Copy] = {}
        self.read_at: dict[str, datetime] = {}
        self.read_on: dict[int, int] = defaultdict(int)
        self.longest = timedelta()
        self.made = 0

    def put(self, count: int) -> None:
        for _ in range(count):
            self.made += 1
            name = f"{self.made:06}"
            self.objects[name] = Copy(name, self.random.choice([300, 4000, 16_000]), self.second, State.UNREAD)
            self.read_at[name] = self.now

    def let_go(self, share: float) -> None:
        for name in [name for name in self.objects if self.random.random() < share]:
            del self.objects[name], self.read_at[name]

    def read(self, until: timedelta) -> None:
        held = self.objects.values()
        self.mark(chosen(held, self.now, self.within, pace(held, self.now, self.within) * until.total_seconds()))

    def mark(self, found: Iterable[Copy]) -> None:
        for copy in found:
            self.objects[copy.name] = Copy(copy.name, copy.size, self.second, State.WHOLE)
            self.read_at[copy.name] = self.now
            self.read_on[(self.now - NOON).days] += copy.size

    def look(self) -> None:
        """What is so: how long the object waits that waits longest."""
        self.longest = max(self.longest, *(self.now - at for at in self.read_at.values()), timedelta())

    @property
    def second(self) -> int:
        return int(self.now.timestamp())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_months_every_byte_is_read_in_time(seed: int) -> None:
    """Objects come and go, by the day and in bursts, and the reader is away for days: counted by its own ledger, no
    object that is there ever waited longer than was promised."""
    vault = Vault(seed, MONTH)
    vault.put(400)
    away_until = NOON
    for step in range(200 * 4):
        vault.now = NOON + step * 6 * HOUR
        if vault.random.random() < 0.02:
            away_until = vault.now + vault.random.random() * 5 * DAY
        vault.put(vault.random.choice([0, 1, 2]))
        if vault.random.random() < 0.01:
            vault.put(200)
            vault.let_go(0.3)
        vault.let_go(0.002)
        vault.look()
        if vault.now >= away_until:
            vault.read(6 * HOUR)

    assert vault.longest <= MONTH
    assert vault.longest > 0.6 * MONTH, "it was read so often that the simulation proves nothing"


def test_in_quiet_times_no_day_reads_much_more_than_another() -> None:
    """A vault that was filled at once is read in even parts, day for day, from the first to the last."""
    vault = Vault(7, MONTH)
    vault.put(1000)
    for step in range(50 * 4):
        vault.now = NOON + step * 6 * HOUR
        vault.read(6 * HOUR)

    usual = sum(copy.size for copy in vault.objects.values()) / 24
    days = [vault.read_on[day] for day in range(50)]
    assert max(days) < 1.25 * usual
    assert min(days) > 0.75 * usual


def test_what_is_read_is_let_go_and_the_rest_still_in_time() -> None:
    """The worst that can happen to a pace that follows the size: whatever was just read is deleted."""
    vault = Vault(3, MONTH)
    vault.put(500)
    for step in range(30 * 4):
        vault.now = NOON + step * 6 * HOUR
        vault.read(6 * HOUR)
        for name in [copy.name for copy in vault.objects.values() if copy.state is State.WHOLE]:
            del vault.objects[name], vault.read_at[name]
        if not vault.objects:
            break
        vault.look()

    assert vault.longest <= 0.85 * MONTH
    assert not vault.objects
