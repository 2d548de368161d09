"""Reading files into the vault: many small ones at once, or a large one by several threads.

A future, a lock and a hand-over of the interpreter for every small file cost more than the file. So small files come
in batches, and a batch is one call, in a thread or in another process.

A large file is read and cut by one thread at a time, in turn, and everything costly that follows (hashing,
compressing, sealing) happens outside that turn, so that all cores work on one file.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Sequence
from typing import NamedTuple

from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.vault.chunker import LARGEST, SMALLEST, Cut, cut_for
from covenant.vault.writer import Writer

SMALL = SMALLEST
"""A file up to this size is one blob."""

_NO_FILE = "is no longer a file"

_WINDOW = LARGEST + (4 << 20)
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Wanted(NamedTuple):
    """A small file to be read: its path, and what it was when it was listed."""

    path: str
    size: int
    mtime_ns: int
    inode: int


class Stored(NamedTuple):
    """What became of a file: its blobs, the bytes that were read, and what was the matter, if anything was.

    ``problem`` is ``""``, ``"changed"`` (read, but not still) or an error's text (not read; no blobs).
    """

    content: tuple[str, ...]
    size: int
    problem: str = ""


def file_finding(path: str, problem: str) -> Finding:
    """What a person should know of a file that was not read as it was listed."""
    if problem == "changed":
        return Finding("changed", path, "changed while it was read", "The next backup takes it again.")
    if problem.startswith("No such file"):
        return Finding("vanished", path, "vanished before it could be read")
    if problem == _NO_FILE:
        return Finding("replaced", path, "became something else before it could be read", "The next backup takes it.")
    return Finding("unreadable", path, problem, "Give the backup's user access, or exclude it.")


def store_small(writer: Writer, batch: Sequence[Wanted]) -> list[Stored]:
    """Read and keep small files, each as one blob."""
    return [_store_one(writer, wanted) for wanted in batch]


def _store_one(writer: Writer, wanted: Wanted) -> Stored:
    try:
        descriptor = os.open(wanted.path, _FLAGS)
    except OSError as error:
        return Stored((), 0, _told(error))
    try:
        data = os.read(descriptor, wanted.size + 1)
        after = os.fstat(descriptor)
        steady = len(data) == wanted.size == after.st_size and after.st_mtime_ns == wanted.mtime_ns
        if not stat.S_ISREG(after.st_mode):
            return Stored((), 0, _NO_FILE)
        if not steady:
            data = _read_on(descriptor, data)
    except OSError as error:
        return Stored((), 0, _told(error))
    finally:
        os.close(descriptor)
    content = (writer.data(data).hex(),) if data else ()
    return Stored(content, len(data), "" if steady and after.st_ino == wanted.inode else "changed")


def _told(error: OSError) -> str:
    """What a file that cannot be read says. One that is listed as a file, and has become a link, is not followed."""
    if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EAGAIN):
        return _NO_FILE
    return error.strerror or str(error)


def _read_on(descriptor: int, data: bytes) -> bytes:
    """The rest of a file that has grown, up to what one blob may hold; the next backup takes it whole."""
    parts, left = [data], LARGEST - len(data)
    while left > 0 and (more := os.read(descriptor, left)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


class LargeFile:
    """One file that several threads read together: each calls ``work`` until nothing is left."""

    def __init__(self, path: str, size: int, mtime_ns: int, inode: int, progress: Progress | None = None) -> None:
        self._progress = progress or Silent()
        self._wanted = Wanted(path, size, mtime_ns, inode)
        self._turn = threading.Lock()
        self._descriptor = -1
        self._cut: Cut | None = None
        self._carry = b""
        self._stretches: list[list[bytes]] = []
        self._read = 0
        self._told = 0
        self._ended = False
        self._problem = ""

    def work(self, writer: Writer, buffers: Buffers) -> int:
        """Take stretches and keep them until the file ends; returns how many bytes this thread kept."""
        buffer, kept = buffers.mine(), 0
        while (taken := self._take(buffer)) is not None:
            ids, lengths = taken
            at = 0
            for length in lengths:
                ids.append(writer.data(buffer[at : at + length]))
                at += length
            kept += at
            with self._turn:
                self._told += at
            self._progress.advance(bytes=at)
        return kept

    @property
    def told(self) -> int:
        """The bytes that progress was told of."""
        return self._told

    def abandon(self) -> None:
        """Let every thread that works on it stop after the stretch that it has."""
        self._ended = True

    def close(self) -> None:
        """Let go of the file, when no thread works on it any more."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def result(self) -> Stored:
        """What became of it, when no thread works on it any more."""
        if self._descriptor >= 0:
            after = os.fstat(self._descriptor)
            self.close()
            now = (self._read, after.st_size, after.st_mtime_ns, after.st_ino)
            _, size, mtime_ns, inode = self._wanted
            if not self._problem and now != (size, size, mtime_ns, inode):
                self._problem = "changed"
        if self._problem not in ("", "changed"):
            return Stored((), 0, self._problem)
        return Stored(tuple([blob.hex() for ids in self._stretches for blob in ids]), self._read, self._problem)

    def _take(self, buffer: memoryview) -> tuple[list[bytes], list[int]] | None:
        """This thread's turn: read on, cut, and leave the uncertain end to the next turn."""
        with self._turn:
            if self._ended:
                return None
            try:
                filled = self._fill(buffer)
            except OSError as error:
                self._problem, self._ended = _told(error), True
                return None
            if self._cut is None:
                self._cut = cut_for(buffer[:16], self._wanted.size)
            lengths = list(self._cut(buffer[:filled]))
            if not self._ended:
                last = lengths.pop()
                self._carry = bytes(buffer[filled - last : filled])
            self._stretches.append([])
            return self._stretches[-1], lengths

    def _fill(self, buffer: memoryview) -> int:
        if self._descriptor < 0:
            self._descriptor = os.open(self._wanted.path, _FLAGS)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(errno.EISDIR, _NO_FILE)
        filled = len(self._carry)
        buffer[:filled] = self._carry
        while filled < _WINDOW:
            got = os.readv(self._descriptor, [buffer[filled:_WINDOW]])
            if not got:
                self._ended = True
                break
            filled += got
            self._read += got
        return filled


class Buffers(threading.local):
    """A window for each thread, made when it is first needed and then reused."""

    _window: memoryview | None = None

    def mine(self) -> memoryview:
        """This thread's window."""
        if self._window is None:
            self._window = memoryview(bytearray(_WINDOW))
        return self._window
