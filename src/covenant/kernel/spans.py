"""Stretches of a change log: where each begins and ends, in which timeline, and which timelines descend from which.

A *place* is the number of bytes that a system had logged before it, written as two hexadecimal halves: ``2/7A000148``.
A system that was promoted, or brought back to a moment, goes on in a new *timeline*; it shares the numbering with its
parent up to the place where it left it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PLACE = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_SPAN = re.compile(r"[a-z]+-(\d+)-(\d+)-([0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8})-([0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8})")


def parse_place(text: str) -> int:
    """``2/7A000148`` as a number. Raises ``ValueError``."""
    found = _PLACE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a place in a log like '2/7A000148'")
    return int(found[1], 16) << 32 | int(found[2], 16)


def place_text(place: int) -> str:
    """A place as people read it."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one system's log: from ``begin`` up to but without ``end``, in one timeline.

    ``system`` is the system's own number, which its copies share and no other has.
    """

    system: int
    timeline: int
    begin: int
    end: int

    def __str__(self) -> str:
        return f"log-{self.system}-{self.timeline}-{place_text(self.begin)}-{place_text(self.end)}"

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.end - self.begin


def parse_span(text: str) -> Span | None:
    """The stretch behind its text, or ``None`` for what is none. A base backup writes its own in the same way."""
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    return Span(int(found[1]), int(found[2]), parse_place(found[3]), parse_place(found[4]))


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same stretches, with those that touch or overlap put together, in order; without those that hold nothing."""
    found = list[Span]()
    for span in sorted(span for span in spans if span.size > 0):
        last = found[-1] if found else None
        if last and (last.system, last.timeline) == (span.system, span.timeline) and span.begin <= last.end:
            found[-1] = Span(last.system, last.timeline, last.begin, max(last.end, span.end))
        else:
            found.append(span)
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """One timeline's part of a way through the log; ``end`` is ``None`` for as far as there is."""

    timeline: int
    begin: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """A timeline, and where each of its ancestors was left, the eldest first."""

    timeline: int
    left: tuple[tuple[int, int], ...] = ()

    def way(self, timeline: int, begin: int) -> Sequence[Way]:
        """How to come from a place to the end of this timeline; empty where that place is not in its past."""
        elders: list[tuple[int, int | None]] = [*self.left, (self.timeline, None)]
        names = [each for each, _ in elders]
        if timeline not in names:
            return ()
        parts = list[Way]()
        for each, end in elders[names.index(timeline) :]:
            if end is not None and end < begin:
                return ()  # the timeline was left before: what came there later is not in this one's past
            parts.append(Way(each, begin, end))
            begin = end if end is not None else begin
        return parts
