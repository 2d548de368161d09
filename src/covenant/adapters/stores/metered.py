"""What a store is asked for, counted: calls, bytes and failures by kind of call."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from covenant.vault.ports import Buffer, Listed, Store, another_copy, put_content

Call = Literal["get", "get_range", "size", "list", "put", "delete"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """How often, how many bytes of objects, and how often in vain."""

    calls: int = 0
    bytes: int = 0
    failures: int = 0


class MeteredStore:
    """A ``Store`` that counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[Call, Traffic] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self._store.url

    def traffic(self) -> Mapping[Call, Traffic]:
        """What has been counted until now; a kind that was never called is not in it."""
        with self._lock:
            return dict(self._counts)

    def get(self, name: str) -> bytes:
        with _Counting(self, "get") as counting:
            data = self._store.get(name)
            counting.bytes = len(data)
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        with _Counting(self, "get_range") as counting:
            data = self._store.get_range(name, offset, length)
            counting.bytes = len(data)
        return data

    def size(self, name: str) -> int:
        with _Counting(self, "size"):
            return self._store.size(name)

    def distrust(self, name: str) -> bool:
        return another_copy(self._store, name)

    def list(self, prefix: str) -> Iterator[Listed]:
        with _Counting(self, "list"):
            yield from self._store.list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        with _Counting(self, "put") as counting:
            self._store.put(name, data)
            counting.bytes = memoryview(data).nbytes

    def put_content(self, name: str, data: Buffer) -> None:
        with _Counting(self, "put") as counting:
            put_content(self._store, name, data)
            counting.bytes = memoryview(data).nbytes

    def delete(self, name: str) -> None:
        with _Counting(self, "delete"):
            self._store.delete(name)

    def add(self, call: Call, size: int, failed: bool) -> None:
        """Count one call."""
        with self._lock:
            old = self._counts.get(call, Traffic())
            self._counts[call] = replace(
                old, calls=old.calls + 1, bytes=old.bytes + size, failures=old.failures + failed
            )


class _Counting:
    """One call under way."""

    __slots__ = ("_call", "_meter", "bytes")

    def __init__(self, meter: MeteredStore, call: Call) -> None:
        self._meter = meter
        self._call = call
        self.bytes = 0

    def __enter__(self) -> _Counting:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        failed = kind is not None and kind is not GeneratorExit
        self._meter.add(self._call, self.bytes, failed)
