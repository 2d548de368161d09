"""Stores with one named fault each, around a store without.

``DiesAfterWrite`` is for crash tests, ``FlipsLastByte`` and ``Truncates`` for damage, ``Flaky``, ``Slow`` and ``Full``
for bad days. Each counts what it did, so that a test can prove that its fault was met.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from covenant.kernel.clock import Clock
from covenant.kernel.errors import DamageError, StoreDenied, StoreFull, StoreUnavailable
from covenant.vault.ports import Buffer, Listed, Store

Chosen = Callable[[str], bool]


def every(_: str) -> bool:
    """Choose every object."""
    return True


class Died(BaseException):
    """The process is gone, as if by kill -9. No handler of ours catches it, for a dead process handles nothing."""


class Sound:
    """A store that does what the one inside does: the ground that faults are put on."""

    def __init__(self, store: Store) -> None:
        self.inside = store

    @property
    def url(self) -> str:
        return self.inside.url

    def get(self, name: str) -> bytes:
        return self.inside.get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self.inside.get_range(name, offset, length)

    def size(self, name: str) -> int:
        return self.inside.size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        return self.inside.list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        self.inside.put(name, data)

    def delete(self, name: str) -> None:
        self.inside.delete(name)


class DiesAfterWrite(Sound):
    """Lets ``n`` writes (puts and deletes) through; then the process is dead, and every call raises ``Died``.

    With ``before`` (the default) the write after the ``n``-th has no effect: it died on the way there. Without, that
    write takes effect, and only its answer is lost. ``writes`` counts those that took effect, so that a first run with
    ``n=None`` (never dies) tells how many there are.
    """

    def __init__(self, store: Store, n: int | None, before: bool = True) -> None:
        super().__init__(store)
        self.writes = 0
        self.died = False
        self._n = n
        self._before = before
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes:
        self._only_alive()
        return super().get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._only_alive()
        return super().get_range(name, offset, length)

    def size(self, name: str) -> int:
        self._only_alive()
        return super().size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._only_alive()
        return super().list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        self._write(lambda: self.inside.put(name, data))

    def delete(self, name: str) -> None:
        self._write(lambda: self.inside.delete(name))

    def _only_alive(self) -> None:
        if self.died:
            raise Died

    def _write(self, write: Callable[[], None]) -> None:
        with self._lock:
            self._only_alive()
            last = self.writes == self._n
            if last and self._before:
                self.died = True
                raise Died
            write()
            self.writes += 1
            if last:
                self.died = True
                raise Died


class FlipsLastByte(Sound):
    """Reads every chosen object with its last byte flipped. ``flipped`` counts the reads that met it."""

    def __init__(self, store: Store, chosen: Chosen = every) -> None:
        super().__init__(store)
        self.flipped = 0
        self._chosen = chosen

    def get(self, name: str) -> bytes:
        return self._flip(name, super().get(name))

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        data = super().get_range(name, offset, length)
        return self._flip(name, data) if offset + length == self.inside.size(name) else data

    def _flip(self, name: str, data: bytes) -> bytes:
        if not data or not self._chosen(name):
            return data
        self.flipped += 1
        return data[:-1] + bytes([data[-1] ^ 0xFF])


class Truncates(Sound):
    """Shows every chosen object without its last ``by`` bytes. ``cut`` counts the reads that met it."""

    def __init__(self, store: Store, by: int = 1, chosen: Chosen = every) -> None:
        super().__init__(store)
        self.cut = 0
        self._by = by
        self._chosen = chosen

    def get(self, name: str) -> bytes:
        data = super().get(name)
        return data[: self._left(name, len(data))]

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        if offset + length > self.size(name):
            raise DamageError(f"'{name}' in {self.url} ends before byte {offset + length}")
        return super().get_range(name, offset, length)

    def size(self, name: str) -> int:
        return self._left(name, super().size(name))

    def list(self, prefix: str) -> Iterator[Listed]:
        for name, size in super().list(prefix):
            yield Listed(name, self._left(name, size))

    def _left(self, name: str, size: int) -> int:
        if not self._chosen(name):
            return size
        self.cut += 1
        return max(0, size - self._by)


class Slow(Sound):
    """Takes ``seconds`` of the clock before each call."""

    def __init__(self, store: Store, clock: Clock, seconds: float) -> None:
        super().__init__(store)
        self._clock = clock
        self._seconds = seconds

    def get(self, name: str) -> bytes:
        self._clock.sleep(self._seconds)
        return super().get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._clock.sleep(self._seconds)
        return super().get_range(name, offset, length)

    def size(self, name: str) -> int:
        self._clock.sleep(self._seconds)
        return super().size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._clock.sleep(self._seconds)
        return super().list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        self._clock.sleep(self._seconds)
        super().put(name, data)

    def delete(self, name: str) -> None:
        self._clock.sleep(self._seconds)
        super().delete(name)


class Flaky(Sound):
    """Answers the first ``failures`` calls with ``StoreUnavailable``; ``left`` says how many are still to come.

    With ``after`` the call takes effect all the same, and only its answer is lost. A listing breaks off behind its
    first object.
    """

    def __init__(self, store: Store, failures: int, after: bool = False) -> None:
        super().__init__(store)
        self.left = failures
        self._after = after
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes:
        self._fail()
        return super().get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._fail()
        return super().get_range(name, offset, length)

    def size(self, name: str) -> int:
        self._fail()
        return super().size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        for listed in super().list(prefix):
            yield listed
            self._fail()

    def put(self, name: str, data: Buffer) -> None:
        self._write(lambda: self.inside.put(name, data))

    def delete(self, name: str) -> None:
        self._write(lambda: self.inside.delete(name))

    def _write(self, write: Callable[[], None]) -> None:
        if self._after:
            write()
            self._fail()
        else:
            self._fail()
            write()

    def _fail(self) -> None:
        with self._lock:
            if self.left <= 0:
                return
            self.left -= 1
        raise StoreUnavailable("no answer, as planned by this test")


class Full(Sound):
    """Has room for ``room`` bytes of new objects, and then for none. ``refused`` counts the puts turned away."""

    def __init__(self, store: Store, room: int) -> None:
        super().__init__(store)
        self.refused = 0
        self._room = room
        self._lock = threading.Lock()

    def put(self, name: str, data: Buffer) -> None:
        with self._lock:
            if len(data) > self._room:
                self.refused += 1
                raise StoreFull(f"no room for '{name}' in {self.url}")
            self._room -= len(data)
        super().put(name, data)


class WriteOnce(Sound):
    """Deletes nothing and writes over nothing, whoever asks: what a store under a term of immutability does.

    ``kept`` counts the attempts that were turned away.
    """

    def __init__(self, store: Store, chosen: Chosen = every) -> None:
        super().__init__(store)
        self.kept = 0
        self._chosen = chosen

    def overwrite(self, name: str, data: Buffer) -> None:
        self._keep(name)
        self.inside.delete(name)
        self.inside.put(name, data)

    def delete(self, name: str) -> None:
        self._keep(name)
        super().delete(name)

    def _keep(self, name: str) -> None:
        if self._chosen(name):
            self.kept += 1
            raise StoreDenied(f"'{name}' in {self.url} is under a term of immutability")
