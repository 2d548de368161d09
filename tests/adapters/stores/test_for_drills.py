"""The stores that drills make use of: one that is away, and one whose keys are another's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from covenant.adapters.stores.away import AwayStore
from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.rekeyed import RekeyedStore
from covenant.kernel.errors import DamageError, ObjectMissing, StoreUnavailable
from covenant.vault.ports import Store

CALLS: list[Callable[[Store], object]] = [
    lambda store: store.get("config"),
    lambda store: store.get_range("config", 0, 1),
    lambda store: store.size("config"),
    lambda store: store.list("data"),
    lambda store: store.put("config", b"x"),
    lambda store: store.delete("config"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_is_away_answers_nothing(call: Callable[[Store], object]) -> None:
    """Whatever it is asked, and in a way that sends the question on to another region."""
    with pytest.raises(StoreUnavailable, match="was cut off for a drill"):
        call(AwayStore("memory:a"))


def rekeyed() -> RekeyedStore:
    """A store with an old key, seen with a new one in its place."""
    below = MemoryStore()
    for name in ("config", "keys/old", "data/aa/one"):
        below.put(name, name.encode())
    return RekeyedStore(below, {"keys/new": b"fresh"})


def test_another_key_is_all_that_is_seen_of_keys() -> None:
    """The old one is neither listed nor given; everything else is as it was."""
    store = rekeyed()

    assert {("keys/new", 5)} == set(store.list("keys"))
    assert {"config", "keys/new", "data/aa/one"} == {listed.name for listed in store.list("")}
    assert (b"fresh", b"res", 5) == (store.get("keys/new"), store.get_range("keys/new", 1, 3), store.size("keys/new"))
    assert (b"config", b"on", 6) == (store.get("config"), store.get_range("config", 1, 2), store.size("config"))
    for call in (store.get, store.size):
        with pytest.raises(ObjectMissing):
            call("keys/old")
    with pytest.raises(DamageError):
        store.get_range("keys/new", 3, 5)
