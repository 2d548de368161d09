"""The end of a log: the beginning of one record may be left there, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.tail import unfinished
from covenant.adapters.sources.postgres.wal import parse_segment

PAGE, SEGMENT = 8192, 65536
FIRST = SEGMENT + 40
"""Where the first record begins: behind the long header of a segment's first page."""


class Log:
    """Records laid out as PostgreSQL does: aligned to 8 bytes, interrupted by the headers of pages."""

    def __init__(self, lengths: list[int]) -> None:
        self.bytes = bytearray(4 * SEGMENT)
        self.ends = [FIRST]
        self.whole = [FIRST]
        for length in lengths:
            self.whole.append(self._lay(self.ends[-1], length.to_bytes(4, "little") + b"r" * (length - 4)))
            self.ends.append(-(-self.whole[-1] // 8) * 8)

    def _lay(self, at: int, record: bytes) -> int:
        while record:
            at = self._behind_header(at)
            room = min(PAGE - at % PAGE, len(record))
            self.bytes[at : at + room] = record[:room]
            record, at = record[room:], at + room
        return at

    def _behind_header(self, at: int) -> int:
        if at % PAGE:
            return at
        header = 24 if at % SEGMENT else 40
        self.bytes[at : at + header] = b"h" * header
        return at + header

    def read_up_to(self, end: int) -> Callable[[str], bytes | None]:
        """Gives segments of the log as it was sealed at a place: zeros behind it."""

        def read(name: str) -> bytes | None:
            segment = parse_segment(name, SEGMENT)
            assert segment is not None
            sealed = bytes(self.bytes[segment.begin : min(segment.end, end)])
            return sealed.ljust(SEGMENT, b"\0") if sealed else None

        return read


lengths = st.lists(st.integers(24, 20_000), min_size=1, max_size=8)


@given(lengths, st.data())
def test_what_was_cut_off_in_the_middle_of_a_record_is_whole(sizes: list[int], data: st.DataObject) -> None:
    """Sealed at any byte, a log that was replayed to its last whole record was replayed as far as it goes."""
    log = Log(sizes)
    end = data.draw(st.integers(FIRST, log.ends[-1]))
    replayed = max(place for place, whole in zip(log.ends, log.whole, strict=True) if whole <= end)

    assert unfinished(log.read_up_to(end), 1, replayed, end, SEGMENT)


@given(lengths, st.data())
def test_a_whole_record_that_was_left_is_seen(sizes: list[int], data: st.DataObject) -> None:
    """Where even one whole record was not replayed, something was passed over."""
    log = Log(sizes)
    stopped = data.draw(st.integers(0, len(sizes) - 1))
    end = data.draw(st.integers(log.whole[stopped + 1], log.ends[-1]))

    assert not unfinished(log.read_up_to(end), 1, log.ends[stopped], end, SEGMENT)
