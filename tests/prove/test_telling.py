"""A drill's record as text, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.answers import Result
from covenant.kernel.errors import DamageError
from covenant.prove.record import DrillRecord, Level
from covenant.prove.telling import from_json, to_json

instants = st.integers(0, 1 << 31).map(lambda second: datetime.fromtimestamp(second, UTC))
records = st.builds(DrillRecord, began_at=instants, ended_at=instants, due_at=st.none() | instants)


@given(records)
def test_a_record_comes_back_as_it_was(record: DrillRecord) -> None:
    """Whatever a drill came to, its text says all of it."""
    assert record == from_json(to_json(record))


def a_record() -> DrillRecord:
    """A drill over nothing."""
    noon = datetime(2026, 11, 25, 12, tzinfo=timezone(timedelta(hours=1)))
    return DrillRecord(id="d1", level=Level.MONTHLY, began_at=noon, ended_at=noon + timedelta(minutes=2))


def test_the_text_says_what_it_came_to() -> None:
    """A program that only wants to know need not judge by itself."""
    assert Result.COULD_NOT_VERIFY == json.loads(to_json(a_record()))["result"]


def test_what_a_later_version_adds_is_passed_over() -> None:
    """A record with a field that is not known here is read all the same."""
    written = json.loads(to_json(a_record()))
    written["drill"]["weather"] = "fair"

    assert a_record() == from_json(json.dumps(written))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 2, "drill": {}}', '{"version": 1, "drill": {"id": 1}}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    """Nothing is made up for a text that is damaged, or newer than this program."""
    with pytest.raises(DamageError):
        from_json(text)


def test_a_name_that_is_no_utf_8_keeps_no_record_from_being_kept() -> None:
    """A file may be called anything; its odd bytes are written down by their number."""
    record = replace(a_record(), why_not="caf\udce9.raw is damaged")

    assert "caf\\udce9.raw is damaged" == from_json(to_json(record)).why_not
