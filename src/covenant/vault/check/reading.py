"""Proving many packs at once: by threads where blobs are large, by processes where they are many and small.

It goes on beside the walk through the trees. Each lane takes the next pack when it has done with one, so no more
than a few megabytes a lane are in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from covenant.kernel.errors import ObjectArchived
from covenant.kernel.progress import Progress, Silent
from covenant.vault.check.blobs import Blobs
from covenant.vault.check.proof import PackJob, Verdict, find_damage, prove_sound
from covenant.vault.config import Config
from covenant.vault.crypto import MasterKey
from covenant.vault.ports import ReadStore
from covenant.vault.vault import Vault
from covenant.vault.workers import become_worker, start_worker

_INDEX_BEFORE_PROCESSES = 1 << 20
_QUEUED_PER_PROCESS = 2

Prove = Callable[[PackJob], int | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a check works. ``open_store`` opens the store in a worker process; without it there are only threads."""

    lanes: int = 2
    open_store: Callable[[], ReadStore] | None = None
    progress: Progress = field(default_factory=Silent)


class _Assignment(NamedTuple):
    """All that a worker process needs to read the vault."""

    open_store: Callable[[], ReadStore]
    master: MasterKey
    config: Config


class Reading:
    """The packs of one check being read."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._vault = vault
        self._settings = settings
        self._lock, self._damage_lock = threading.Lock(), threading.Lock()
        self._stopped = False
        self._failure: BaseException | None = None
        self._processes: list[ProcessPoolExecutor] = []
        self._threads: list[threading.Thread] = []
        self._troubled: list[Verdict] = []
        self.packs = 0
        self.archived = 0
        """Packs that cannot be read before they are thawed."""
        self.bytes_read = 0

    def prepare(self, index_bytes: int) -> None:
        """Start worker processes, if the index files are so large that there must be very many blobs."""
        settings = self._settings
        if settings.open_store and settings.lanes > 1 and index_bytes > _INDEX_BEFORE_PROCESSES:
            assignment = _Assignment(settings.open_store, self._vault.master, self._vault.config)
            self._processes = [start_worker(_enlist, assignment) for _ in range(settings.lanes)]

    def begin(self, blobs: Blobs, chosen: Iterable[tuple[int, int]]) -> None:
        """Begin to read these packs (number and size), and return at once."""
        self._blobs, self._chosen = blobs, sorted(chosen, key=lambda pack: pack[1])
        self._settings.progress.expect(files=len(self._chosen), bytes=sum(size for _, size in self._chosen))
        lanes: list[Prove] = [_sent_to(process) for process in self._processes for _ in range(_QUEUED_PER_PROCESS)]
        lanes = lanes or [self._prove_here] * self._settings.lanes
        self._threads = [threading.Thread(target=self._lane, args=(lane,), name="check", daemon=True) for lane in lanes]
        for thread in self._threads:
            thread.start()

    def finish(self) -> list[Verdict]:
        """Wait for the end; the verdicts that are not good. Raises what stopped a lane."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        return self._troubled

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        """Let everyone go, also those in the middle of something."""
        self._stopped = True
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)
        for thread in self._threads:
            thread.join()

    def _prove_here(self, job: PackJob) -> int | None:
        return prove_sound(self._vault, job)

    def _lane(self, prove: Prove) -> None:
        try:
            while (pack := self._take()) is not None:
                self._try_pack(prove, *pack)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._failure = self._failure or error

    def _take(self) -> tuple[int, int] | None:
        """The largest pack that no one has taken."""
        with self._lock:
            if self._stopped or self._failure or not self._chosen:
                return None
            return self._chosen.pop()

    def _try_pack(self, prove: Prove, number: int, size: int) -> None:
        blobs = self._blobs
        job = PackJob(blobs.packs[number], size, blobs.stored(number))
        try:
            sound = prove(job) == blobs.fingerprint(number)
        except ObjectArchived:
            with self._lock:
                self.archived += 1
            return
        if sound:
            self._settle(size, None)
            return
        with self._damage_lock:  # the first to need it sorts millions of blobs by pack
            entries = blobs.entries(number)
        verdict = find_damage(self._vault, number, job, entries)
        self._settle(verdict.bytes_read, verdict)

    def _settle(self, bytes_read: int, verdict: Verdict | None) -> None:
        with self._lock:
            self.packs += 1
            self.bytes_read += bytes_read
            if verdict:
                self._troubled.append(verdict)
        self._settings.progress.advance(files=1, bytes=bytes_read)


def _sent_to(process: ProcessPoolExecutor) -> Prove:
    return lambda job: process.submit(_prove_there, job).result()


# -- inside a worker process -----------------------------------------------------------------------------------------

_vault: Vault | None = None


def _enlist(assignment: _Assignment) -> None:
    global _vault
    become_worker()
    _vault = Vault(assignment.open_store(), assignment.master, assignment.config)


def _prove_there(job: PackJob) -> int | None:
    assert _vault is not None
    return prove_sound(_vault, job)
