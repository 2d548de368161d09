"""Who writes the files: threads for large ones, and worker processes once there are very many small ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from covenant.kernel.errors import TargetError
from covenant.recover.large import LargeFile, Piece
from covenant.recover.small import Batch, Report, SmallWriter
from covenant.vault.config import Config
from covenant.vault.crypto import MasterKey
from covenant.vault.ports import ReadStore
from covenant.vault.vault import Vault
from covenant.vault.workers import become_worker, start_worker

_BATCHES_BEFORE_PROCESSES = 6

OpenStore = Callable[[], ReadStore]


class _Assignment(NamedTuple):
    """All that a worker process needs: how to read the vault, and where to write."""

    open_store: OpenStore
    master: MasterKey
    config: Config
    target: str
    identity: tuple[int, int]


class Crew:
    """The workers of one restore.

    ``open_store`` opens the vault's store in another process; without it everything is done by threads.
    """

    def __init__(self, vault: Vault, target: str, root: int, lanes: int, open_store: OpenStore | None) -> None:
        self._vault = vault
        self._target = target
        self._root = root
        self._lanes = lanes
        self._open_store = open_store if lanes > 1 else None
        self._threads = ThreadPoolExecutor(lanes, "lane")
        self._own = threading.local()
        self._writers: list[SmallWriter] = []
        self._processes: list[ProcessPoolExecutor] = []
        self._waiting: list[int] = []
        self._batches = 0

    def write_small(self, batch: Batch) -> Future[Report]:
        """Have a batch of small files written."""
        self._batches += 1
        if self._batches > _BATCHES_BEFORE_PROCESSES:
            self.expect_many()
        if not self._processes:
            return self._threads.submit(self._write_here, batch)
        least = self._waiting.index(min(self._waiting))
        self._waiting[least] += 1
        future = self._processes[least].submit(_write_there, msgspec.msgpack.encode(batch))
        future.add_done_callback(lambda _: self._waiting.__setitem__(least, self._waiting[least] - 1))
        return future

    def write_piece(self, file: LargeFile, piece: Piece) -> Future[int]:
        """Have a piece of a large file written."""
        return self._threads.submit(file.write, piece)

    def read_back(self, file: LargeFile, folder: int) -> Future[bool]:
        """Have a large file read back; closes ``folder``."""
        return self._threads.submit(file.reads_back, folder)

    def expect_many(self) -> None:
        """There are many small files: start the processes now."""
        if self._open_store is None or self._processes:
            return
        found = os.fstat(self._root)
        assignment = _Assignment(
            self._open_store, self._vault.master, self._vault.config, self._target, (found.st_dev, found.st_ino)
        )
        self._processes = [start_worker(_enlist, assignment) for _ in range(self._lanes)]
        self._waiting = [0] * self._lanes

    def dismiss(self) -> None:
        """Let everyone go, also those in the middle of something."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)
        for writer in self._writers:
            writer.close()

    def _write_here(self, batch: Batch) -> Report:
        try:
            writer: SmallWriter = self._own.writer
        except AttributeError:
            writer = self._own.writer = SmallWriter(self._vault, self._root, self._target)
            self._writers.append(writer)
        return writer.write(batch)


# -- inside a worker process -----------------------------------------------------------------------------------------

_writer: SmallWriter | None = None
_decoder = msgspec.msgpack.Decoder(Batch)


def _enlist(assignment: _Assignment) -> None:
    global _writer
    become_worker()
    root = os.open(assignment.target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found = os.fstat(root)
    if (found.st_dev, found.st_ino) != assignment.identity:
        raise TargetError(f"{assignment.target} is not the folder that it was", "Restore to a folder that stays.")
    vault = Vault(assignment.open_store(), assignment.master, assignment.config)
    _writer = SmallWriter(vault, root, assignment.target)


def _write_there(batch: bytes) -> Report:
    assert _writer is not None
    return _writer.write(_decoder.decode(batch))
