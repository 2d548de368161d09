"""Stretches of a log are written and read alike, put together, and led through the timelines that they lie in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.spans import Lineage, Span, Way, joined, parse_place, parse_span, place_text

places = st.integers(0, (1 << 64) - 1)


@given(st.integers(0, (1 << 64) - 1), st.integers(1, 1 << 32), places, places)
def test_a_stretch_is_read_as_it_was_written(system: int, timeline: int, begin: int, end: int) -> None:
    """The text of a stretch says all of it."""
    span = Span(system, timeline, begin, end)

    assert span == parse_span(str(span))
    assert begin == parse_place(place_text(begin))


@pytest.mark.parametrize("text", ["", "7-1-0/1-0/2", "log-7-1-0/1", "log-7-1-0/1-0/G", "log-x-1-0/1-0/2"])
def test_what_is_no_stretch_is_none(text: str) -> None:
    """Another text is not taken for a stretch."""
    assert parse_span(text) is None


def test_what_touches_is_one_stretch_and_what_does_not_is_two() -> None:
    """Stretches of one timeline that touch or overlap are one; a gap, a timeline or another system parts them."""
    spans = [
        Span(7, 1, 30, 40),
        Span(7, 1, 0, 10),
        Span(7, 1, 5, 20),
        Span(7, 1, 20, 25),
        Span(7, 2, 25, 30),
        Span(8, 1, 25, 30),
    ]

    assert [Span(7, 1, 0, 25), Span(7, 1, 30, 40), Span(7, 2, 25, 30), Span(8, 1, 25, 30)] == joined(spans)


def test_the_way_to_a_timeline_leads_through_those_that_it_came_from() -> None:
    """From a place in an ancestor the way leads to where it was left, and on; a place behind that is no way at all."""
    lineage = Lineage(4, ((1, 100), (3, 200)))

    assert [Way(1, 50, 100), Way(3, 100, 200), Way(4, 200, None)] == list(lineage.way(1, 50))
    assert [Way(4, 250, None)] == list(lineage.way(4, 250))
    assert () == lineage.way(1, 150)
    assert () == lineage.way(2, 50)
