"""How much memory ten million blobs take: build an index of that many, open it again, and look things up.

    python -m bench.index_memory [--blobs 10000000] [--json FILE]

Each stage runs in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from covenant.vault.index import Index
from covenant.vault.pack import BlobType
from covenant.vault.segment import Segment, SegmentBuilder, merge_to_file

_BLOBS_PER_PACK = 16
_BLOBS_PER_SEGMENT = 1_000_000
_LOOKUPS = 200_000
MIB = 1 << 20


def peak_mib() -> float:
    """The most memory that this process has had resident, in MiB, mapped files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(folder: Path, blobs: int) -> dict[str, Any]:
    """Make segments of a million blobs each, as reading index files does, and merge them into one."""
    chance, begin = random.Random(1), time.perf_counter()
    parts: list[Segment] = []
    for number in range(0, blobs, _BLOBS_PER_SEGMENT):
        builder = SegmentBuilder()
        for _ in range(0, min(_BLOBS_PER_SEGMENT, blobs - number), _BLOBS_PER_PACK):
            ids = chance.randbytes(32 * _BLOBS_PER_PACK)
            entries = [
                (ids[32 * at : 32 * at + 32], int(BlobType.DATA), at << 20, 1 << 20, 0) for at in range(_BLOBS_PER_PACK)
            ]
            builder.add(chance.randbytes(32), entries)
        path = folder / f"{number}.part"
        merge_to_file(path, [builder.build([f"{number:064x}"])])
        parts.append(Segment.map(path))
        del builder
    made = time.perf_counter() - begin
    merge_to_file(folder / "all.segment", parts)
    return {"stage": "build and merge", "seconds": time.perf_counter() - begin, "made": made, "peak_mib": peak_mib()}


def look_up(folder: Path, blobs: int) -> dict[str, Any]:
    """Open the index and look up blobs that it has and that it has not."""
    begin = time.perf_counter()
    index = Index([Segment.map(folder / "all.segment")])
    opened = time.perf_counter() - begin
    chance = random.Random(1)
    known = [chance.randbytes(32 * _BLOBS_PER_PACK)[:32] for _ in range(1)]
    strangers = random.Random(2)
    unknown = [strangers.randbytes(32) for _ in range(_LOOKUPS)]
    segment = index.segments[0]
    known += [segment.id_at(chance.randrange(segment.count)) for _ in range(_LOOKUPS)]
    begin = time.perf_counter()
    found = sum(index.has(blob, BlobType.DATA) for blob in known)
    hit = (time.perf_counter() - begin) / len(known)
    begin = time.perf_counter()
    found_unknown = sum(index.has(blob, BlobType.DATA) for blob in unknown)
    miss = (time.perf_counter() - begin) / len(unknown)
    if found != len(known) or found_unknown or len(index) < blobs:
        raise RuntimeError("the index does not hold what was put in")
    return {
        "stage": "open and look up",
        "opened_seconds": opened,
        "hit_microseconds": hit * 1e6,
        "miss_microseconds": miss * 1e6,
        "peak_mib": peak_mib(),
    }


def main() -> int:
    """Run both stages and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--blobs", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path, default=None, help="where the index is kept while it is measured")
    parser.add_argument("--json", type=Path, default=None)
    said = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(dir=said.dir) as folder:
        for stage in (build, look_up):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                results.append(pool.apply(stage, (Path(folder), said.blobs)))
        size = (Path(folder) / "all.segment").stat().st_size
    for result in results:
        print(json.dumps(result))
    print(f"{said.blobs:,} blobs: {size / MIB:,.0f} MiB on disk, peak {max(r['peak_mib'] for r in results):,.0f} MiB")
    if said.json:
        said.json.write_text(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
