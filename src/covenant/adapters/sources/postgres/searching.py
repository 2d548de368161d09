"""Where in a log a transaction ended or a restore point was made: read by PostgreSQL's own ``pg_waldump``.

Only replaying stops there; but from which backup to begin is only known once the place is. The log is read from the
newest backup on, then from the one before it, so that what happened lately is found soon. It is read in stretches of a
few segments. A record may begin at the end of one and end in the next; so each stretch begins with the segment that
the one before it ended with.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from covenant.adapters.sources.postgres.programs import Programs
from covenant.adapters.sources.postgres.shelf import Shelf
from covenant.adapters.sources.postgres.wal import Segment, segment_at
from covenant.kernel.errors import TargetError
from covenant.kernel.spans import Span, parse_place, place_text
from covenant.recover.goal import Goal

_TOGETHER = 16
_XIDS = 1 << 32
_RECORD = re.compile(r"lsn: ([0-9A-F]+/[0-9A-F]+), .*desc: (.*)")


def find_place(shelf: Shelf, programs: Programs, goal: Goal, stretches: Iterable[Span]) -> int | None:
    """Where the goal's record begins, in the first of the stretches that has it; ``None`` where none has.

    Raises what reading the log raises, and ``TargetError`` where the program does not work.
    """
    with tempfile.TemporaryDirectory(prefix="covenant-search-") as folder:
        for stretch in stretches:
            place = _in_stretch(shelf, programs, goal, stretch, Path(folder))
            if place is not None:
                return place
    return None


def _in_stretch(shelf: Shelf, programs: Programs, goal: Goal, stretch: Span, folder: Path) -> int | None:
    for together in _batches(stretch, shelf.file_size):
        begin, end = max(stretch.begin, together[0].begin), min(stretch.end, together[-1].end)
        for segment in together:
            found = shelf.find(segment.name, to_gap=True)
            if found is not None and not (folder / segment.name).exists():
                (folder / segment.name).write_bytes(shelf.read(found))
        for place, said in _records(programs, goal, stretch.timeline, begin, end, folder):
            if _is_meant(goal, said):
                return place
        for segment in together[:-1]:
            (folder / segment.name).unlink(missing_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return None


def _batches(stretch: Span, size: int) -> Iterator[list[Segment]]:
    """The segments of a stretch, a few at a time, each batch beginning with the last of the one before."""
    batch = [segment_at(stretch.timeline, stretch.begin, size)]
    while batch[-1].end < stretch.end:
        batch.append(batch[-1].next)
        if len(batch) > _TOGETHER:
            yield batch
            batch = batch[-1:]
    yield batch


def _records(
    programs: Programs, goal: Goal, timeline: int, begin: int, end: int, folder: Path
) -> Iterator[tuple[int, str]]:
    """The records of the goal's kind between two places. Where the log ends before, so do they."""
    kind = ["--rmgr=XLOG"] if goal.name else ["--rmgr=Transaction", f"--xid={(goal.transaction or 0) % _XIDS}"]
    command = [
        programs.named("pg_waldump"),
        f"--path={folder}",
        f"--timeline={timeline}",
        f"--start={place_text(begin)}",
        f"--end={place_text(end)}",
        *kind,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env={"LC_ALL": "C"}, check=False
        )
    except OSError as error:
        raise TargetError(f"pg_waldump cannot be run: {error.strerror}", "Check the programs of PostgreSQL.") from error
    for found in _RECORD.finditer(done.stdout):
        yield parse_place(found[1]), found[2].strip()


def _is_meant(goal: Goal, said: str) -> bool:
    if goal.name:
        return said == f"RESTORE_POINT {goal.name}"
    return said.startswith(("COMMIT", "ABORT"))
