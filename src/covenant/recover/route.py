"""The way to a goal: which backup to begin with, and which pieces of the log to replay. Pure.

Of all backups from which the log leads to the goal without a gap, the newest is taken, for it leaves the least to be
replayed. Where the history has branches the newest branch is meant, unless another is named. A goal that nothing leads
to is an error that names what can be had instead; it is never replaced by something near it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from covenant.kernel.errors import SnapshotMissing
from covenant.kernel.spans import Lineage, Span, place_text
from covenant.recover.continuity import Lineages, Reach, Window, reach, windows
from covenant.recover.goal import Goal
from covenant.vault.pieces import BaseBackup, Piece

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Route:
    """How a goal is reached: from ``base`` along ``timeline``, which the log leads up to ``end`` and ``until``.

    ``parts`` is what of the log may be replayed, ``pieces`` where it lies. ``left_behind`` are stretches that other
    branches of the history have, and that this one has not.
    """

    goal: Goal
    base: BaseBackup
    timeline: int
    end: int
    until: datetime
    parts: tuple[Span, ...]
    pieces: tuple[Piece, ...]
    left_behind: tuple[Span, ...] = ()

    @property
    def log_size(self) -> int:
        """The most bytes of the log that may be replayed."""
        return sum(part.size for part in self.parts)


def choose_route(
    goal: Goal, bases: Iterable[BaseBackup], pieces: Sequence[Piece], lineages: Lineages, source: str = ""
) -> Route:
    """The route to a goal. Raises ``SnapshotMissing``, with the windows that can be had."""
    known = [base for base in bases if base.snapshot.id.startswith(goal.base)]
    fitting = [(came, head) for came, head in _ways(known, pieces, lineages) if _fits(goal, came, head)]
    if not fitting:
        raise _missed(goal, known, pieces, lineages, source)
    came, head = max(fitting, key=lambda each: _preference(goal, *each))
    return _route(goal, came, head, pieces, lineages)


def _ways(bases: Iterable[BaseBackup], pieces: Sequence[Piece], lineages: Lineages) -> Iterator[tuple[Reach, int]]:
    """From every base along every branch that it is part of, as far as the log leads."""
    for base in bases:
        own = base.span.timeline
        for head in sorted({own, *lineages}):
            came = reach(base, lineages.get(head, Lineage(head)), pieces)
            if came is not None and came.timeline == head:
                yield came, head


def _fits(goal: Goal, came: Reach, head: int) -> bool:
    if goal.timeline is not None and goal.timeline != head:
        return False
    if goal.moment is not None:
        return came.base.taken <= goal.moment <= came.until
    place = goal.place if goal.place is not None else goal.found
    return place is None or came.base.span.end <= place <= came.end


def _preference(goal: Goal, came: Reach, head: int) -> tuple[object, ...]:
    """The newest branch, then as far as can be where that is wanted, then the newest base."""
    far = (came.until, came.end) if goal.latest or (goal.searched and goal.found is None) else ()
    return (head, *far, came.base.span.end, came.base.taken, came.base.snapshot.id)


def _route(goal: Goal, came: Reach, head: int, pieces: Sequence[Piece], lineages: Lineages) -> Route:
    system, base = came.base.span.system, came.base
    lineage = lineages.get(head, Lineage(head))
    end = goal.place if goal.place is not None else came.end
    parts = []
    for part in lineage.way(base.span.timeline, base.span.begin):
        stop = end if part.end is None else min(part.end, end)
        if stop > part.begin:
            parts.append(Span(system, part.timeline, part.begin, stop))
    needed = [piece for piece in pieces if any(_touch(piece.span, part) for part in parts)]
    behind = _left_behind(lineage, pieces, system)
    return Route(goal, base, head, came.end, came.until, tuple(parts), tuple(needed), tuple(behind))


def _touch(one: Span, other: Span) -> bool:
    same = (one.system, one.timeline) == (other.system, other.timeline)
    return same and one.begin < other.end and other.begin < one.end


def _left_behind(lineage: Lineage, pieces: Sequence[Piece], system: int) -> Iterator[Span]:
    """What was logged in a timeline after it was left for this one."""
    for timeline, left in lineage.left:
        last = max((p.span.end for p in pieces if (p.span.system, p.span.timeline) == (system, timeline)), default=left)
        if last > left:
            yield Span(system, timeline, left, last)


def stretches_to_search(
    goal: Goal, bases: Sequence[BaseBackup], pieces: Sequence[Piece], lineages: Lineages
) -> Iterator[Span]:
    """Every stretch of the log that some backup leads into, along the newest branch first, the latest first."""
    known = [base for base in bases if base.snapshot.id.startswith(goal.base)]
    done: list[Span] = []
    ways = sorted(_ways(known, pieces, lineages), key=lambda way: (way[1], way[0].base.span.end), reverse=True)
    for came, head in ways:
        if goal.timeline is not None and goal.timeline != head:
            continue
        for part in reversed(lineages.get(head, Lineage(head)).way(came.base.span.timeline, came.base.span.end)):
            end = came.end if part.end is None else min(part.end, came.end)
            span = Span(came.base.span.system, part.timeline, part.begin, end)
            new = list(_without(span, done))
            done += new
            yield from reversed(new)


def _without(span: Span, done: Iterable[Span]) -> Iterator[Span]:
    """What of a stretch was not searched yet, in order."""
    begin = span.begin
    for each in sorted(each for each in done if each.timeline == span.timeline and each.begin < span.end):
        if begin < each.begin:
            yield Span(span.system, span.timeline, begin, each.begin)
        begin = max(begin, each.end)
    if begin < span.end:
        yield Span(span.system, span.timeline, begin, span.end)


# -- what is said where nothing leads to the goal ----------------------------------------------------------------------


def _missed(
    goal: Goal, bases: Sequence[BaseBackup], pieces: Sequence[Piece], lineages: Lineages, source: str
) -> Exception:
    whose = f" of source '{source}'" if source else ""
    if not bases:
        what = f"no backup{whose} has an id that begins with '{goal.base}'" if goal.base else f"no backup{whose}"
        return SnapshotMissing(f"{what} to recover from", f"Take one: covenant backup {source or 'SOURCE'} --full")
    found = windows(bases, pieces, lineages)
    lost = _gap(goal, found)
    why = f": the log has a gap at {lost}" if lost else ""
    return SnapshotMissing(f"{goal}{whose} cannot be had back{why}", f"What can be had: {windows_text(found)}.")


def _gap(goal: Goal, found: Sequence[Window]) -> str:
    """The gap that lies before the goal, where there is one."""
    for window in reversed(found):
        lost = window.lost
        if lost is None:
            continue
        late = goal.moment is not None and goal.moment > window.until
        far = goal.place is not None and goal.place > window.end
        if late or far:
            return f"{place_text(lost.begin)} to {place_text(lost.end)} in timeline {lost.timeline}"
    return ""


def windows_text(found: Sequence[Window]) -> str:
    """The windows in words, the newest first."""
    texts = [
        f"{window.begins.isoformat(sep=' ')} to {window.until.isoformat(sep=' ')}"
        f" ({place_text(window.begin)} to {place_text(window.end)}, timeline {window.timeline})"
        for window in reversed(found[-_SHOWN:])
    ]
    more = len(found) - len(texts)
    return "; ".join(texts) + (f"; and {more} earlier ones" if more > 0 else "") or "nothing"
