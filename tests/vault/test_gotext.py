"""Names and times as Go writes them."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from covenant.kernel.errors import DamageError
from covenant.vault.gotext import json_text, quoted_name, time_nanoseconds, time_text, unquoted_name


@given(st.binary(min_size=1, max_size=40))
@example("\U00040000".encode())
def test_any_file_name_survives(raw: bytes) -> None:
    """Whatever bytes a file system holds come back from the vault's text."""
    name = os.fsdecode(raw)

    assert name == unquoted_name(json.loads(quoted_name(name)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain name-1.jpg", '"plain name-1.jpg"'),
        ('say "hi"', r'"say \\\"hi\\\""'),
        ("back\\slash", r'"back\\\\slash"'),
        ("tab\tnew\n", r'"tab\\tnew\\n"'),
        ("\udcff\x01", r'"\\xff\\x01"'),
        ("ümlaut–💾", '"ümlaut–💾"'),
        ("a<b>&c", r'"a\u003cb\u003e\u0026c"'),
        ("\u2028\u00a0", r'"\\u2028\\u00a0"'),
        ("\U000e0001", r'"\\U000e0001"'),
    ],
)
def test_names_are_quoted_as_go_does(name: str, text: str) -> None:
    """The texts were taken from trees that restic 0.14 wrote."""
    assert text == quoted_name(name)


def test_other_text_loses_only_what_is_not_unicode() -> None:
    """Users, groups and link targets are plain JSON; stray bytes become the replacement character."""
    assert '"a\ufffdb"' == json_text("a\udcffb")


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9))
def test_every_instant_survives(nanoseconds: int) -> None:
    """Times come back to the nanosecond, from the year 1 to 9999."""
    assert nanoseconds == time_nanoseconds(time_text(nanoseconds))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (-70_000_000_000 * 10**9, "0001-01-01T00:00:00Z"),
        (10**21, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_have_no_closing_zeros_and_stay_within_four_digit_years(nanoseconds: int, text: str) -> None:
    """As Go's RFC3339Nano, clamped where JSON could not hold the year."""
    assert text == time_text(nanoseconds)


def test_zones_are_understood() -> None:
    """restic records local time; it is the same instant."""
    utc = time_nanoseconds("2023-11-14T22:13:20.5Z")

    assert utc == time_nanoseconds("2023-11-14T23:13:20.5+01:00")
    assert utc == time_nanoseconds("2023-11-14T16:43:20.5-05:30")


@pytest.mark.parametrize("text", ["", "yesterday", "2023-13-01T00:00:00Z", "2023-11-14 22:13:20Z"])
def test_what_is_no_time_is_damage(text: str) -> None:
    """A hostile snapshot gets an error of ours."""
    with pytest.raises(DamageError):
        time_nanoseconds(text)
