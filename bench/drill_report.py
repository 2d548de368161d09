"""How long `covenant drill report` takes over ten thousand past drills, page and paper together, as a whole process."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.whole import spread, timed
from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import DRILL, Proof
from covenant.kernel.answers import Answer, Result
from covenant.prove.record import DrillRecord, Level, Measured, Planted, SourceDrill, Step
from covenant.prove.telling import to_json

DRILLS, SOURCES, TIMES = 10_000, 5, 7
TOML = '[vault]\nurl = "vault"\n\n[catalog]\npath = "catalog.db"\n'
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    """Make the catalog, report, and print the median and the spread."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "covenant.toml").write_text(TOML)
        with open_catalog(home / "catalog.db") as catalog:
            for back in range(DRILLS):
                catalog.prove(_proof(back))
        _reported(home)
        walls, processors = zip(*(_reported(home) for _ in range(TIMES)), strict=True)
    print(f"report over {DRILLS:,} drills: {spread(walls)}, {spread(processors)} of a processor")


def _proof(back: int) -> Proof:
    began = _BEGAN - timedelta(days=back)
    drill = DrillRecord(
        id=f"{back:032x}",
        level=Level.MONTHLY,
        began_at=began,
        ended_at=began + timedelta(minutes=3),
        sources=tuple(_source(f"source-{number}", 30.0 + (back * 7 + number) % 50) for number in range(SOURCES)),
    )
    return Proof(subject=drill.level, kind=DRILL, at=drill.ended_at, verdict=drill.result, detail=to_json(drill))


def _source(name: str, took: float) -> SourceDrill:
    return SourceDrill(
        source=name,
        system="sqlite",
        data_class="critical",
        priority=1,
        vault="default",
        region="studio",
        snapshot_id="ab" * 32,
        moment=_BEGAN,
        files=1,
        bytes=1_000_000,
        rto=Measured(timedelta(hours=1), timedelta(seconds=took)),
        rpo=Measured(timedelta(hours=1), timedelta(minutes=9)),
        steps=tuple(Step(step, took / 5) for step in ("assess", "isolate", "restore", "validate", "plant")),
        answers=tuple(Answer(f"question {number}?", Result.PASSED, "as expected", 0.1) for number in range(4)),
        planted=tuple(Planted(kind="bit-flipped", where="data/ab", result=Result.PASSED) for _ in range(4)),
    )


def _reported(home: Path) -> tuple[float, float]:
    """The seconds from the start of the program to its end, and those of a processor."""
    done, seconds, processor = timed(home, "drill", "report", "latest", "-o", "reports")
    if not list((home / "reports").glob("*.pdf")):
        sys.exit(done.stderr.decode())
    return seconds, processor


if __name__ == "__main__":
    main()
