"""Reading many blobs of one pack with few requests.

Blobs that are wanted together mostly lie side by side, for they were written together. So neighbours are fetched in
one range, small gaps included: reading a gap costs less than asking twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.reader import open_blob, read_blob
from covenant.vault.vault import Vault

_WIDEST_GAP = 256 << 10
_LONGEST = 16 << 20
_LARGE = 32 << 10

T = TypeVar("T")
R = TypeVar("R")


class Opened(NamedTuple):
    """A blob that was read and proved. ``sealed`` is ``None`` where its pack failed and another copy stood in."""

    entry: PackEntry
    plain: bytes
    sealed: memoryview | None


def open_blobs(vault: Vault, pack: bytes, entries: Iterable[PackEntry]) -> Iterator[Opened]:
    """The wanted blobs of one pack, in the order in which they lie there.

    A blob that cannot be read from this pack is read from any other that has it. Raises ``DamageError`` or
    ``ObjectMissing`` at the first that no pack has whole.
    """
    name = object_name(DATA, pack.hex())
    for run in _runs(sorted(entries, key=lambda entry: entry.offset)):
        begin = run[0].offset
        try:
            view = memoryview(vault.store.get_range(name, begin, run[-1].offset + run[-1].length - begin))
        except (DamageError, ObjectMissing):  # cut off, or gone: every blob is looked for by itself
            view = memoryview(b"")
        for entry in run:
            yield _opened(vault, entry, view[entry.offset - begin : entry.offset - begin + entry.length])


def _opened(vault: Vault, entry: PackEntry, sealed: memoryview) -> Opened:
    try:
        return Opened(entry, open_blob(vault, entry.id, entry, sealed), sealed)
    except DamageError:
        return Opened(entry, read_blob(vault, entry.id, BlobType(entry.type)), None)


def _runs(entries: Sequence[PackEntry]) -> Iterator[list[PackEntry]]:
    """The entries, cut where the gap is too wide or the range would grow too long."""
    run: list[PackEntry] = []
    for entry in entries:
        if run:
            gap = entry.offset - run[-1].offset - run[-1].length
            if gap > _WIDEST_GAP or entry.offset + entry.length - run[0].offset > _LONGEST:
                yield run
                run = []
        run.append(entry)
    if run:
        yield run


def worthwhile(lanes: int, size: int, blobs: int) -> int:
    """How many threads to open so many blobs of ``size`` bytes together.

    Small blobs leave the interpreter to no other thread; several would only get in each other's way.
    """
    return lanes if size >= _LARGE * blobs else 1


def in_threads(act: Callable[[T], R], items: Iterable[T], lanes: int) -> Iterator[R]:
    """``act`` on every item, by ``lanes`` threads; results in order, and no more than a few ahead of the reader.

    An error ends it: what has not begun is dropped, what has is waited for.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(lanes, "lane") as pool:
        ahead: list[Future[R]] = [pool.submit(act, item) for item in islice(waiting, 2 * lanes)]
        try:
            while ahead:
                yield ahead.pop(0).result()
                ahead += [pool.submit(act, item) for item in islice(waiting, 1)]
        finally:
            for future in ahead:
                future.cancel()
