"""How long, as people write it: lengths of time and stretches of the calendar."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.durations import Span, format_interval, parse_interval, parse_span

counts = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("4h", timedelta(hours=4)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("30m1h", timedelta(minutes=90)),
        ("0s", timedelta()),
    ],
)
def test_an_interval_is_read(text: str, length: timedelta) -> None:
    """Every unit counts what it is called, in any order."""
    assert length == parse_interval(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1y5m7d2h", Span(years=1, months=5, days=7, hours=2)),
        ("7d", Span(days=7)),
        ("12m", Span(months=12)),
        ("2h1y", Span(years=1, hours=2)),
    ],
)
def test_a_span_is_read(text: str, span: Span) -> None:
    """A span is written as restic writes it, where ``m`` is a month."""
    assert span == parse_span(text)


@pytest.mark.parametrize("text", ["", "h", "4", "4 h", "-4h", "4h!", "4h3", "1.5h", "٣h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Text of any other form is refused, and the message shows a form that is right."""
    with pytest.raises(ValueError, match="not a duration like"):
        parse_interval(text)
    with pytest.raises(ValueError, match="not a duration like"):
        parse_span(text)


def test_a_unit_that_belongs_to_the_other_kind_is_refused() -> None:
    """Years have no fixed length, and no span is finer than an hour."""
    with pytest.raises(ValueError, match="'y' in '1y' is no unit here"):
        parse_interval("1y")
    with pytest.raises(ValueError, match="'s' in '3s' is no unit here"):
        parse_span("3s")


def test_a_unit_named_twice_is_refused() -> None:
    """Two counts of one unit are a slip, and adding them up would hide it."""
    with pytest.raises(ValueError, match="names 'h' twice"):
        parse_interval("1h2h")


def test_a_count_beyond_all_reason_is_refused() -> None:
    """A count that would overflow is refused by our message, not by an arithmetic error."""
    with pytest.raises(ValueError, match="longer than anything is kept"):
        parse_interval("99999999999999999999d")


@given(st.integers(0, 10**9))
def test_an_interval_reads_what_it_writes(seconds: int) -> None:
    """Writing a length and reading it back gives the same length."""
    length = timedelta(seconds=seconds)

    assert length == parse_interval(format_interval(length))


def test_an_interval_is_written_as_people_would() -> None:
    """Weeks are used only where nothing is left over."""
    assert "2w" == format_interval(timedelta(days=14))
    assert "10d" == format_interval(timedelta(days=10))
    assert "1h30m" == format_interval(timedelta(minutes=90))
    assert "0s" == format_interval(timedelta())


@given(st.builds(Span, counts, counts, counts, counts))
def test_a_span_reads_what_it_writes(span: Span) -> None:
    """Writing a span and reading it back gives the same span."""
    assert span == parse_span(str(span))
