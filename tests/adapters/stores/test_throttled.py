"""A store that takes no more bytes a second than it may."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.throttled import Bucket, ThrottledStore
from covenant.vault.ports import Store
from tests.clocks import FrozenClock
from tests.contracts.store_contract import StoreContract


class TestThrottledStore(StoreContract):
    """The contract, with a throttle on it."""

    @pytest.fixture
    def store(self) -> Store:
        return ThrottledStore(MemoryStore(), Bucket(1 << 30, FrozenClock()))


@pytest.mark.parametrize("size", [100, 7_000, 50_000])
def test_a_rate_is_kept_however_large_the_objects(size: int) -> None:
    """However large its objects are, a store moves no more than its rate, but for the first second's worth."""
    clock = FrozenClock()
    store = ThrottledStore(MemoryStore(), Bucket(10_000, clock))
    began, objects = clock.monotonic(), 200_000 // size

    for number in range(objects):
        store.put(f"data/{number}", b"x" * size)

    assert pytest.approx((objects * size - 10_000) / 10_000, abs=0.01) == clock.monotonic() - began


def test_stores_that_share_a_bucket_share_the_rate() -> None:
    """Two stores of one bucket take as long together as one would alone, reading as well as writing."""
    clock = FrozenClock()
    bucket = Bucket(1_000, clock)
    one, other = ThrottledStore(MemoryStore(), bucket), ThrottledStore(MemoryStore(), bucket)
    began = clock.monotonic()

    one.put("data/one", b"x" * 3_000)
    other.put("data/other", b"x" * 3_000)
    other.get("data/other")

    assert pytest.approx(8.0) == clock.monotonic() - began
