"""Reading every index file, and the blobs that all of them name as one sorted table.

What a check goes by is read from the vault itself, never from a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from covenant.kernel.errors import DamageError, ObjectMissing, StoreError
from covenant.kernel.findings import Finding
from covenant.vault.crypto import OVERHEAD
from covenant.vault.index import IndexFile
from covenant.vault.index_cache import load_segments
from covenant.vault.names import INDEX, id_of, is_id, object_name
from covenant.vault.pack import PackEntry
from covenant.vault.segment import Segment, SegmentBuilder, merge_to_file
from covenant.vault.vault import Vault

_LARGEST_OFFSET = (1 << 32) - 1

REPAIR_INDEX = "Run 'covenant repair index': it lists the blobs anew from the packs themselves."


@dataclass(frozen=True, slots=True)
class IndexReading:
    """What the index files say together, which of them cannot be read, and why."""

    segment: Segment
    files: int
    findings: tuple[Finding, ...]


def read_index_files(vault: Vault, scratch: Path) -> IndexReading:
    """Read all index files. ``scratch`` is an empty folder for what is too much for memory."""
    findings: list[Finding] = []

    def read(index_id: str) -> IndexFile:
        try:
            return plausible(vault.load_index(index_id))
        except (DamageError, StoreError) as error:
            if not isinstance(error, ObjectMissing):  # replaced while we were looking: its successor is listed
                findings.append(Finding("index-damaged", object_name(INDEX, index_id), str(error), REPAIR_INDEX))
            return IndexFile(packs=[])

    wanted = {id_of(listed.name) for listed in vault.store.list(INDEX)} - {""}
    segments = load_segments(None, frozenset(wanted), read)
    return IndexReading(_merged(segments, scratch), len(wanted), tuple(findings))


def plausible(file: IndexFile) -> IndexFile:
    """The same file. Raises ``DamageError`` where it says what cannot be."""
    for pack in file.packs:
        if not is_id(pack.id):
            raise DamageError(f"index names a pack {pack.id[:70]!r}")
        for entry in pack.entries():
            refuse_nonsense(entry)
    return file


def refuse_nonsense(entry: PackEntry) -> None:
    """Raises ``DamageError`` for a blob that cannot lie where its entry says."""
    if (
        len(entry.id) != 32
        or entry.length < OVERHEAD
        or entry.offset < 0
        or entry.offset + entry.length > _LARGEST_OFFSET
        or not 0 <= entry.plain_length <= _LARGEST_OFFSET
    ):
        raise DamageError(f"index has blob {entry.id.hex()[:8]} at {entry.offset} with length {entry.length}")


def _merged(segments: list[Segment], scratch: Path) -> Segment:
    if not segments:
        return SegmentBuilder().build([])
    if len(segments) == 1:
        return segments[0]
    path = scratch / "all.segment"
    merge_to_file(path, segments)
    return Segment.map(path)
