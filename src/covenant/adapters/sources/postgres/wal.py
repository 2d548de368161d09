"""The files of PostgreSQL's write-ahead log: their names, their first bytes, and the histories of timelines.

The log is cut into *segments* of one size, 16 MiB unless the server was made otherwise. A segment's file is named after
its timeline and its number:

    offset  digits  what
    0       8       timeline
    8       8       the segment's number, divided by the segments in 4 GiB
    16      8       the rest of that division

It begins with the long header of its first page, little-endian where servers are:

    offset  length  what
    0       2       magic, which grows with each major version
    2       2       flags; 0x0002 says that the header is long
    4       4       timeline
    8       8       the place of the page's first byte
    24      8       the system's number
    32      4       the size of a segment

``00000002.history`` lists the ancestors of timeline 2. (PostgreSQL, ``xlog_internal.h`` and ``timeline.c``)
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from covenant.kernel.errors import SourceError
from covenant.kernel.spans import Lineage, parse_place
from covenant.vault.ports import Buffer

SEGMENT_SIZE = 16 << 20
"""The size of a segment where nothing else was chosen."""
PARTIAL = ".partial"
"""What is added to the name of a segment that is not full yet."""
HEADER = 40
"""How many bytes of a segment its header takes."""

_NAME = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_ANCESTOR = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)")
_HEADER = struct.Struct("<HHIQI4xQI")
_LONG = 0x0002


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the log."""

    timeline: int
    begin: int
    size: int = SEGMENT_SIZE

    @property
    def end(self) -> int:
        """The first place that is not in it."""
        return self.begin + self.size

    @property
    def name(self) -> str:
        """Its file's name when it is full."""
        high, low = divmod(self.begin // self.size, (1 << 32) // self.size)
        return f"{self.timeline:08X}{high:08X}{low:08X}"

    @property
    def next(self) -> Segment:
        """The one that follows it in the same timeline."""
        return Segment(self.timeline, self.end, self.size)


def segment_at(timeline: int, place: int, size: int = SEGMENT_SIZE) -> Segment:
    """The segment in which a place lies."""
    return Segment(timeline, place - place % size, size)


def parse_segment(name: str, size: int = SEGMENT_SIZE) -> Segment | None:
    """The segment that a name without any ending is of, or ``None`` for another file."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    number = int(found[2], 16) * ((1 << 32) // size) + int(found[3], 16)
    return Segment(int(found[1], 16), number * size, size)


def history_name(timeline: int) -> str:
    """The file that lists a timeline's ancestors."""
    return f"{timeline:08X}.history"


def parse_history_name(name: str) -> int | None:
    """The timeline whose ancestors a file lists, or ``None`` for another file."""
    found = _HISTORY.fullmatch(name)
    return int(found[1], 16) if found else None


def parse_history(timeline: int, text: str) -> Lineage:
    """What a history file says. Raises ``ValueError``."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [_ANCESTOR.match(line) for line in lines]
    if not all(found):
        raise ValueError(f"the history of timeline {timeline} makes no sense")
    return Lineage(timeline, tuple((int(line[1]), parse_place(line[2])) for line in found if line))


def system_of(data: Path) -> int:
    """The number of the server whose data directory this is: the first eight bytes of ``pg_control``."""
    try:
        with (data / "global" / "pg_control").open("rb") as control:
            return int(struct.unpack("<Q", control.read(8))[0])
    except (OSError, struct.error) as error:
        raise SourceError(
            f"{data} is no data directory of PostgreSQL: {error}", "PostgreSQL runs its commands in its data directory."
        ) from error


@dataclass(frozen=True, slots=True)
class Header:
    """What the first page of a segment says of it."""

    system: int
    segment: Segment


def parse_header(head: Buffer, subject: str) -> Header:
    """Read a segment's first bytes. Raises ``SourceError`` for what is no segment."""
    if len(head) >= HEADER:
        magic, flags, timeline, place, _, system, size = _HEADER.unpack_from(head)
        whole = size >= 1 << 20 and not size & (size - 1) and not place % size
        if magic >> 8 == 0xD1 and flags & _LONG and whole:
            return Header(system, Segment(timeline, place, size))
    raise SourceError(f"{subject} is no segment of a write-ahead log", "Give the file that PostgreSQL names with %p.")
