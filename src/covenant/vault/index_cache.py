"""The index on local disk: only a cache.

Segment files lie in ``<cache>/<vault id>/index/``. Each says which index files it was made from. On opening, the
segments whose index files all still exist are mapped, whatever is missing is read from the vault, and a new segment
is written. A damaged, missing or foreign segment costs time, never data: every file carries its hash.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from covenant.kernel.errors import DamageError
from covenant.vault.index import IndexFile
from covenant.vault.segment import Segment, SegmentBuilder, merge_to_file

_MOST_SEGMENTS = 8
_BLOBS_PER_BUILD = 1_000_000


def load_segments(folder: Path | None, wanted: frozenset[str], read: Callable[[str], IndexFile]) -> list[Segment]:
    """Segments that together hold exactly the index files ``wanted``.

    ``read(index id)`` reads an index file from the vault. ``folder`` is ``None`` where nothing may be cached.
    """
    segments = _cached(folder, wanted) if folder else []
    missing = wanted.difference(*(segment.sources for segment in segments))
    segments += list(_build(missing, read))
    if folder is not None and (missing or len(segments) > _MOST_SEGMENTS):
        with contextlib.suppress(OSError):  # a cache that cannot be written is a slower vault, not a broken one
            return _keep(folder, segments, missing)
    return segments


def _cached(folder: Path, wanted: frozenset[str]) -> list[Segment]:
    """The usable segment files, without two that hold the same index file; useless ones are deleted."""
    segments: list[Segment] = []
    covered: frozenset[str] = frozenset()
    for path in sorted(folder.glob("*.segment"), key=lambda path: -path.stat().st_size) if folder.is_dir() else []:
        try:
            segment = Segment.map(path)
        except (OSError, DamageError, ValueError):
            path.unlink(missing_ok=True)
            continue
        if segment.sources <= wanted and not segment.sources & covered:
            segments.append(segment)
            covered |= segment.sources
        else:
            path.unlink(missing_ok=True)
    return segments


def _build(missing: Iterable[str], read: Callable[[str], IndexFile]) -> Iterable[Segment]:
    """Segments made from index files, a bounded number of blobs at a time."""
    builder, sources = SegmentBuilder(), list[str]()
    for index_id in sorted(missing):
        for pack in read(index_id).packs:
            builder.add(bytes.fromhex(pack.id), pack.entries())
        sources.append(index_id)
        if builder.count >= _BLOBS_PER_BUILD:
            yield builder.build(sources)
            builder, sources = SegmentBuilder(), []
    if sources:
        yield builder.build(sources)


def _keep(folder: Path, segments: list[Segment], missing: frozenset[str]) -> list[Segment]:
    """Write what was missing as one more segment file, or merge all into one when they are too many."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = [segment for segment in segments if not segment.sources & missing]
    fresh = [segment for segment in segments if segment.sources & missing]
    if len(old) >= _MOST_SEGMENTS or not old:
        old, fresh = [], segments
    unfinished = folder / f".{os.getpid()}.unfinished"
    merge_to_file(unfinished, fresh)
    sources = sorted(frozenset[str]().union(*(segment.sources for segment in fresh)))
    path = folder / f"{sha256(''.join(sources).encode()).hexdigest()[:32]}.segment"
    unfinished.replace(path)
    return [*old, Segment.map(path)]
