"""The promises of ``covenant.vault.ports`` as questions to a store that somebody means to use.

Each is a function that is handed the store and a folder of its own, returns what it saw, and raises ``Broken`` where
the store does not keep its promise, ``NotSeen`` where that cannot be told from here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from covenant.kernel.errors import CovenantError, DamageError, ObjectExists, ObjectMissing
from covenant.vault.ports import Listed, Store

_PACK = 17 * 2**20
_WRITERS = 8

Promise = Callable[[Store, str], str]


class Broken(Exception):
    """The store does not keep the promise; the message says what it did."""


class NotSeen(Exception):
    """Whether the store keeps the promise cannot be told; the message says why."""


def comes_back(store: Store, folder: str) -> str:
    """An object comes back byte for byte."""
    data = bytes(range(256)) * 16
    store.put(f"{folder}/object", data)
    _expect(store.get(f"{folder}/object") == data, "other bytes came back than were stored")
    _expect(store.size(f"{folder}/object") == len(data), "the size is wrong")
    return f"{len(data)} bytes"


def may_be_empty(store: Store, folder: str) -> str:
    """An object may be empty."""
    store.put(f"{folder}/empty", b"")
    _expect(store.get(f"{folder}/empty") == b"", "an empty object came back with bytes in it")
    _expect(Listed(f"{folder}/empty", 0) in store.list(folder), "an empty object is not listed")
    return ""


def is_whole_or_absent(store: Store, folder: str) -> str:
    """A pack is never seen half written."""
    name = f"{folder}/pack"
    data = b"covenant" * (_PACK // 8)
    done = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(_sizes_until, done, store, folder)
        try:
            store.put(name, data)
        finally:
            done.set()
        seen = watching.result()
    _expect(seen <= {_PACK}, f"it was listed with {sorted(seen)} bytes while {_PACK} were being written")
    _expect(store.get(name) == data, "other bytes came back than were stored")
    return f"{_PACK} bytes"


def ranges_are_exact(store: Store, folder: str) -> str:
    """A range holds exactly the bytes asked for."""
    store.put(f"{folder}/range", b"0123456789")
    for offset, length in ((0, 10), (0, 1), (3, 4), (9, 1)):
        got = store.get_range(f"{folder}/range", offset, length)
        _expect(got == b"0123456789"[offset : offset + length], f"{length} bytes from {offset} came back as {got!r}")
    return ""


def ranges_do_not_shrink(store: Store, folder: str) -> str:
    """A range that ends behind the object is an error, never fewer bytes."""
    store.put(f"{folder}/short", b"0123456789")
    for offset, length in ((5, 6), (10, 1), (99, 1)):
        _expect_error(DamageError, store.get_range, f"{folder}/short", offset, length)
    return ""


def missing_is_missing(store: Store, folder: str) -> str:
    """An object that is not there is called missing."""
    for ask in (store.get, store.size, store.delete):
        _expect_error(ObjectMissing, ask, f"{folder}/absent")
    _expect_error(ObjectMissing, store.get_range, f"{folder}/absent", 0, 1)
    return ""


def never_over_another(store: Store, folder: str) -> str:
    """A put never writes over another object."""
    store.put(f"{folder}/taken", b"first")
    _expect_error(ObjectExists, store.put, f"{folder}/taken", b"other")
    _expect(store.get(f"{folder}/taken") == b"first", "the first object was written over")
    return ""


def one_writer_wins(store: Store, folder: str) -> str:
    """Of many that put one name at once, one succeeds."""
    together = threading.Barrier(_WRITERS)

    def write(number: int) -> bytes | None:
        data = f"writer {number}".encode()
        together.wait()
        try:
            store.put(f"{folder}/race", data)
        except ObjectExists:
            return None
        return data

    with ThreadPoolExecutor(_WRITERS) as threads:
        winners = [data for data in threads.map(write, range(_WRITERS)) if data is not None]
    _expect(len(winners) == 1, f"{len(winners)} of {_WRITERS} were told that they succeeded")
    _expect(store.get(f"{folder}/race") == winners[0], "the object is not the winner's")
    return f"{_WRITERS} writers"


def listings_are_whole(store: Store, folder: str) -> str:
    """A listing has every object at once, with its size."""
    names = [f"{folder}/{number % 4}/{number}" for number in range(20)]
    for name in names:
        store.put(name, name.encode())
    found = sorted(store.list(folder))
    _expect(found == sorted(Listed(name, len(name)) for name in names), f"{len(found)} of {len(names)} were listed")
    _expect(not any(store.list(f"{folder}/absent")), "a folder that is not there lists objects")
    return f"{len(names)} objects"


def deleted_is_gone(store: Store, folder: str) -> str:
    """A deleted object is gone at once, and its name is free."""
    store.put(f"{folder}/lock", b"1")
    store.delete(f"{folder}/lock")
    _expect_error(ObjectMissing, store.get, f"{folder}/lock")
    _expect(not any(store.list(folder)), "a deleted object is listed")
    store.put(f"{folder}/lock", b"2")
    _expect(store.get(f"{folder}/lock") == b"2", "the deleted object came back")
    return ""


def is_durable(store: Store, folder: str) -> str:
    """An object is durable when its put returns."""
    raise NotSeen("only a loss of power would show it")


PROMISES: tuple[Promise, ...] = (
    comes_back,
    may_be_empty,
    is_whole_or_absent,
    ranges_are_exact,
    ranges_do_not_shrink,
    missing_is_missing,
    never_over_another,
    one_writer_wins,
    listings_are_whole,
    deleted_is_gone,
    is_durable,
)


def _sizes_until(done: threading.Event, store: Store, folder: str) -> set[int]:
    """Every size under which anything in ``folder`` was listed until ``done``."""
    seen: set[int] = set()
    while not done.is_set():
        seen |= {size for _, size in store.list(folder)}
        done.wait(0.01)
    return seen


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def _expect_error(expected: type[CovenantError], act: Callable[..., object], *about: object) -> None:
    try:
        act(*about)
    except expected:
        return
    raise Broken(f"no {expected.__name__} was raised")
