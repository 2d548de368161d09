"""What is known of each stretch of a log, and which moments it leads to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.spans import Lineage, Span
from covenant.recover.continuity import State, Tip, continuity, windows
from covenant.vault.pieces import Piece, bases, pieces_of
from covenant.vault.snapshot import KIND_TAG, POSITION_TAG, SOURCE_TAG, UNTIL_TAG, Snapshot, snapshot_time

_BEGIN = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIRST = {1: Lineage(1)}


def at(minute: int) -> datetime:
    """A moment."""
    return _BEGIN + timedelta(minutes=minute)


def a_snapshot(kind: str, span: Span, minute: int) -> Snapshot:
    """A snapshot of the source ``accounts`` at that moment."""
    tags = [SOURCE_TAG + "accounts", KIND_TAG + kind, f"{POSITION_TAG}{span}", UNTIL_TAG + snapshot_time(at(minute))]
    return Snapshot(time_=snapshot_time(at(minute)), tree="", tags_=tags, id=f"{kind}-{span}")


def some_pieces(*spans: tuple[int, int, int, int]) -> list[Piece]:
    """Pieces: timeline, from, to, and the minute up to which nothing is missing."""
    taken = [a_snapshot("log", Span(7, timeline, begin, end), minute) for timeline, begin, end, minute in spans]
    return pieces_of(taken, "accounts")


def states(
    pieces: list[Piece], lineages: dict[int, Lineage] = FIRST, tip: Tip | None = None
) -> list[tuple[str, int, int, int]]:
    """Every stretch in a few words."""
    return [
        (str(each.state), each.span.timeline, each.span.begin, each.span.end)
        for each in continuity(pieces, lineages, tip)
    ]


def test_a_log_without_a_gap_is_found() -> None:
    """Pieces that touch are one stretch, which ended with the last of them."""
    pieces = some_pieces((1, 0, 20, 1), (1, 16, 40, 2))

    (stretch,) = continuity(pieces, FIRST)

    assert (State.FOUND, Span(7, 1, 0, 40), at(2)) == (stretch.state, stretch.span, stretch.until)


def test_what_lies_between_two_pieces_is_lost() -> None:
    """Nobody has what is missing between two pieces."""
    pieces = some_pieces((1, 0, 20, 1), (1, 32, 40, 2))

    assert [("FOUND", 1, 0, 20), ("LOST", 1, 20, 32), ("FOUND", 1, 32, 40)] == states(pieces)


def test_what_the_source_still_has_is_late_and_what_it_has_no_longer_is_lost() -> None:
    """Behind the last piece the source decides: what it still keeps is only late."""
    pieces = some_pieces((1, 0, 20, 1))

    assert [("FOUND", 1, 0, 20), ("LATE", 1, 20, 50)] == states(pieces, tip=Tip(7, 1, held=10, end=50))
    assert [("FOUND", 1, 0, 20), ("LOST", 1, 20, 30), ("LATE", 1, 30, 50)] == states(
        pieces, tip=Tip(7, 1, held=30, end=50)
    )


def test_a_timeline_that_was_left_later_than_the_log_goes_has_a_gap_there() -> None:
    """Between the last piece of a timeline and the place where it was left, log is lost; at that place none is."""
    lineages = {1: Lineage(1), 2: Lineage(2, ((1, 25),))}

    assert ("LOST", 1, 20, 25) in states(some_pieces((1, 0, 20, 1), (2, 16, 40, 2)), lineages)
    assert "LOST" not in [each[0] for each in states(some_pieces((1, 0, 25, 1), (2, 16, 40, 2)), lineages)]


def test_from_a_base_on_every_moment_can_be_had_back() -> None:
    """A window reaches from the end of its first base to the end of the log, and names every base in it."""
    begun = bases(
        [a_snapshot("full", Span(7, 1, 4, 8), 1), a_snapshot("incremental", Span(7, 1, 20, 22), 3)], "accounts"
    )

    (window,) = windows(begun, some_pieces((1, 0, 20, 3), (1, 16, 40, 5)), FIRST)

    assert (8, 40, at(1), at(5)) == (window.begin, window.end, window.begins, window.until)
    assert 2 == len(window.bases)
    assert window.lost is None


def test_a_gap_ends_a_window_and_a_base_behind_it_begins_another() -> None:
    """Before a gap the older base leads up to it, behind it the newer one leads on; in between there is nothing."""
    begun = bases([a_snapshot("full", Span(7, 1, 4, 8), 1), a_snapshot("full", Span(7, 1, 36, 38), 6)], "accounts")

    before, behind = windows(begun, some_pieces((1, 0, 20, 3), (1, 32, 50, 8)), FIRST)

    assert (8, 20, Span(7, 1, 20, 32)) == (before.begin, before.end, before.lost)
    assert (38, 50, None) == (behind.begin, behind.end, behind.lost)
    assert at(3) == before.until


def test_a_base_leads_into_a_timeline_that_branched_off_behind_it() -> None:
    """From a base of the old timeline both ends can be had: that of the old one, and that of the new."""
    lineages = {1: Lineage(1), 2: Lineage(2, ((1, 25),))}
    begun = bases([a_snapshot("full", Span(7, 1, 4, 8), 1)], "accounts")

    found = windows(begun, some_pieces((1, 0, 30, 4), (2, 16, 60, 9)), lineages)

    assert [(1, 30), (2, 60)] == [(each.timeline, each.end) for each in found]


def test_a_base_whose_own_log_is_lost_leads_nowhere_but_to_itself() -> None:
    """A base behind which the log begins with a gap can be had back as it is, and no later moment."""
    begun = bases([a_snapshot("full", Span(7, 1, 4, 8), 1)], "accounts")

    (window,) = windows(begun, some_pieces((1, 16, 40, 4)), FIRST)

    assert (8, 8, Span(7, 1, 8, 16)) == (window.begin, window.end, window.lost)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=12))
def test_every_byte_is_either_found_or_lost_and_never_both(cut: list[tuple[int, int]]) -> None:
    """The stretches of a timeline follow one another without overlap, and the found ones are what the pieces hold."""
    pieces = some_pieces(*((1, begin, begin + size, at) for at, (begin, size) in enumerate(cut)))

    stretches = continuity(pieces, FIRST)

    assert all(one.span.end == next_.span.begin for one, next_ in pairwise(stretches))
    found = {
        place for each in stretches if each.state is State.FOUND for place in range(each.span.begin, each.span.end)
    }
    assert {place for begin, size in cut for place in range(begin, begin + size)} == found


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=12),
    st.integers(0, 80),
)
def test_a_window_never_reaches_over_a_gap(cut: list[tuple[int, int]], base: int) -> None:
    """Every byte between a base and the end of its window is in the vault."""
    pieces = some_pieces(*((1, begin, begin + size, at) for at, (begin, size) in enumerate(cut)))
    held = {place for begin, size in cut for place in range(begin, begin + size)}

    for window in windows(bases([a_snapshot("full", Span(7, 1, base, base), 0)], "accounts"), pieces, FIRST):
        assert set(range(window.begin, window.end)) <= held
        assert window.end not in held
