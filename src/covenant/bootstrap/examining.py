"""The doctor's rounds: each source is looked at as its kind asks, live, and told what it lacks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap.sources import source_paths
from covenant.kernel.checkup import Check, Checkup, Verdict, graded
from covenant.kernel.errors import SourceError

if TYPE_CHECKING:
    from covenant.kernel.clock import Clock
    from covenant.settings.values import Source

READABLE, CONSISTENT = "readable", "consistent"


def examine(source: Source, clock: Clock, variables: Mapping[str, str]) -> Checkup:
    """Look at one source. Raises ``SourceError`` where it cannot be looked at."""
    match source.kind:
        case "postgres":
            return _postgres(source, clock, variables)
        case "sqlite":
            checks = tuple(_sqlite(Path(source_paths(source)[0])))
            return Checkup(source.name, "sqlite", (graded(CONSISTENT, checks, _as_scheduled(source)),), checks)
        case "files":
            checks = tuple(_files(source))
            return Checkup(source.name, "files", (graded(READABLE, checks, _as_scheduled(source)),), checks)
        case kind:
            fix = "Keep it in another way meanwhile; what is covered, 'covenant policy check' says."
            check = Check(
                "kind", Verdict.LACKING, f"this version does not keep a source of kind '{kind}'", fix, (kind,)
            )
            return Checkup(source.name, kind, (graded(kind, (check,), "", covered=False),), (check,))


def _postgres(source: Source, clock: Clock, variables: Mapping[str, str]) -> Checkup:
    from covenant.adapters.sources.postgres.examining import examine as look
    from covenant.adapters.sources.postgres.grading import grade
    from covenant.bootstrap.logs import address_of
    from covenant.bootstrap.to_moment import said_programs
    from covenant.settings import values

    assert isinstance(source.system, values.Postgres)
    seen = look(
        address_of(source, variables),
        clock,
        slot=source.system.slot,
        room_at=Path.cwd(),
        said=said_programs(variables),
        search_path=variables.get("PATH", ""),
    )
    wanted = "dump" if source.dumped else source.system.grade
    only = "" if wanted == "automatic" else wanted
    return grade(source.name, seen, source.system.log_interval, source.objectives.rpo, only=only)


def _as_scheduled(source: Source) -> str:
    """How much may be lost of what is kept now and then."""
    return f"the time between two backups; {source.objectives.rpo} is promised"


def _files(source: Source) -> Iterator[Check]:
    for text in source_paths(source):
        yield _readable(Path(text), READABLE)


def _readable(path: Path, grade: str) -> Check:
    if not path.exists():
        return Check(
            str(path), Verdict.LACKING, "does not exist", "Check the path, and that the disk is mounted.", (grade,)
        )
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        return Check(str(path), Verdict.LACKING, "cannot be read by us", "Run as a user who may read it.", (grade,))
    return Check(str(path), Verdict.GOOD, "a folder" if path.is_dir() else "a file", "", (grade,))


def _sqlite(path: Path) -> Iterator[Check]:
    found = _readable(path, CONSISTENT)
    yield found
    if found.verdict is not Verdict.GOOD:
        return
    from covenant.adapters.sources.sqlite.looking import look

    try:
        mode, size = look(str(path))
    except SourceError as error:
        yield Check("database", Verdict.LACKING, error.message, error.hint, (CONSISTENT,))
        return
    if mode == "wal":
        yield Check("journal", Verdict.GOOD, "WAL: a backup waits for nobody, and nobody for it")
    else:
        fix = "PRAGMA journal_mode = WAL; once, by the program that owns it."
        yield Check("journal", Verdict.REMARK, f"{mode}: a backup waits for writers, and writers for it", fix)
    import tempfile

    free = shutil.disk_usage(tempfile.gettempdir()).free
    enough = free > size
    detail = f"its copy takes {size:,} bytes, {free:,} are free in {tempfile.gettempdir()}"
    fix = "" if enough else "Free some space there, or name another folder with TMPDIR."
    yield Check("room", Verdict.GOOD if enough else Verdict.LACKING, detail, fix, (CONSISTENT,))
