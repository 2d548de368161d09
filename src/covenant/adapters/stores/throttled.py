"""A store that takes no more bytes a second than it may: so that a backup leaves room on the line for those who work.

A bucket of tokens: it fills at the rate and holds a second's worth. Whoever moves bytes takes as many tokens, into debt
if need be, and waits until the debt is paid. So a large object waits once, in proportion to its size, and no share of a
second is lost between many small ones. All stores of a process that share a bucket share the rate.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from covenant.kernel.clock import Clock
from covenant.vault.ports import Buffer, Listed, Store, put_content


class Bucket:
    """A rate in bytes a second, shared by whoever takes from it."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = float(rate)
        self._filled_at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Account for this many bytes, and wait until they were within the rate."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(float(self.rate), self._tokens + (now - self._filled_at) * self.rate) - size
            self._filled_at = now
            debt = -self._tokens
        if debt > 0:
            self._clock.sleep(debt / self.rate)


class ThrottledStore:
    """A ``Store`` whose objects' bytes, in both directions, come out of one bucket."""

    def __init__(self, store: Store, bucket: Bucket) -> None:
        self._store = store
        self._bucket = bucket

    @property
    def url(self) -> str:
        return self._store.url

    def get(self, name: str) -> bytes:
        data = self._store.get(name)
        self._bucket.take(len(data))
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._bucket.take(length)
        return self._store.get_range(name, offset, length)

    def size(self, name: str) -> int:
        return self._store.size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        return self._store.list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        self._bucket.take(memoryview(data).nbytes)
        self._store.put(name, data)

    def put_content(self, name: str, data: Buffer) -> None:
        self._bucket.take(memoryview(data).nbytes)
        put_content(self._store, name, data)

    def delete(self, name: str) -> None:
        self._store.delete(name)
