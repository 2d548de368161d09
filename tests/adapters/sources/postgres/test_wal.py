"""The names of the log's files, and what their first bytes say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.marks import Marks
from covenant.adapters.sources.postgres.proving import Tail
from covenant.adapters.sources.postgres.wal import (
    Segment,
    history_name,
    parse_header,
    parse_history,
    parse_history_name,
    parse_segment,
    segment_at,
)
from covenant.adapters.sources.postgres.watching import Health, trouble
from covenant.kernel.errors import Refusal, SourceError
from covenant.kernel.spans import Lineage, parse_place
from tests.recover.test_continuity import at
from tests.servers.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

sizes = st.sampled_from([1 << 20, 16 << 20, 64 << 20, 1 << 30])


@given(st.integers(1, 1 << 31), st.integers(0, (1 << 63) - 1), sizes)
def test_a_segments_name_says_where_it_lies(timeline: int, place: int, size: int) -> None:
    """From the name of the file in which a place lies, its beginning is found again, whatever the size of files."""
    segment = segment_at(timeline, place, size)

    assert segment == parse_segment(segment.name, size)
    assert segment.begin <= place < segment.end == segment.next.begin


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("0/1000000", "000000010000000000000001"),
        ("2/7A000148", "00000001000000020000007A"),
        ("FF/FFFFFFFE", "00000001000000FF000000FF"),
    ],
)
def test_segments_are_named_as_the_server_names_them(postgres_server: PostgresServer, place: str, name: str) -> None:
    """Our arithmetic is the server's own."""
    assert [(name,)] == postgres_server.run(f"SELECT pg_walfile_name('{place}'::pg_lsn + 1)")
    assert name == segment_at(1, parse_place(place)).name


@pytest.mark.parametrize(
    "name", ["00000002.history", "000000010000000000000001.partial", "00000001000000000000000g", ""]
)
def test_other_files_are_no_segments(name: str) -> None:
    """A history, an unfinished file or anything else is not taken for a segment."""
    assert parse_segment(name) is None


def test_a_segments_first_bytes_say_whose_it_is(postgres_server: PostgresServer) -> None:
    """The server's number, the timeline and the place are read from a file of the server's own."""
    [(system, name)] = postgres_server.run(
        "SELECT system_identifier, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()"
    )
    with (postgres_server.data / "pg_wal" / name).open("rb") as file:
        head = file.read(64)

    header = parse_header(head, name)

    assert (system, name) == (header.system % (1 << 63), header.segment.name)
    with pytest.raises(SourceError):
        parse_header(head[::-1], name)
    with pytest.raises(SourceError):
        parse_header(b"", name)


def test_a_history_lists_the_ancestors() -> None:
    """Each line is a timeline and where it was left; what makes no sense is refused."""
    text = "1\t0/5000028\tno recovery target specified\n\n# a remark\n2\t1/AB000000\tbefore 2026-11-25\n"

    assert Lineage(3, ((1, 0x5000028), (2, 0x1AB000000))) == parse_history(3, text)
    assert 3 == parse_history_name(history_name(3))
    with pytest.raises(ValueError, match="timeline 3"):
        parse_history(3, "one 0/5000028")


def test_a_log_is_complete_up_to_a_moment_only_when_all_of_that_moment_is_here() -> None:
    """While more is under way, the moment stays that of what is here; it never runs ahead."""
    marks = Marks()
    marks.add(100, at(1), at(1))
    marks.add(200, at(2), at(2))

    marks.reached(99)
    before = marks.until
    marks.reached(150)

    assert before is None
    assert at(1) == marks.until


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_the_moment_is_never_later_than_what_is_here(steps: list[tuple[int, int]]) -> None:
    """Whatever comes in whatever steps, everything that was logged by the moment is here."""
    marks, ends, end, here = Marks(), list[int](), 0, 0
    for minute, (logged, received) in enumerate(steps):
        end += logged
        here = min(end, here + received)
        ends.append(end)
        marks.add(end, at(minute), at(minute))
        marks.reached(here)
        if marks.until is not None:
            assert ends[int((marks.until - at(0)).total_seconds() // 60)] <= here


@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(1, 20))
def test_the_end_of_the_kept_log_is_compared_and_what_follows_given(kept: bytes, more: bytes, size: int) -> None:
    """However the server cuts what it sends, what is kept must be the same, and exactly what follows comes out."""
    tail, sent, given = Tail("accounts", 100, kept), kept + more, bytearray()

    for offset in range(0, len(sent), size):
        given += tail.compared(100 + offset, sent[offset : offset + size])

    assert more == bytes(given)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 20))
def test_a_server_with_other_bytes_is_refused(kept: bytes, place: int, size: int) -> None:
    """One byte that is not as it was kept is noticed, wherever it is."""
    place %= len(kept)
    tail, sent = Tail("accounts", 100, kept), kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :]

    begin = place - place % size
    with pytest.raises(Refusal, match="another log"):
        tail.compared(100 + begin, sent[begin : begin + size])


@pytest.mark.parametrize(
    ("status", "room", "told"),
    [
        ("reserved", None, ""),
        ("reserved", 900, ""),
        ("extended", 499, "slot-narrow"),
        ("extended", 199, "slot-scarce"),
        ("unreserved", 0, "slot-scarce"),
        ("lost", None, "slot-lost"),
        ("missing", None, "slot-missing"),
    ],
)
def test_a_slot_that_runs_short_is_told_long_before_it_is_lost(status: str, room: int | None, told: str) -> None:
    """From half of its room on a slot is a finding, from a fifth on an urgent one; a slot without a bound is none."""
    health = Health("s", at(1), 2000, status, restart=1000, room=room, most=1000 if room is not None else None)

    finding = trouble(health)

    assert told == (finding.kind if finding else "")


def test_a_segment_of_another_size_has_another_number() -> None:
    """The same name means another place where files have another size."""
    assert Segment(1, 5 << 20, 1 << 20) == parse_segment("000000010000000000000005", 1 << 20)
    assert Segment(1, 80 << 20) == parse_segment("000000010000000000000005")
