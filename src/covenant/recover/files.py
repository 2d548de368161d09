"""One regular file in the target: made new, or beside the old one and then put in its place.

A new file is written under its own name: until its modification time is set, which comes last, it does not look
complete to a restore that is resumed. A file that exists is never written to. Its successor is written beside it
and renamed over it, so that whoever reads it sees the old one or the new one, whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from covenant.vault.ports import Buffer

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
HOLE = 64 << 10
"""Zeros become a hole in blocks of this many bytes."""

_ZEROS = bytes(HOLE)


@dataclass(slots=True)
class Unfinished:
    """A file being written. ``beside`` is its name for now where the old one still has its place."""

    name: bytes
    descriptor: int
    beside: bytes = b""
    finished: bool = False

    def finish(self, folder: int) -> None:
        """Close it and put it in its place."""
        self._close()
        if self.beside:
            os.rename(self.beside, self.name, src_dir_fd=folder, dst_dir_fd=folder)
        self.finished = True

    def abandon(self, folder: int) -> None:
        """Close and remove it: nobody shall take it for complete."""
        self._close()
        os.unlink(self.name if self.finished else self.beside or self.name, dir_fd=folder)

    def _close(self) -> None:
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


def begin(folder: int, name: bytes) -> Unfinished:
    """Begin to write a file. Raises ``IsADirectoryError`` where a directory has its name, ``OSError`` otherwise."""
    try:
        return Unfinished(name, os.open(name, _NEW, 0o600, dir_fd=folder))
    except FileExistsError:
        refuse_directory(folder, name)
        beside = free_beside(folder, name)
        return Unfinished(name, os.open(beside, _NEW, 0o600, dir_fd=folder), beside)


def refuse_directory(folder: int, name: bytes) -> None:
    """Raise ``IsADirectoryError`` where a directory has this name: a tree is not removed to make room."""
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise IsADirectoryError(21, "a directory is in its place")


def free_beside(folder: int, name: bytes) -> bytes:
    """A name beside ``name`` that is free; the same every time, so that what a crash left there is cleared away."""
    beside = b".covenant-" + sha256(name).hexdigest()[:24].encode() + b".part"
    try:
        os.unlink(beside, dir_fd=folder)
    except FileNotFoundError:
        pass
    return beside


def write_at(descriptor: int, data: Buffer, offset: int, *, sparse: bool) -> None:
    """Write ``data`` at ``offset``; long zeros become holes, if ``sparse``, in a file that has nothing there yet."""
    if not sparse and len(data) == os.pwrite(descriptor, data, offset):
        return
    view = memoryview(data)
    for begin_, end in _stretches(view, offset) if sparse else [(0, len(view))]:
        while begin_ < end:
            begin_ += os.pwrite(descriptor, view[begin_:end], offset + begin_)


def write_all(descriptor: int, data: Iterable[Buffer], *, sparse: bool) -> None:
    """Write a new file's whole content."""
    size = 0
    for piece in data:
        write_at(descriptor, piece, size, sparse=sparse)
        size += len(piece)
    if sparse:
        os.ftruncate(descriptor, size)  # the end may be a hole


def _stretches(view: memoryview, offset: int) -> Iterable[tuple[int, int]]:
    """The parts of ``view`` that are worth writing: all but blocks of zeros that lie on the file's block bounds."""
    first = -offset % HOLE
    blocks = range(first, len(view) - HOLE + 1, HOLE)
    holes = [at for at in blocks if not view[at] and view[at : at + HOLE] == _ZEROS]
    return _between(holes, len(view)) if holes else [(0, len(view))]


def _between(holes: list[int], length: int) -> Iterator[tuple[int, int]]:
    at = 0
    for hole in holes:
        if hole > at:
            yield at, hole
        at = hole + HOLE
    if at < length:
        yield at, length


def found_file(folder: int, name: bytes) -> os.stat_result | None:
    """The regular file that has this name, or ``None``. Raises ``OSError`` but for "there is none"."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def open_existing(folder: int, name: bytes) -> int:
    """Open a file for reading, never through a link."""
    return os.open(name, _READ, dir_fd=folder)


def holds(descriptor: int, blobs: Iterable[tuple[bytes, int]]) -> bool:
    """Whether the file is exactly these blobs: (id, length) each, one after the other."""
    offset = 0
    for blob_id, length in blobs:
        data = _read_exactly(descriptor, length, offset)
        if len(data) != length or sha256(data).digest() != blob_id:
            return False
        offset += length
    return not os.pread(descriptor, 1, offset)


def _read_exactly(descriptor: int, length: int, offset: int) -> bytes:
    data = os.pread(descriptor, length, offset)
    while len(data) < length:
        more = os.pread(descriptor, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
