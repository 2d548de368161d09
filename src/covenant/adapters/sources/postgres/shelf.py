"""The log of one source as a vault has it, by the names of its files: what a recovering server asks for.

A server takes "there is no such file" for the end of the log and opens for work. So it is said only where the log truly
ends. A gap, a damaged piece or a vault that does not answer is an error, which has to stop the recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from covenant.adapters.sources.postgres.wal import (
    HEADER,
    PARTIAL,
    SEGMENT_SIZE,
    Segment,
    history_name,
    parse_header,
    parse_history,
    parse_history_name,
    parse_segment,
)
from covenant.kernel.errors import CovenantError, DamageError, SourceError
from covenant.kernel.spans import Lineage, Span, place_text
from covenant.recover.continuity import Lineages, State, continuity
from covenant.vault.log_files import File, files_of
from covenant.vault.pack import BlobType
from covenant.vault.pieces import Piece, pieces_of, try_snapshots
from covenant.vault.reader import read_blob
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

_READERS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the log: where it lies, and the size that a server wants it to have."""

    file: File
    size: int


class Shelf:
    """The pieces of one source's log, of one server. ``damaged`` are snapshots that nobody could read."""

    def __init__(
        self,
        vault: Vault,
        source: str,
        snapshots: Iterable[Snapshot],
        *,
        system: int | None = None,
        damaged: Sequence[CovenantError] = (),
    ) -> None:
        self._vault = vault
        self.source = source
        self._damaged = damaged
        everything = pieces_of(snapshots, source)
        newest = max(everything, key=lambda piece: piece.until, default=None)
        self.system = system if system is not None else newest.span.system if newest else 0
        self.pieces = [piece for piece in everything if piece.span.system == self.system]
        self.foreign = bool(everything) and not self.pieces
        """Whether all of the log that there is, is another server's."""

    @cached_property
    def lineages(self) -> Lineages:
        """The past of each timeline, as the history files in the log say. Raises ``DamageError``."""
        found = {1: Lineage(1)}
        for timeline in sorted({piece.span.timeline for piece in self.pieces} - {1}):
            text = self.history(timeline)
            if text is None:
                raise DamageError(f"the log of '{self.source}' lacks {history_name(timeline)}")
            found[timeline] = parse_history(timeline, text.decode(errors="replace"))
        return found

    @property
    def file_size(self) -> int:
        """The size of a segment."""
        return self.pieces[-1].snapshot.file_size if self.pieces else SEGMENT_SIZE

    @cached_property
    def lost(self) -> tuple[Span, ...]:
        """The gaps of the log."""
        stretches = continuity(self.pieces, self.lineages)
        return tuple(stretch.span for stretch in stretches if stretch.state is State.LOST)

    def history(self, timeline: int) -> bytes | None:
        """The text of a timeline's history file, or ``None`` where the log knows no such timeline."""
        found = self._history(timeline)
        return None if found is None else b"".join(self.blobs(found))

    def _history(self, timeline: int) -> File | None:
        """It lies beside each piece of its timeline; a server that hands its log over itself gives it by itself."""
        own = (piece for piece in reversed(self.pieces) if piece.span.timeline == timeline)
        return next((file for piece in own if (file := self._file(piece, history_name(timeline))) is not None), None)

    def find(self, name: str, *, to_gap: bool = False) -> Found | None:
        """The file of that name; ``None`` where the log ends before it. Raises ``SourceError`` at a gap.

        With ``to_gap`` the log ends at its first gap, for who knows that it is not needed beyond.
        """
        if (timeline := parse_history_name(name)) is not None:
            found = self._history(timeline)
            return self._or_unknown(Found(found, found.size) if found else None, name)
        segment = parse_segment(name, self.file_size) if self.pieces else None
        if segment is None:
            return self._or_unknown(None, name)
        return self._segment(segment, to_gap)

    def content(self, name: str, segment: Segment | None) -> bytes | None:
        """What there is of a file: of a ``segment`` perhaps only its beginning; ``None`` for nothing."""
        found = None
        if segment is not None:
            best = self._best(segment)
            whole = best is not None and best.span.end >= segment.end
            found = self._file(best, name if whole else name + PARTIAL) if best is not None else None
        else:
            pieces = reversed(self.pieces)
            found = next((file for piece in pieces if (file := self._file(piece, name)) is not None), None)
        return None if found is None else b"".join(self.blobs(found))

    def _best(self, segment: Segment) -> Piece | None:
        """The piece that has most of a segment."""
        return max(
            (piece for piece in self.pieces if _overlap(piece.span, segment)),
            key=lambda piece: (min(piece.span.end, segment.end), piece.until),
            default=None,
        )

    def _segment(self, segment: Segment, to_gap: bool) -> Found | None:
        best = self._best(segment)
        if best is not None and best.span.end >= segment.end:
            return Found(self._sure(best, segment.name), segment.size)
        if not to_gap:
            self._refuse_gap(segment)
        if best is None:
            return self._or_unknown(None, segment.name)
        return self._or_unknown(Found(self._sure(best, segment.name + PARTIAL), segment.size), segment.name)

    def _refuse_gap(self, segment: Segment) -> None:
        """Raise where the log goes on behind what is missing of a segment."""
        for span in self.lost:
            if span.timeline == segment.timeline and span.begin < segment.end and span.end > segment.begin:
                raise SourceError(
                    f"the log of '{self.source}' is lost from {place_text(span.begin)} to {place_text(span.end)}"
                    f" in timeline {span.timeline}",
                    "What can be had back before and behind the gap, 'covenant log status' says.",
                )

    def _or_unknown(self, found: Found | None, name: str) -> Found | None:
        """What was found, unless a damaged snapshot might have had more of it."""
        if self._damaged and (found is None or not name.endswith(".history")):
            raise DamageError(
                f"whether {name} is in the log is not known: {self._damaged[0]}",
                "Run 'covenant check' to see what is damaged, and 'covenant region heal' where there are other copies.",
            )
        return found

    def _sure(self, piece: Piece, name: str) -> File:
        found = self._file(piece, name)
        if found is None:
            raise DamageError(f"piece {piece.snapshot.short_id} of the log of '{self.source}' lacks {name}")
        return found

    def _file(self, piece: Piece, name: str) -> File | None:
        return next((file for file in files_of(self._vault, piece.snapshot) if file.name == name), None)

    def blobs(self, file: File) -> Iterator[bytes]:
        """A file's bytes, each blob proved by its hash. Raises ``DamageError``, ``ObjectMissing``."""
        with ThreadPoolExecutor(_READERS) as readers:
            yield from readers.map(
                lambda blob: read_blob(self._vault, bytes.fromhex(blob), BlobType.DATA), file.content
            )

    def read(self, found: Found) -> bytes:
        """A whole file, as a server wants it: one that is not full is filled up with zeros. Raises ``DamageError``."""
        content = b"".join(self.blobs(found.file))
        if len(content) != found.file.size:
            raise DamageError(f"{found.file.name} has {len(content):,} bytes instead of {found.file.size:,}")
        segment = parse_segment(found.file.name.removesuffix(PARTIAL), found.size)
        if segment is not None:
            header = parse_header(content[:HEADER], found.file.name)
            if header.system != self.system or header.segment.begin != segment.begin:
                raise DamageError(f"{found.file.name} holds another segment: {header.segment.name}")
        return content.ljust(found.size, b"\0")


def _overlap(span: Span, segment: Segment) -> bool:
    return span.timeline == segment.timeline and span.begin < segment.end and span.end > segment.begin


def read_shelf(vault: Vault, source: str, system: int | None = None) -> Shelf:
    """The log of a source as the vault has it now."""
    snapshots, damaged = try_snapshots(vault)
    return Shelf(vault, source, snapshots, system=system, damaged=damaged)
