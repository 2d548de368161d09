"""Storing what arrives, by several threads, while more of it arrives.

The receiving thread copies what comes into a window, file after file, and hands full windows over; a thread cuts,
hashes, compresses and seals what is in one. There are few windows and they are used again, so memory is bounded, and
who receives waits when the threads have no hand free.

Every file has a slot for each of its blobs, in order. How many a stretch of bytes takes is known before it is cut, for
pieces have one fixed length; so threads fill in the slots in whatever order they come to them.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from covenant.protect.arriving import Kept, Patched
from covenant.protect.before import ID
from covenant.vault.bulk import read_each, whole
from covenant.vault.pack import BlobType
from covenant.vault.ports import Buffer
from covenant.vault.ranges import by_place
from covenant.vault.writer import Writer

_WINDOW = 4 << 20
_PATCHES = 64
_LOOK_UP_SECONDS = 0.5


class Slots:
    """The ids of one file's blobs, as they become known."""

    __slots__ = ("ids",)

    def __init__(self) -> None:
        self.ids = bytearray()

    def reserve(self, count: int) -> int:
        """Room for this many; where it begins."""
        at = len(self.ids)
        self.ids += bytes(count * ID)
        return at

    def fill(self, at: int, blob: bytes) -> None:
        """The id that belongs there."""
        self.ids[at : at + ID] = blob


class _Part(NamedTuple):
    """A stretch of a window: whose it is, where its ids go, and where it lies."""

    slots: Slots
    at: int
    start: int
    end: int


class Windows:
    """The crew of one stream. Used by the receiving thread alone."""

    def __init__(self, writer: Writer, lanes: int, block: int) -> None:
        self._writer = writer
        self._block = block
        self._threads = ThreadPoolExecutor(lanes, "lane")
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        size = max(_WINDOW, 4 * block)
        for _ in range(2 * lanes + 2):
            self._free.put(memoryview(bytearray(size)))
        self._size = size
        self._most = 4 * lanes
        self._in_flight: set[Future[None]] = set()
        self._window = self._free.get()
        self._filled = 0
        self._parts: list[_Part] = []
        self._slots: Slots | None = None
        self._begun = 0
        self._patches: list[tuple[Slots, int, Patched]] = []

    def take(self, slots: Slots, data: Buffer) -> None:
        """The next bytes of a file."""
        if self._slots is not slots:
            self.close_part()
            self._slots, self._begun = slots, self._filled
        view = memoryview(data)
        while view:
            room = min(self._size - self._filled, len(view))
            self._window[self._filled : self._filled + room] = view[:room]
            self._filled += room
            view = view[room:]
            if self._filled == self._size:
                self._turn()

    def keep(self, slots: Slots, kept: Kept) -> None:
        """The next blobs of a file are in the vault."""
        self.close_part()
        slots.ids += kept.blobs

    def patch(self, slots: Slots, patched: Patched) -> None:
        """The next blob of a file is to be put together."""
        self.close_part()
        self._patches.append((slots, slots.reserve(1), patched))
        if len(self._patches) >= _PATCHES:
            self._send_patches()

    def close_part(self) -> None:
        """The file, or what of it comes as bytes, is at its end: what follows begins a blob of its own."""
        if self._slots is not None:
            self._part_to(self._filled)
            self._slots = None

    def finish(self) -> None:
        """Wait until everything is stored; an error of a thread is raised here. ``writer.flush`` comes afterwards."""
        self.close_part()
        self._send_patches()
        self._send_window()
        while self._in_flight:
            self._await_some()
        self._threads.shutdown()

    def dismiss(self) -> None:
        """Let everyone go; what a thread has begun is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    # -- handing over ---------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """The window is full: hand it over, and carry the unfinished piece at its end into the next."""
        slots, old, left = self._slots, self._window, b""
        if slots is not None:
            uncut = (self._filled - self._begun) % self._block
            left = bytes(old[self._filled - uncut : self._filled])
            self._part_to(self._filled - uncut)
        self._send_window()
        self._window[: len(left)] = left
        self._filled, self._slots, self._begun = len(left), slots, 0

    def _part_to(self, end: int) -> None:
        length = end - self._begun
        if length and self._slots is not None:
            at = self._slots.reserve(-(-length // self._block))
            self._parts.append(_Part(self._slots, at, self._begun, end))

    def _send_window(self) -> None:
        if self._parts:
            self._send(self._store, self._window, self._parts)
            self._window = self._free_window()
        self._filled, self._parts = 0, []

    def _send_patches(self) -> None:
        if self._patches:
            while len(self._in_flight) >= self._most:
                self._await_some()
            self._send(self._put_together, self._patches)
            self._patches = []

    def _send(self, work: Callable[..., None], *arguments: object) -> None:
        self._in_flight.add(self._threads.submit(work, *arguments))
        self._in_flight = {future for future in self._in_flight if not self._settled(future)}

    def _free_window(self) -> memoryview:
        while True:
            try:
                return self._free.get(timeout=_LOOK_UP_SECONDS)
            except queue.Empty:
                self._in_flight = {future for future in self._in_flight if not self._settled(future)}

    def _await_some(self) -> None:
        wait(self._in_flight, return_when=FIRST_COMPLETED)
        self._in_flight = {future for future in self._in_flight if not self._settled(future)}

    @staticmethod
    def _settled(future: Future[None]) -> bool:
        """Whether it is done. Raises what the thread ran into."""
        if not future.done():
            return False
        future.result()
        return True

    # -- in a thread ----------------------------------------------------------------------------------------------

    def _store(self, window: memoryview, parts: list[_Part]) -> None:
        try:
            for slots, at, start, end in parts:
                for begin in range(start, end, self._block):
                    slots.fill(at, self._writer.data(window[begin : min(begin + self._block, end)]))
                    at += ID
        finally:
            self._free.put(window)

    def _put_together(self, patches: list[tuple[Slots, int, Patched]]) -> None:
        old = self._read({patched.blob for _, _, patched in patches if patched.blob is not None})
        for slots, at, patched in patches:
            plain = old[patched.blob] if patched.blob is not None else b""
            data = bytearray(plain[: patched.size].ljust(patched.size, b"\0"))
            for begin, edit in patched.edits:
                data[begin : begin + len(edit)] = edit
            slots.fill(at, self._writer.data(data))

    def _read(self, blobs: set[bytes]) -> dict[bytes, bytes]:
        """Blobs of the parent, those that lie side by side with one request."""
        vault = self._writer.vault
        places = ((blob, vault.index.find(blob, BlobType.DATA)) for blob in blobs)
        wanted = sorted(((blob, place) for blob, place in places if place is not None), key=by_place)
        return {read.id: whole(vault, read) for read in read_each(vault, wanted)}
