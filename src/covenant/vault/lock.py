"""restic's locks: several may append side by side, one alone may take away.

    locks/<id> = {"time", "exclusive", "hostname", "username", "pid", "uid", "gid"}   (sealed)

There is no compare-and-swap in the format, so the protocol is: look for a lock that conflicts, write our own, wait
a moment, look again, and give way if someone else was as quick. A lock is refreshed every five minutes by a new one;
one that is older than thirty minutes, or whose process on this machine is gone, is stale and may be removed.
(restic ``doc/design.rst``, "Locks")
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing, VaultLocked
from covenant.vault.gotext import time_nanoseconds
from covenant.vault.names import LOCKS, id_of, object_name
from covenant.vault.ports import Store
from covenant.vault.snapshot import snapshot_time
from covenant.vault.vault import Vault

STALE_AFTER = timedelta(minutes=30)
REFRESH_EVERY = timedelta(minutes=5)
SETTLE_SECONDS = 0.2
"""How long a new lock may take to be seen by everyone. None at all where a listing shows every object that is durable:
of two who each write and then look, the later one sees the earlier."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock: one process on one machine."""

    hostname: str
    username: str
    pid: int
    uid: int = 0
    gid: int = 0


class LockFile(msgspec.Struct, kw_only=True):
    """A lock, as the vault has it."""

    time: str
    exclusive: bool = False
    hostname: str = ""
    username: str = ""
    pid: int = 0
    uid: int = 0
    gid: int = 0
    id: str = ""

    def stale(self, now_ns: int, hostname: str) -> bool:
        """Whether its holder is gone: too old, or a process of this machine that no longer runs."""
        if now_ns - time_nanoseconds(self.time) > STALE_AFTER.total_seconds() * 1e9:
            return True
        return self.hostname == hostname and not runs(self.pid)

    def __str__(self) -> str:
        kind = "exclusively" if self.exclusive else "for adding"
        return f"held {kind} by {self.username}@{self.hostname}, process {self.pid}, since {self.time}"


def runs(pid: int) -> bool:
    """Whether a process of this machine has that number now, whoever it belongs to."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


class Locks:
    """The locks of one vault, as one process takes and sees them."""

    def __init__(
        self, vault: Vault, store: Store, owner: Owner, clock: Clock, settle_seconds: float = SETTLE_SECONDS
    ) -> None:
        self._vault = vault
        self._store = store
        self._owner = owner
        self._clock = clock
        self._settle_seconds = settle_seconds

    def list(self) -> list[LockFile]:
        """Every lock that there is. A lock that cannot be read conflicts with everything until it is removed."""
        found = []
        for listed in self._store.list(LOCKS):
            lock_id = id_of(listed.name)
            if not lock_id:  # still being written
                continue
            try:
                lock = msgspec.json.decode(self._vault.load(LOCKS, lock_id), type=LockFile)
            except ObjectMissing:
                continue
            except (DamageError, msgspec.MsgspecError):
                lock = LockFile(time=snapshot_time(self._clock.now()), exclusive=True, hostname="unreadable")
            lock.id = lock_id
            found.append(lock)
        return found

    @contextlib.contextmanager
    def shared(self, wait_seconds: float = 0) -> Iterator[Held]:
        """Hold the vault for reading and adding. Raises ``VaultLocked``.

        Work may begin before the lock has settled, for whatever is added counts only once a snapshot names it. So
        ``confirm`` must be called before a snapshot is stored; leaving without an error confirms as well.
        """
        held = self._acquire(exclusive=False, wait_seconds=wait_seconds)
        with self._kept(held):
            yield held
            held.confirm()

    @contextlib.contextmanager
    def exclusive(self, wait_seconds: float = 0) -> Iterator[Held]:
        """Hold the vault alone, for taking away: settled before anything begins. Raises ``VaultLocked``."""
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            held = self._acquire(exclusive=True, wait_seconds=deadline - self._clock.monotonic())
            with self._kept(held):
                try:
                    held.confirm()
                except VaultLocked:
                    if self._clock.monotonic() >= deadline:
                        raise
                    continue
                yield held
                return

    def remove(self, *, all_of_them: bool = False) -> int:
        """Remove stale locks, or all; returns how many."""
        removed = 0
        for lock in self.list():
            if all_of_them or lock.stale(self._now_ns(), self._owner.hostname):
                with contextlib.suppress(ObjectMissing):
                    self._store.delete(object_name(LOCKS, lock.id))
                    removed += 1
        return removed

    def _now_ns(self) -> int:
        return int(self._clock.now().timestamp() * 1e9)

    def _acquire(self, exclusive: bool, wait_seconds: float) -> Held:
        """Write our lock where none conflicts, waiting for those that do."""
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            try:
                self.refuse_conflict(exclusive, own="")
                return Held(self, exclusive, self._write(exclusive), self._clock, self._settle_seconds)
            except VaultLocked:
                if self._clock.monotonic() >= deadline:
                    raise
                self._clock.sleep(min(5.0, max(0.1, wait_seconds / 20)))

    @contextlib.contextmanager
    def _kept(self, held: Held) -> Iterator[None]:
        """Refresh the lock while the work lasts, and take it away at the end."""
        stop = threading.Event()
        refresher = threading.Thread(target=self._refresh, args=(held, stop), daemon=True)
        refresher.start()
        try:
            yield
        finally:
            stop.set()
            refresher.join()
            with contextlib.suppress(CovenantError):  # a lock left behind goes stale by itself
                self._store.delete(object_name(LOCKS, held.id))

    def refuse_conflict(self, exclusive: bool, own: str) -> None:
        """Raise ``VaultLocked`` if a live lock, other than ``own``, forbids ours."""
        for lock in self.list():
            conflicts = exclusive or lock.exclusive
            if lock.id != own and conflicts and not lock.stale(self._now_ns(), self._owner.hostname):
                raise VaultLocked(
                    f"vault {self._store.url} is {lock}",
                    "Wait until it has finished (--wait-lock 10m), "
                    "or remove locks of dead processes with 'covenant unlock'.",
                )

    def _write(self, exclusive: bool) -> str:
        owner = self._owner
        lock = {
            "time": snapshot_time(self._clock.now()),
            "exclusive": exclusive,
            "hostname": owner.hostname,
            "username": owner.username,
            "pid": owner.pid,
            "uid": owner.uid,
            "gid": owner.gid,
        }
        return self._vault.save(self._store, LOCKS, msgspec.json.encode(lock))

    def _refresh(self, held: Held, stop: threading.Event) -> None:
        while not stop.wait(REFRESH_EVERY.total_seconds()):
            with contextlib.suppress(CovenantError):  # there are five more chances before it is stale
                old, held.id = held.id, self._write(held.exclusive)
                held.refreshed()
                self._store.delete(object_name(LOCKS, old))


class Held:
    """A lock of ours that stands in the vault."""

    def __init__(self, locks: Locks, exclusive: bool, lock_id: str, clock: Clock, settle_seconds: float) -> None:
        self.id = lock_id
        self.exclusive = exclusive
        self._locks = locks
        self._clock = clock
        self._settles_at = clock.monotonic() + settle_seconds
        self._settled = False
        self._written_at = clock.now()
        self._lapsed = False

    def refreshed(self) -> None:
        """The lock was written anew; if that came too late, someone may have been let in meanwhile."""
        self._lapsed = self._stale()
        self._written_at = self._clock.now()

    def confirm(self) -> None:
        """Make sure that the vault was ours all along. Raises ``VaultLocked``.

        The first time, wait until whoever was as quick must have seen our lock, and look for theirs. Every time, a
        lock that others could have taken for stale (this machine slept, the store was away) counts as lost.
        """
        if self._stale():
            raise VaultLocked(
                "our lock was not refreshed for so long that others may have taken it for stale",
                "Run it again: what was stored already is found and not stored twice.",
            )
        if self._settled:
            return
        self._clock.sleep(max(0.0, self._settles_at - self._clock.monotonic()))
        self._locks.refuse_conflict(self.exclusive, self.id)
        self._settled = True

    def _stale(self) -> bool:
        return self._lapsed or self._clock.now() - self._written_at > STALE_AFTER
