"""The way to a goal: the newest backup from which the log leads there whole, or an error that says what can be had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import SnapshotMissing
from covenant.kernel.spans import Lineage, Span
from covenant.recover.goal import Goal
from covenant.recover.route import Route, choose_route, stretches_to_search
from covenant.vault.pieces import BaseBackup, Piece
from covenant.vault.snapshot import Snapshot

DAWN = datetime(2026, 11, 23, tzinfo=UTC)
FARTHEST = 24


def at(place: int) -> datetime:
    """In these histories one byte is logged each second."""
    return DAWN + timedelta(seconds=place)


def a_base(end: int, timeline: int = 1) -> BaseBackup:
    """A backup that is consistent at a place."""
    snapshot = Snapshot(time_="2026-11-23T00:00:00Z", tree="", id=f"{timeline}{end:03}")
    return BaseBackup(snapshot, Span(7, timeline, max(0, end - 2), end), at(end))


def a_piece(begin: int, end: int, timeline: int = 1) -> Piece:
    """A stretch of the log that is in the vault."""
    snapshot = Snapshot(time_="2026-11-23T00:00:00Z", tree="", id=f"p{timeline}{begin:03}{end:03}")
    return Piece(snapshot, Span(7, timeline, begin, end), at(end))


def chosen(
    goal: Goal, bases: list[BaseBackup], pieces: list[Piece], lineages: dict[int, Lineage] | None = None
) -> Route:
    """The route to a goal in a history that has one timeline unless others are named."""
    return choose_route(goal, bases, pieces, lineages or {1: Lineage(1)}, "accounts")


def test_the_newest_backup_before_the_goal_is_taken() -> None:
    """Of all backups that lead to a moment the newest is begun with, and only the log from there on is needed."""
    bases, pieces = [a_base(4), a_base(10), a_base(16)], [a_piece(0, 8), a_piece(8, 14), a_piece(14, 20)]

    route = chosen(Goal(moment=at(13)), bases, pieces)

    assert a_base(10) == route.base
    assert (Span(7, 1, 8, 20),) == route.parts
    assert (pieces[1], pieces[2]) == route.pieces


def test_a_moment_behind_the_log_is_refused_with_what_can_be_had() -> None:
    """Nothing near the goal is taken for the goal: the error names the windows."""
    with pytest.raises(SnapshotMissing, match="2026-11-23 00:00:21") as caught:
        chosen(Goal(moment=at(21)), [a_base(4)], [a_piece(0, 20)])

    assert "2026-11-23 00:00:04+00:00 to 2026-11-23 00:00:20+00:00" in caught.value.hint
    assert "0/4 to 0/14, timeline 1" in caught.value.hint


def test_a_gap_is_named_with_the_window_that_remains() -> None:
    """A goal behind a gap is refused with the gap, and with what lies before it and behind the next backup."""
    pieces = [a_piece(0, 10), a_piece(12, 20)]

    with pytest.raises(SnapshotMissing, match="the log has a gap at 0/A to 0/C in timeline 1") as caught:
        chosen(Goal(place=15), [a_base(4), a_base(16)], pieces)

    assert "0/4 to 0/A" in caught.value.hint
    assert "0/10 to 0/14" in caught.value.hint


def test_the_newest_branch_is_meant_and_what_it_left_behind_is_known() -> None:
    """After a fail-over the new timeline is followed; what the old one logged after it was left is told."""
    lineages = {1: Lineage(1), 2: Lineage(2, ((1, 10),))}
    pieces = [a_piece(0, 14), a_piece(8, 20, timeline=2)]

    newest = chosen(Goal(), [a_base(4)], pieces, lineages)
    old = chosen(Goal(timeline=1), [a_base(4)], pieces, lineages)

    assert (2, 20) == (newest.timeline, newest.end)
    assert (Span(7, 1, 2, 10), Span(7, 2, 10, 20)) == newest.parts
    assert (Span(7, 1, 10, 14),) == newest.left_behind
    assert (1, 14) == (old.timeline, old.end)


def test_a_backup_that_is_named_is_begun_with() -> None:
    """Whoever names a backup gets that one, though a newer one leads there too."""
    route = chosen(Goal(moment=at(18), base="1004"), [a_base(4), a_base(10)], [a_piece(0, 20)])

    assert a_base(4) == route.base


def test_without_a_backup_the_way_to_one_is_said() -> None:
    """A log alone brings nothing back, and the error says which command makes a beginning."""
    with pytest.raises(SnapshotMissing) as caught:
        chosen(Goal(), [], [a_piece(0, 20)])

    assert "covenant backup accounts --full" in caught.value.hint


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[BaseBackup], list[Piece], dict[int, Lineage]]:
    """Up to three timelines, each left for the next, with any stretches of their logs and any backups."""
    lineages, left = {1: Lineage(1)}, list[tuple[int, int]]()
    for timeline in range(2, 2 + draw(st.integers(0, 2))):
        left.append((timeline - 1, draw(st.integers(left[-1][1] if left else 0, FARTHEST))))
        lineages[timeline] = Lineage(timeline, tuple(left))
    begins = {1: 0, **{timeline + 1: place for timeline, place in left}}
    pieces, bases = [], []
    for timeline, begin in begins.items():
        for first, second in draw(st.lists(st.tuples(places(0), places(0)), max_size=5)):
            if first != second:
                pieces.append(a_piece(min(first, second), max(first, second), timeline))
        bases += [a_base(place, timeline) for place in draw(st.lists(places(begin), max_size=3))]
    return bases, pieces, lineages


def places(least: int) -> st.SearchStrategy[int]:
    """A place from there on."""
    return st.integers(least, FARTHEST)


def leads(base: BaseBackup, head: int, goal: int, pieces: list[Piece], lineages: dict[int, Lineage]) -> bool:
    """Whether every single byte between a backup and a place lies in the vault, asked byte by byte."""
    way = {**dict(lineages[head].left), head: FARTHEST + 1}
    if base.span.timeline not in way or not base.span.end <= min(goal, way[base.span.timeline]):
        return False
    return all(
        any((piece.span.timeline == owner and piece.span.begin <= byte < piece.span.end) for piece in pieces)
        for byte in range(base.span.end, goal)
        for owner in [next(timeline for timeline, end in way.items() if byte < end)]
    )


@given(histories(), places(0))
def test_a_route_is_whole_and_none_is_missed(
    history: tuple[list[BaseBackup], list[Piece], dict[int, Lineage]], goal: int
) -> None:
    """A route leads there byte by byte, from the newest backup of its branch that does; else nothing leads there."""
    bases, pieces, lineages = history
    possible = [(head, base) for base in bases for head in lineages if leads(base, head, goal, pieces, lineages)]

    try:
        route = choose_route(Goal(place=goal), bases, pieces, lineages)
    except SnapshotMissing:
        assert [] == possible
        return

    assert (route.timeline, route.base) in possible
    assert route.base.span.end == max(base.span.end for head, base in possible if head == route.timeline)


@given(histories(), places(1))
def test_whatever_can_be_had_is_searched_once(
    history: tuple[list[BaseBackup], list[Piece], dict[int, Lineage]], goal: int
) -> None:
    """Every byte that some backup leads across is in a stretch that is searched, and no branch is searched twice."""
    bases, pieces, lineages = history
    stretches = list(stretches_to_search(Goal(name="mistake"), bases, pieces, lineages))

    for base in bases:
        for head in lineages:
            if base.span.end < goal and leads(base, head, goal, pieces, lineages):
                way = {**dict(lineages[head].left), head: FARTHEST + 1}
                owner = next(timeline for timeline, end in way.items() if goal - 1 < end)
                assert any(span.timeline == owner and span.begin < goal <= span.end for span in stretches)
    searched = [(span.timeline, byte) for span in stretches for byte in range(span.begin, span.end)]
    assert len(set(searched)) == len(searched)
