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

from covenant.kernel.progress import Progress, Silent
from covenant.vault.check.blobs import Blobs
from covenant.vault.check.proof import PackJob, Verdict, prove_pack
from covenant.vault.config import Config
from covenant.vault.crypto import MasterKey
from covenant.vault.ports import ReadStore
from covenant.vault.vault import Vault
from covenant.vault.workers import become_worker, start_worker

_BLOBS_BEFORE_PROCESSES = 25_000
_SMALL = 128 << 10
_QUEUED_PER_PROCESS = 2


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

    def __init__(self, vault: Vault, blobs: Blobs, chosen: Iterable[tuple[int, int]], settings: Settings) -> None:
        self._vault = vault
        self._blobs = blobs
        self._chosen = sorted(chosen, key=lambda pack: -pack[1])
        self._settings = settings
        self._lock = threading.Lock()
        self._next = 0
        self._stopped = False
        self._failure: BaseException | None = None
        self._processes: list[ProcessPoolExecutor] = []
        self._threads: list[threading.Thread] = []
        self.packs = 0
        self.bytes_read = 0
        self._troubled: list[Verdict] = []

    def __enter__(self) -> Reading:
        """Begin, and return at once."""
        settings = self._settings
        settings.progress.expect(files=len(self._chosen), bytes=sum(size for _, size in self._chosen))
        if settings.open_store and settings.lanes > 1 and self._many_small():
            assignment = _Assignment(settings.open_store, self._vault.master, self._vault.config)
            self._processes = [start_worker(_enlist, assignment) for _ in range(settings.lanes)]
        lanes: list[Callable[[PackJob], Verdict]] = [
            _sent_to(process) for process in self._processes for _ in range(_QUEUED_PER_PROCESS)
        ] or [self._prove_here] * settings.lanes
        self._threads = [threading.Thread(target=self._lane, args=(lane,), name="check", daemon=True) for lane in lanes]
        for thread in self._threads:
            thread.start()
        return self

    def finish(self) -> list[Verdict]:
        """Wait for the end; the verdicts that are not good. Raises what stopped a lane."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        return self._troubled

    def __exit__(self, *_: object) -> None:
        """Let everyone go, also those in the middle of something."""
        self._stopped = True
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)
        for thread in self._threads:
            thread.join()

    def _many_small(self) -> bool:
        blobs = sum(self._blobs.count(number) for number, _ in self._chosen)
        return blobs > _BLOBS_BEFORE_PROCESSES and sum(size for _, size in self._chosen) < blobs * _SMALL

    def _prove_here(self, job: PackJob) -> Verdict:
        return prove_pack(self._vault, job)

    def _lane(self, prove: Callable[[PackJob], Verdict]) -> None:
        try:
            while (job := self._take()) is not None:
                self._settle(prove(job))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._failure = self._failure or error

    def _take(self) -> PackJob | None:
        with self._lock:
            if self._stopped or self._failure or self._next == len(self._chosen):
                return None
            number, size = self._chosen[self._next]
            self._next += 1
        return PackJob(number, self._blobs.packs[number], size, self._blobs.entries(number))

    def _settle(self, verdict: Verdict) -> None:
        with self._lock:
            self.packs += 1
            self.bytes_read += verdict.bytes_read
            if verdict.problems:
                self._troubled.append(verdict)
        self._settings.progress.advance(files=1, bytes=verdict.bytes_read)


def _sent_to(process: ProcessPoolExecutor) -> Callable[[PackJob], Verdict]:
    return lambda job: process.submit(_prove_there, job).result()


# -- inside a worker process -----------------------------------------------------------------------------------------

_vault: Vault | None = None


def _enlist(assignment: _Assignment) -> None:
    global _vault  # noqa: PLW0603 - a worker has one vault for life
    become_worker()
    _vault = Vault(assignment.open_store(), assignment.master, assignment.config)


def _prove_there(job: PackJob) -> Verdict:
    assert _vault is not None
    return prove_pack(_vault, job)
