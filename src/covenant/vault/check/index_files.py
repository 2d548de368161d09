"""Reading every index file, and the blobs that all of them name as one sorted table.

What a check goes by is read from the vault itself, never from a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from covenant.kernel.errors import DamageError, ObjectMissing, StoreError
from covenant.kernel.findings import Finding
from covenant.vault.crypto import OVERHEAD
from covenant.vault.index import IndexedPack
from covenant.vault.names import INDEX, id_of, is_id
from covenant.vault.pack import PackEntry
from covenant.vault.segment import Segment, SegmentBuilder, merge_to_file
from covenant.vault.vault import Vault

_BLOBS_IN_MEMORY = 1_000_000
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
    files, segments, builder = 0, list[Segment](), SegmentBuilder()
    for listed in vault.store.list(INDEX):
        index_id = id_of(listed.name)
        if not index_id:
            continue
        files += 1
        try:
            for pack in vault.load_index(index_id).packs:
                builder.add(_pack_id(pack), map(refuse_nonsense, pack.entries()))
        except ObjectMissing:
            continue  # replaced since it was listed
        except (DamageError, StoreError) as error:
            findings.append(Finding("index-damaged", listed.name, str(error), REPAIR_INDEX))
        if builder.count >= _BLOBS_IN_MEMORY:
            segments.append(_spilled(builder, scratch / f"{len(segments)}.segment"))
            builder = SegmentBuilder()
    segments.append(builder.build([]))
    return IndexReading(_merged(segments, scratch), files, tuple(findings))


def _pack_id(pack: IndexedPack) -> bytes:
    if not is_id(pack.id):
        raise DamageError(f"index names a pack {pack.id[:70]!r}")
    return bytes.fromhex(pack.id)


def refuse_nonsense(entry: PackEntry) -> PackEntry:
    """The same entry. Raises ``DamageError`` for a blob that cannot lie where its entry says."""
    if (
        len(entry.id) != 32
        or entry.length < OVERHEAD
        or entry.offset < 0
        or entry.offset + entry.length > _LARGEST_OFFSET
        or not 0 <= entry.plain_length <= _LARGEST_OFFSET
    ):
        raise DamageError(f"index has blob {entry.id.hex()[:8]} at {entry.offset} with length {entry.length}")
    return entry


def _spilled(builder: SegmentBuilder, path: Path) -> Segment:
    merge_to_file(path, [builder.build([])])
    return Segment.map(path)


def _merged(segments: list[Segment], scratch: Path) -> Segment:
    if len(segments) == 1:
        return segments[0]
    path = scratch / "all.segment"
    merge_to_file(path, segments)
    return Segment.map(path)
