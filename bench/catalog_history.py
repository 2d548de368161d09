"""How long the history takes to gather: a thousand sources, a hundred thousand snapshots, two hundred thousand runs.

.venv/bin/python -m bench.catalog_history [SOURCES] [SNAPSHOTS] [RUNS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Kept, Run, State

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KINDS = ("incremental", "incremental", "incremental", "differential", "log", "full")
TALLY = {"files": 9000, "bytes": 5_000_000_000, "added_bytes": 4_000_000, "files_new": 9, "files_changed": 20}


def main(sources: int = 1000, snapshots: int = 100_000, runs: int = 200_000) -> None:
    """Fill a catalog, then gather its history five times; the quickest counts, for a busy machine only adds."""
    with tempfile.TemporaryDirectory() as folder, open_catalog(Path(folder) / "catalog.db") as catalog:
        catalog.take_up("default", kept(sources, snapshots), now=NOW)
        catalog.restore(pages(sources, runs), NOW)
        took = []
        for _ in range(5):
            begin, busy = time.perf_counter(), time.process_time()
            history = catalog.history()
            took.append((time.perf_counter() - begin, time.process_time() - busy))
    assert sources == len(history.sources)
    wall, processor = (min(each[place] for each in took) for place in (0, 1))
    print(
        f"{sources:,} sources, {snapshots:,} snapshots, {runs:,} runs: {wall:.3f} s, {processor:.3f} s of a processor"
    )


def kept(sources: int, count: int) -> Iterator[Kept]:
    """Snapshots, as a vault would have them."""
    for number in range(count):
        yield Kept(
            id=f"{number:064x}",
            vault="default",
            source=f"source-{number % sources}",
            kind=KINDS[number // sources % len(KINDS)],
            time=NOW - timedelta(hours=number // sources),
            position=f"{number:X}",
            tags=("covenant:kind=full", "covenant:source=x"),
        )


def pages(sources: int, count: int) -> Iterator[bytes]:
    """Ended runs, one in twenty of which failed."""
    for start in range(0, count, 1000):
        written = [
            Run(
                id=number,
                uid=f"{number:032x}",
                vault="default",
                subject=f"source-{number % sources}",
                kind=KINDS[number // sources % len(KINDS)],
                reason="due",
                state=State.FAILED if number % 20 == 19 else State.DONE,
                due_at=NOW,
                started_at=NOW - timedelta(hours=(count - number) // sources),
                ended_at=NOW,
                lease="loop",
                fence=1,
                tally=TALLY,
            )
            for number in range(start, min(start + 1000, count))
        ]
        yield msgspec.json.encode({"version": 1, "runs": written})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
