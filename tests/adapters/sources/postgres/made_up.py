"""A change log without a server: files with true headers and noise behind them, sealed into a small vault."""

from __future__ import annotations

import contextlib
import functools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from covenant.adapters.sources.postgres.shelf import Shelf, read_shelf
from covenant.adapters.sources.postgres.wal import history_name, segment_at
from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.spans import Span, place_text
from covenant.protect.ports import Batch, Growth
from covenant.protect.sealing import Held, Sealed, Sealing, SealingJob
from covenant.vault.pieces import Piece
from covenant.vault.vault import Vault
from tests.small_worlds import a_small_vault, noise
from tests.vaults import CLOCK, OWNER

SIZE = 1 << 20
"""The size of a file here."""
SYSTEM = 7412345678901234567
BEGIN = datetime(2026, 11, 25, 12, tzinfo=UTC)


def wal(timeline: int, begin: int, end: int) -> bytes:
    """The log's bytes: the same for the same place, but for the timeline in a file's header."""
    found = bytearray()
    while begin < end:
        segment = segment_at(timeline, begin, SIZE)
        upto, content = min(end, segment.end), _file(timeline, segment.begin)
        found += content[begin - segment.begin : upto - segment.begin]
        begin = upto
    return bytes(found)


@functools.lru_cache(maxsize=64)
def _file(timeline: int, begin: int) -> bytes:
    head = struct.pack("<HHIQI4xQI", 0xD110, 0x0002, timeline, begin, 0, SYSTEM, SIZE)
    return head + noise(f"{begin}", SIZE - len(head))


@dataclass(slots=True)
class MadeUp:
    """A log that is sealed by hand."""

    store: MemoryStore
    vault: Vault
    ancestors: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """By timeline: which ones it came from, and where they were left."""
    _sealing: Sealing | None = None
    _minutes: int = 0

    @property
    def job(self) -> SealingJob:
        """How it is sealed."""

        @contextlib.contextmanager
        def hold() -> Iterator[Held]:
            yield Held(self.store, lambda: None)

        return SealingJob("accounts", self.vault, self.store, hold, OWNER, CLOCK)

    def seal(self, begin: int, end: int, *, timeline: int = 1, minute: int | None = None) -> Sealed:
        """Seal a stretch, a minute after the one before. One that goes on in the middle of a file follows the last."""
        self._minutes = self._minutes + 1 if minute is None else minute
        if self._sealing is None or begin % SIZE == 0:
            self._sealing = Sealing(self.job, self._sealing.last if self._sealing else None)
        moment = BEGIN + timedelta(minutes=self._minutes)
        return self._sealing.seal(self.batch(begin, end, timeline, moment))

    def again(self) -> Sealed:
        """Say a minute later that nothing was logged."""
        assert self._sealing is not None
        assert self._sealing.last is not None
        self._minutes += 1
        moment = BEGIN + timedelta(minutes=self._minutes)
        return self._sealing.seal(Batch(self._sealing.last.span, (), (), moment, moment))

    def batch(self, begin: int, end: int, timeline: int, moment: datetime) -> Batch:
        """What a stream would hand over."""
        growths, at = list[Growth](), begin
        while at < end:
            segment = segment_at(timeline, at, SIZE)
            upto = min(end, segment.end)
            growths.append(Growth(segment.name, at - segment.begin, bytearray(wal(timeline, at, upto)), SIZE))
            at = upto
        begins = segment_at(timeline, begin, SIZE).begin
        return Batch(Span(SYSTEM, timeline, begins, end), tuple(growths), self._beside(timeline), moment, moment)

    def _beside(self, timeline: int) -> tuple[tuple[str, bytes], ...]:
        if timeline not in self.ancestors:
            return ()
        lines = [f"{each}\t{place_text(left)}\tno reason\n" for each, left in self.ancestors[timeline]]
        return ((history_name(timeline), "".join(lines).encode()),)

    @property
    def shelf(self) -> Shelf:
        """The log as the vault has it."""
        return read_shelf(self.vault.anew(), "accounts")

    @property
    def pieces(self) -> Sequence[Piece]:
        """Its pieces."""
        return self.shelf.pieces


def made_up(**ancestors: list[tuple[int, int]]) -> MadeUp:
    """An empty log in a vault in memory; ``t2=[(1, place)]`` says where timeline 2 came from."""
    store, vault = a_small_vault()
    return MadeUp(store, vault, {int(name[1:]): came for name, came in ancestors.items()})
