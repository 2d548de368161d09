"""How fast evidence verifies: a year of a busy place, 365,000 records, five times.

.venv/bin/python -m bench.evidence [RECORDS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from covenant.prove.evidence.chain import Head, hash_of, linked
from covenant.prove.evidence.checkpoint import sign
from covenant.prove.evidence.records import Record
from covenant.prove.evidence.signing import Signer
from covenant.prove.evidence.verifying import verify

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TALLY = {"files": 9000, "bytes": 5_000_000_000, "added_bytes": 4_000_000, "files_new": 9, "files_changed": 20}


def main(number: int = 365_000) -> None:
    """Write an export, then verify it from its file; the quickest counts, for a busy machine only adds."""
    signer = Signer.generate(NOW)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.jsonl"
        file.write_bytes(b"".join(_export(signer, number)))
        took = []
        for _ in range(5):
            begin, busy = time.perf_counter(), time.process_time()
            with file.open("rb") as lines:
                verdict = verify(lines, [signer.public])
            took.append((time.perf_counter() - begin, time.process_time() - busy))
            assert verdict.whole
        size = file.stat().st_size
    walls, processor = sorted(wall for wall, _ in took), min(busy for _, busy in took)
    clock = f"{walls[0]:.2f} to {walls[-1]:.2f} s, {processor:.2f} s of a processor"
    print(f"{number:,} records, {size / 1e6:.0f} MB: {clock}, {number / processor:,.0f} records a second of it")


def _export(signer: Signer, number: int) -> list[bytes]:
    """Backups one after another, as the daemon records them."""
    began = Record(at=NOW, kind="began", subject="evidence", facts={"key": signer.public})
    backups = (
        Record(
            at=NOW + timedelta(seconds=step),
            kind="backup",
            subject=f"source-{step % 100}",
            actor="studio:1234:0123abcd",
            uid=f"{step:032x}",
            facts={"what": "incremental", "state": "done", "snapshot": f"{step:064x}", "tally": TALLY},
        )
        for step in range(1, number)
    )
    lines = list(linked(Head(), (each.body() for each in (began, *backups))))
    point = sign(signer, hash_of(lines[0]), Head(len(lines), hash_of(lines[-1])), NOW)
    return [line + b"\n" for line in (*lines, point)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
