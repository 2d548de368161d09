"""Asking again: only where it helps, with growing pauses, and without taking our own success for a stranger's."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.posix import PosixStore
from covenant.adapters.stores.retrying import RetryingStore
from covenant.kernel.errors import ObjectExists, ObjectMissing, StoreFull, StoreUnavailable
from covenant.vault.ports import Listed, Store
from tests.adapters.stores.stopped_clock import StoppedClock
from tests.contracts.store_contract import StoreContract
from tests.faults.stores import Flaky, Full


def retrying(store: Store, clock: StoppedClock | None = None, attempts: int = 4) -> RetryingStore:
    """A store that is asked again on a clock that stands still."""
    return RetryingStore(store, clock or StoppedClock(), Random(1), attempts=attempts)


class TestRetryingStore(StoreContract):
    """The contract, on a folder that is asked again."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        inside = PosixStore(tmp_path / "vault")
        inside.create_root()
        return retrying(inside)


def test_a_store_that_comes_back_is_asked_again() -> None:
    """Every kind of call outlives a few failures."""
    inside = MemoryStore()
    inside.put("data/one", b"12345")

    assert b"12345" == retrying(Flaky(inside, 3)).get("data/one")
    assert b"23" == retrying(Flaky(inside, 3)).get_range("data/one", 1, 2)
    assert 5 == retrying(Flaky(inside, 3)).size("data/one")
    assert [Listed("data/one", 5)] == list(retrying(Flaky(inside, 3)).list("data"))
    retrying(Flaky(inside, 3)).put("data/two", b"2")
    retrying(Flaky(inside, 3)).delete("data/one")
    assert [Listed("data/two", 1)] == list(inside.list(""))


def test_in_the_end_it_gives_up() -> None:
    """After the last attempt the failure is told as it was."""
    flaky = Flaky(MemoryStore(), 99)

    with pytest.raises(StoreUnavailable):
        retrying(flaky, attempts=4).get("data/one")
    assert 95 == flaky.left


def test_pauses_grow_and_differ() -> None:
    """Each pause is a random part of a bound that doubles up to the longest."""
    clock = StoppedClock()
    store = RetryingStore(Flaky(MemoryStore(), 6), clock, Random(7), attempts=7, first_pause=1.0, longest_pause=8.0)

    with pytest.raises(ObjectMissing):
        store.get("data/one")
    expected = Random(7)
    assert [expected.random() * bound for bound in (1, 2, 4, 8, 8, 8)] == clock.slept


def test_what_will_not_help_is_not_tried() -> None:
    """A full store, a missing object, a taken name: asking again changes nothing."""
    clock = StoppedClock()
    inside = MemoryStore()
    inside.put("config", b"theirs")

    with pytest.raises(StoreFull):
        retrying(Full(inside, 0), clock).put("data/one", b"1")
    with pytest.raises(ObjectMissing):
        retrying(inside, clock).get("data/one")
    with pytest.raises(ObjectMissing):
        retrying(inside, clock).delete("data/one")
    with pytest.raises(ObjectExists):
        retrying(inside, clock).put("config", b"theirs")
    assert [] == clock.slept


def test_a_put_whose_answer_was_lost_has_succeeded() -> None:
    """Meeting its own object, a repeated put knows it by its bytes."""
    inside = MemoryStore()
    flaky = Flaky(inside, 1, after=True)

    retrying(flaky).put("config", b"ours")

    assert 0 == flaky.left
    assert b"ours" == inside.get("config")


@pytest.mark.parametrize("theirs", [b"them", b"longer than ours"])
def test_a_stranger_s_object_is_not_ours(theirs: bytes) -> None:
    """Meeting another's object after a failure, a put says that the name is taken."""
    inside = MemoryStore()
    inside.put("config", theirs)

    with pytest.raises(ObjectExists):
        retrying(Flaky(inside, 1)).put("config", b"ours")
    assert theirs == inside.get("config")


def test_a_delete_whose_answer_was_lost_has_succeeded() -> None:
    """What is missing when a delete is repeated was deleted by it."""
    inside = MemoryStore()
    inside.put("locks/one", b"1")
    flaky = Flaky(inside, 1, after=True)

    retrying(flaky).delete("locks/one")

    assert 0 == flaky.left
    assert [] == list(inside.list(""))


def test_a_listing_that_broke_off_tells_nothing_twice() -> None:
    """It begins anew, and each object is in it once."""
    inside = MemoryStore()
    for number in range(3):
        inside.put(f"data/{number}", b"x")
    flaky = Flaky(inside, 2)

    assert ["data/0", "data/1", "data/2"] == sorted(name for name, _ in retrying(flaky).list("data"))
    assert 0 == flaky.left
