"""Keeping files of the log that a server hands over itself: its ``archive_command``.

The server asks for one file and waits. The files behind it that are ready too are kept along with it, in one piece, so
that the next questions are answered at once. A file is done when it is durable in the vault; the same file again is
done already, and another one of the same name is refused, for one of the two servers that write them is the wrong one.

- A segment is kept as it is, with the history of its timeline beside it.
- ``<timeline>.history`` is kept by itself.
- ``<segment>.partial``, the last of a timeline that was left, is kept up to where that was.
- ``<segment>.<offset>.backup``, the note of a base backup, is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from covenant.adapters.sources.postgres.shelf import Shelf
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
    system_of,
)
from covenant.kernel.errors import Refusal, SourceError
from covenant.kernel.spans import Span
from covenant.protect.ports import Batch, Growth

_NOTE = re.compile(r"([0-9A-F]{24})\.[0-9A-F]{8}\.backup")
_READY = ".ready"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A file to be kept: its bytes, what it holds of the log, and when it was finished."""

    name: str
    content: bytes
    span: Span
    finished: datetime
    segment: Segment | None = None
    """The segment, where it is a whole one."""


def ready_with(path: Path, most: int) -> list[Path]:
    """The file that the server asks for, and those of its folder that are ready behind it: ``most`` in all."""
    ready = path.parent / "archive_status"
    try:
        names = sorted(found.name.removesuffix(_READY) for found in ready.iterdir() if found.name.endswith(_READY))
    except OSError:
        names = []
    behind = [path.parent / name for name in names if name > path.name and parse_segment(name)]
    return [path, *behind[: most - 1]]


def read_file(path: Path, folder: Path) -> Pushed:
    """One file, and what it is. ``folder`` is the server's data directory. Raises ``SourceError``."""
    try:
        content = path.read_bytes()
        finished = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror}", "It is PostgreSQL that names it, by %p."
        ) from error
    name = path.name
    whole, begun = name.removesuffix(PARTIAL), name.endswith(PARTIAL)
    if re.fullmatch("[0-9A-F]{24}", whole):
        return _segment(path, whole, content, finished, begun)
    system = system_of(folder)
    if (timeline := parse_history_name(name)) is not None:
        left = parse_history(timeline, content.decode(errors="replace")).left
        place = left[-1][1] if left else 0
        return Pushed(name, content, Span(system, timeline, place, place), finished)
    if (note := _NOTE.fullmatch(name)) and (of := parse_segment(note[1], SEGMENT_SIZE)):
        return Pushed(name, content, Span(system, of.timeline, of.begin, of.begin), finished)
    raise SourceError(f"{name} is no file of a write-ahead log", "Give the file that PostgreSQL names with %p.")


def _segment(path: Path, whole: str, content: bytes, finished: datetime, begun: bool) -> Pushed:
    header = parse_header(content[:HEADER], path.name)
    segment = header.segment
    if segment.name != whole or len(content) != segment.size:
        raise SourceError(f"{path.name} holds {len(content):,} bytes of segment {segment.name}")
    if not begun:
        span = Span(header.system, segment.timeline, segment.begin, segment.end)
        return Pushed(path.name, content, span, finished, segment)
    left = _left(path.parent, segment)
    if left is None:
        raise SourceError(
            f"where timeline {segment.timeline} was left is not known, so {path.name} cannot be told from its rest",
            "Its heir's .history file belongs into the same folder.",
        )
    span = Span(header.system, segment.timeline, segment.begin, left)
    return Pushed(path.name, content[: left - segment.begin], span, finished)


def _left(folder: Path, segment: Segment) -> int | None:
    """Where a timeline was left, as the histories of its heirs say, within a segment."""
    for heir in sorted(folder.glob("*.history")):
        timeline = parse_history_name(heir.name)
        if timeline is not None and timeline > segment.timeline:
            left = dict(parse_history(timeline, heir.read_text(errors="replace")).left).get(segment.timeline)
            if left is not None and segment.begin <= left <= segment.end:
                return left
    return None


def wanted(shelf: Shelf, files: Sequence[Pushed]) -> Iterator[Pushed]:
    """Those that the vault does not have yet. Raises ``Refusal`` where it has others of the same name."""
    for file in files:
        there = shelf.content(file.name, file.segment)
        if there is None:
            yield file
        elif not (file.content.startswith(there) or there.startswith(file.content)):
            raise Refusal(
                f"the vault has another {file.name} of '{shelf.source}'",
                "Two servers seem to write one log: give each a source of its own.",
            )
        elif len(there) < len(file.content):
            yield file  # it was still growing when it was sealed


def batches(files: Sequence[Pushed], folder: Path) -> Iterator[Batch]:
    """What is to be sealed: segments that follow one another in one piece, and everything else by itself."""
    run = list[Pushed]()
    for file in sorted(files, key=lambda each: (each.segment is None, each.span)):
        if run and run[-1].segment is not None and run[-1].segment.next == file.segment:
            run.append(file)
            continue
        if run:
            yield _batch(run, folder)
        run = [file]
    if run:
        yield _batch(run, folder)


def _batch(run: Sequence[Pushed], folder: Path) -> Batch:
    first, last = run[0], run[-1]
    span = Span(first.span.system, first.span.timeline, first.span.begin, last.span.end)
    growths = tuple(
        Growth(file.name, 0, bytearray(file.content), file.segment.size) for file in run if file.segment is not None
    )
    beside = [(file.name, file.content) for file in run if file.segment is None]
    history = folder / history_name(span.timeline)
    if span.timeline > 1 and growths and history.is_file():
        beside.append((history.name, history.read_bytes()))
    return Batch(span, growths, tuple(beside), last.finished, last.finished)
