"""Whether a change log is whole, and to which moments a system can be brought back by it. Pure.

A base backup is a beginning: what the system was at one place of its log. From there the log leads on, as far as it is
whole; so every moment from the base's end up to the first gap can be had back. A gap ends it for that base, and only a
base that was taken behind the gap begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from covenant.kernel.spans import Lineage, Span, joined
from covenant.vault.pieces import BaseBackup, Piece
from covenant.vault.snapshot import Snapshot

Lineages = Mapping[int, Lineage]


class State(StrEnum):
    """What is known of a stretch of a log."""

    FOUND = "FOUND"
    """It is in the vault."""
    LATE = "LATE"
    """It is not in the vault yet, and its source still has it."""
    LOST = "LOST"
    """It is not in the vault, and nobody has it any more."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a log, and what is known of it. ``until`` is when it ended, where that is known."""

    state: State
    span: Span
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tip:
    """What the source itself has: ``held`` is the oldest place that it still gives, ``end`` the newest."""

    system: int
    timeline: int
    held: int
    end: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the log leads on from a base: to ``end``, in ``timeline``. ``lost`` is the gap that ends it."""

    base: BaseBackup
    timeline: int
    end: int
    until: datetime
    lost: Span | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Moments that can be had back, in one timeline: from ``begins`` at the place ``begin`` up to ``until`` at ``end``.

    ``bases`` are those that it can be had from, the oldest first. ``lost`` is the gap that ends it, if one does.
    """

    system: int
    timeline: int
    begin: int
    end: int
    begins: datetime
    until: datetime
    bases: tuple[Snapshot, ...]
    lost: Span | None = None


# -- continuity -------------------------------------------------------------------------------------------------------


def continuity(pieces: Iterable[Piece], lineages: Lineages, tip: Tip | None = None) -> tuple[Stretch, ...]:
    """Every stretch of a log, timeline by timeline: what is there, and what lies between.

    ``tip`` is what the source itself has, where it could be asked.
    """
    pieces = list(pieces)
    found = joined(piece.span for piece in pieces)
    stretches = list[Stretch]()
    for at, span in enumerate(found):
        stretches.append(Stretch(State.FOUND, span, _until(pieces, span)))
        after = found[at + 1] if at + 1 < len(found) else None
        if after is not None and (after.system, after.timeline) == (span.system, span.timeline):
            stretches.append(Stretch(State.LOST, Span(span.system, span.timeline, span.end, after.begin)))
        else:
            stretches += _behind(span, _left(span, found, lineages), tip)
    return tuple(stretches)


def _left(span: Span, found: Sequence[Span], lineages: Lineages) -> int | None:
    """Where the system left this timeline for one whose log is here too; ``None`` where it did not."""
    children = {each.timeline for each in found if each.system == span.system and each.timeline > span.timeline}
    places = [dict(lineages[each].left).get(span.timeline) for each in children if each in lineages]
    return max((place for place in places if place is not None), default=None)


def _behind(span: Span, left: int | None, tip: Tip | None) -> Iterable[Stretch]:
    """What is missing behind the last stretch of a timeline."""

    def stretch(state: State, begin: int, end: int) -> Iterable[Stretch]:
        return [Stretch(state, Span(span.system, span.timeline, begin, end))] if begin < end else []

    if tip is None or (tip.system, tip.timeline) != (span.system, span.timeline):
        return stretch(State.LOST, span.end, left) if left is not None else []
    held = min(max(span.end, tip.held), tip.end)
    return [*stretch(State.LOST, span.end, held), *stretch(State.LATE, held, tip.end)]


def _until(pieces: Iterable[Piece], span: Span) -> datetime | None:
    """When the stretch ended: the moment of the piece that ends where it does."""
    moments = [
        piece.until
        for piece in pieces
        if (piece.span.system, piece.span.timeline, piece.span.end) == (span.system, span.timeline, span.end)
    ]
    return max(moments, default=None)


# -- windows ----------------------------------------------------------------------------------------------------------


def reach(base: BaseBackup, lineage: Lineage, pieces: Sequence[Piece]) -> Reach | None:
    """How far the log leads from a base along the past of a timeline; ``None`` where it does not lead there at all."""
    whole = joined(piece.span for piece in pieces if piece.span.system == base.span.system)
    way = lineage.way(base.span.timeline, base.span.end)
    if not way:
        return None
    came = Reach(base, base.span.timeline, base.span.end, base.taken)
    for part in way:
        span = next((s for s in whole if s.timeline == part.timeline and s.begin <= part.begin <= s.end), None)
        end = part.begin if span is None else span.end if part.end is None else min(span.end, part.end)
        if end > came.end:
            came = Reach(base, part.timeline, end, _moment(pieces, base, part.timeline, end))
        short = part.end is not None and end < part.end
        after = min((s.begin for s in whole if s.timeline == part.timeline and s.begin > end), default=part.end)
        if short or (part.end is None and after is not None):
            assert after is not None
            return Reach(base, came.timeline, came.end, came.until, Span(base.span.system, part.timeline, end, after))
    return came


def _moment(pieces: Iterable[Piece], base: BaseBackup, timeline: int, end: int) -> datetime:
    """Up to which moment nothing is missing before a place."""
    known = [
        piece.until
        for piece in pieces
        if (piece.span.system, piece.span.timeline) == (base.span.system, timeline) and piece.span.end <= end
    ]
    return max([base.taken, *known])


def windows(begun: Iterable[BaseBackup], pieces: Sequence[Piece], lineages: Lineages) -> tuple[Window, ...]:
    """Every stretch of time that can be had back, in the order of the log."""
    found: dict[tuple[int, int, int], list[Reach]] = {}
    for base in begun:
        heads = {base.span.timeline, *(t for t in lineages if lineages[t].way(base.span.timeline, base.span.end))}
        for head in sorted(heads):
            came = reach(base, lineages.get(head, Lineage(head)), pieces)
            if came is not None and came.timeline == head:
                found.setdefault((base.span.system, head, came.end), []).append(came)
    return tuple(_window(reaches) for _, reaches in sorted(found.items()))


def _window(reaches: Sequence[Reach]) -> Window:
    first, last = reaches[0], max(reaches, key=lambda each: each.until)
    return Window(
        system=first.base.span.system,
        timeline=first.timeline,
        begin=first.base.span.end,
        end=first.end,
        begins=first.base.taken,
        until=last.until,
        bases=tuple(each.base.snapshot for each in reaches),
        lost=first.lost,
    )
