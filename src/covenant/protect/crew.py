"""Who reads the files: threads for large ones, and worker processes once there are very many small ones.

Threads share one interpreter, which hashing, compressing and sealing a megabyte leave free, but four kilobytes do
not. Worker processes each open the store, write packs of their own, and hand back which blobs lie in them; the index
stays with the coordinator.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from covenant.protect.content import Buffers, LargeFile, Stored, Wanted, store_small
from covenant.vault.config import Config
from covenant.vault.crypto import MasterKey
from covenant.vault.index import Index
from covenant.vault.pack import PackEntry
from covenant.vault.ports import AppendStore
from covenant.vault.segment import Segment, merge_to_file
from covenant.vault.vault import Vault
from covenant.vault.workers import become_worker, start_worker
from covenant.vault.writer import Added, Writer

_BATCHES_BEFORE_PROCESSES = 6
_SHARED_FROM = 24 << 20

Packs = list[tuple[bytes, list[PackEntry]]]


class Report(NamedTuple):
    """What a batch came to: every file's fate, and what a worker process has stored meanwhile."""

    stored: list[Stored]
    packs: Packs


class _Assignment(NamedTuple):
    """All that a worker process needs to open the vault for adding. Travels through a pipe, never as an argument."""

    open_store: Callable[[], AppendStore]
    master: MasterKey
    config: Config
    segments: tuple[str, ...]
    pack_size: int
    level: int


class Crew:
    """The workers of one backup.

    ``open_store`` opens the vault's store in another process; without it everything is done by threads.
    """

    def __init__(self, writer: Writer, lanes: int, open_store: Callable[[], AppendStore] | None) -> None:
        self._writer = writer
        self._lanes = lanes
        self._open_store = open_store if lanes > 1 else None
        self._buffers = Buffers()
        self._threads = ThreadPoolExecutor(lanes, "lane")
        self._processes: list[ProcessPoolExecutor] = []
        self._waiting: list[int] = []
        self._batches = 0
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def store_small(self, batch: Sequence[Wanted]) -> Future[Report]:
        """Have a batch of small files kept."""
        self._batches += 1
        if self._open_store and not self._processes and self._batches > _BATCHES_BEFORE_PROCESSES:
            self._start_processes(self._open_store)
        if not self._processes:
            return self._threads.submit(self._store_here, batch)
        least = self._waiting.index(min(self._waiting))
        self._waiting[least] += 1
        future = self._processes[least].submit(_store_there, list(batch))
        future.add_done_callback(lambda _: self._waiting.__setitem__(least, self._waiting[least] - 1))
        return future

    def store_large(self, file: LargeFile, size: int) -> list[Future[int]]:
        """Have a large file kept, by as many threads as it is worth."""
        helpers = min(self._lanes, 1 + size // _SHARED_FROM)
        return [self._threads.submit(file.work, self._writer, self._buffers) for _ in range(helpers)]

    def finish(self) -> Iterator[tuple[Packs, Added]]:
        """End the work: what worker processes had not yet handed back. Call ``writer.flush`` afterwards."""
        self._threads.shutdown(wait=True)
        for future in [process.submit(_finish_there) for process in self._processes]:
            yield future.result()

    def dismiss(self) -> None:
        """Let everyone go, also those in the middle of something."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)
        if self._scratch:
            self._scratch.cleanup()

    def _store_here(self, batch: Sequence[Wanted]) -> Report:
        return Report(store_small(self._writer, batch), [])

    def _start_processes(self, open_store: Callable[[], AppendStore]) -> None:
        vault = self._writer.vault
        assignment = _Assignment(
            open_store, vault.master, vault.config, self._segment_files(), self._writer.pack_size, self._writer.level
        )
        processes = min(self._lanes, len(os.sched_getaffinity(0)))  # more lanes than cores only wait for the network
        self._processes = [start_worker(_enlist, assignment) for _ in range(processes)]
        self._waiting = [0] * processes

    def _segment_files(self) -> tuple[str, ...]:
        """The closed part of the index as files that every process can map."""
        paths: list[str] = []
        for segment in self._writer.vault.index.segments:
            path = segment.path
            if path is None:
                self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="covenant-")
                path = Path(self._scratch.name) / f"{len(paths)}.segment"
                merge_to_file(path, [segment])
            paths.append(str(path))
        return tuple(paths)


# -- inside a worker process -----------------------------------------------------------------------------------------

_writer: Writer | None = None


def _enlist(assignment: _Assignment) -> None:
    global _writer
    become_worker()
    store = assignment.open_store()
    vault = Vault(store, assignment.master, assignment.config)
    vault.index = Index([Segment.map(Path(path)) for path in assignment.segments])
    _writer = Writer(vault, store, pack_size=assignment.pack_size, level=assignment.level, writes_index=False)


def _store_there(batch: Sequence[Wanted]) -> Report:
    assert _writer is not None
    return Report(store_small(_writer, batch), _writer.take_packs())


def _finish_there() -> tuple[Packs, Added]:
    assert _writer is not None
    _writer.flush()
    return _writer.take_packs(), _writer.added
