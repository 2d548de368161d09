"""The planned faults themselves: each does what its name says, and counts that it did."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import DamageError, StoreDenied, StoreFull, StoreUnavailable
from covenant.vault.ports import Listed
from tests.adapters.stores.stopped_clock import StoppedClock
from tests.contracts.store_contract import StoreContract
from tests.faults.stores import Died, DiesAfterWrite, Flaky, FlipsLastByte, Full, Slow, Sound, Truncates, WriteOnce


class TestSound(StoreContract):
    """The ground that faults are put on adds none."""

    @pytest.fixture
    def store(self) -> Sound:
        return Sound(MemoryStore())


def three_writes(store: Sound) -> None:
    """Two puts and a delete."""
    store.put("data/one", b"1")
    store.put("data/two", b"2")
    store.delete("data/one")


def test_without_a_number_nobody_dies() -> None:
    """A first run tells how many writes there are."""
    store = DiesAfterWrite(MemoryStore(), None)

    three_writes(store)

    assert 3 == store.writes
    assert not store.died


@pytest.mark.parametrize(
    ("n", "before", "left"),
    [
        (0, True, []),
        (0, False, ["data/one"]),
        (1, True, ["data/one"]),
        (1, False, ["data/one", "data/two"]),
        (2, True, ["data/one", "data/two"]),
        (2, False, ["data/two"]),
    ],
)
def test_death_comes_at_the_planned_write(n: int, before: bool, left: list[str]) -> None:
    """Before the write or behind it, exactly the planned effects are there, and the dead do nothing more."""
    inside = MemoryStore()
    store = DiesAfterWrite(inside, n, before)

    with pytest.raises(Died):
        three_writes(store)

    assert left == sorted(name for name, _ in inside.list(""))
    assert store.died
    for act in (lambda: store.get("data/one"), lambda: store.list(""), lambda: store.put("data/three", b"3")):
        with pytest.raises(Died):
            act()
    assert left == sorted(name for name, _ in inside.list(""))


def test_more_writes_than_there_are_kill_nobody() -> None:
    """A fault that was not met shows as such."""
    store = DiesAfterWrite(MemoryStore(), 3)

    three_writes(store)

    assert not store.died


def test_the_last_byte_is_flipped_for_the_chosen() -> None:
    """In whole reads and in ranges that reach the end, and nowhere else."""
    store = FlipsLastByte(MemoryStore(), lambda name: name.startswith("data/"))
    store.put("data/one", b"abc\x00")
    store.put("index/one", b"abc\x00")

    assert b"abc\xff" == store.get("data/one")
    assert b"c\xff" == store.get_range("data/one", 2, 2)
    assert b"abc" == store.get_range("data/one", 0, 3)
    assert b"abc\x00" == store.get("index/one")
    assert 2 == store.flipped


def test_the_end_is_cut_off() -> None:
    """Reads, sizes, ranges and listings all show the shorter object."""
    store = Truncates(MemoryStore(), by=2)
    store.put("data/one", b"12345")

    assert b"123" == store.get("data/one")
    assert 3 == store.size("data/one")
    assert [Listed("data/one", 3)] == list(store.list(""))
    assert b"23" == store.get_range("data/one", 1, 2)
    with pytest.raises(DamageError):
        store.get_range("data/one", 1, 3)


def test_slowness_is_time_on_the_clock() -> None:
    """Each call takes its time, and none of ours."""
    clock = StoppedClock()
    store = Slow(MemoryStore(), clock, 2.5)

    three_writes(store)

    assert [2.5, 2.5, 2.5] == clock.slept


@pytest.mark.parametrize(("after", "left"), [(False, []), (True, ["data/one"])])
def test_flakiness_ends(after: bool, left: list[str]) -> None:
    """The planned number of failures comes, with or without effect, and then none."""
    inside = MemoryStore()
    store = Flaky(inside, 1, after)

    with pytest.raises(StoreUnavailable):
        store.put("data/one", b"1")
    assert left == [name for name, _ in inside.list("")]
    store.put("data/two", b"2")
    assert 0 == store.left


def test_room_runs_out() -> None:
    """What fits is stored, what does not is refused."""
    store = Full(MemoryStore(), room=5)
    store.put("data/one", b"123")

    with pytest.raises(StoreFull):
        store.put("data/two", b"456")
    store.put("data/three", b"78")
    assert 1 == store.refused


def test_a_term_keeps_the_chosen() -> None:
    """Under a term nothing is written over or deleted; elsewhere everything is."""
    store = WriteOnce(MemoryStore(), lambda name: name.startswith("data/"))
    store.put("data/one", b"1")
    store.put("locks/one", b"1")

    with pytest.raises(StoreDenied):
        store.delete("data/one")
    with pytest.raises(StoreDenied):
        store.overwrite("data/one", b"2")
    store.overwrite("locks/one", b"2")
    store.delete("locks/one")
    assert [Listed("data/one", 1)] == list(store.list(""))
