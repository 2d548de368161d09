"""Places in the write-ahead log: how PostgreSQL writes them, and the names of the files that they lie in."""

from __future__ import annotations

SEGMENT = 16 << 20
"""The usual size of a WAL file; the server says its own as ``wal_segment_size``."""


def parse_lsn(text: str) -> int:
    """``2/7A000148`` as bytes since the beginning of the log. Raises ``ValueError``."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(lsn: int) -> str:
    """The other way round."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def segment_name(timeline: int, lsn: int, size: int = SEGMENT) -> str:
    """The name of the WAL file that the byte at ``lsn`` lies in."""
    number, per_log = lsn // size, (1 << 32) // size
    return f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}"
