"""The end of a log: whether what was not replayed could have been.

A log is sealed at any byte, often in the middle of a record. Behind the last record that was replayed there may then
be the beginning of one more, which nobody committed as far as this log can tell. Anything else that was left there was
passed over, and must not be.

    offset  length
    0       4       length of the whole record, little-endian; pages of 8 KiB interrupt it with a header
    (page)  24      header of a page; 40 bytes on the first page of a segment

(PostgreSQL, ``xlogrecord.h`` and ``xlog_internal.h``)
"""

from __future__ import annotations

from collections.abc import Callable

from covenant.adapters.sources.postgres.wal import segment_at

_PAGE = 8192
_HEADER, _LONG_HEADER = 24, 40
_ALIGNED = 8
_LENGTH = 4


def unfinished(read: Callable[[str], bytes | None], timeline: int, place: int, end: int, size: int) -> bool:
    """Whether between ``place``, where replaying ended, and the log's ``end`` is at most one record's beginning.

    ``read`` gives a segment by its name; ``size`` is that of a segment. Raises what ``read`` raises.
    """
    begin = _behind_header(-(-place // _ALIGNED) * _ALIGNED, size)
    if begin + _LENGTH > end:
        return True
    segment = segment_at(timeline, begin, size)
    content = read(segment.name)
    if content is None:
        return False
    at = begin - segment.begin
    length = int.from_bytes(content[at : at + _LENGTH], "little")
    if length == 0:
        return not any(content[at : min(end, segment.end) - segment.begin]) and end <= segment.end
    return _room(begin, end, size) < length


def _behind_header(place: int, size: int) -> int:
    """Where a record begins that follows a place: behind the page's header, if a page begins there."""
    if place % _PAGE:
        return place
    return place + (_HEADER if place % size else _LONG_HEADER)


def _room(begin: int, end: int, size: int) -> int:
    """How many bytes of records lie between two places, without the headers of the pages that begin there."""
    room, at = 0, begin
    while at < end:
        page_end = at - at % _PAGE + _PAGE
        room += min(page_end, end) - at
        at = _behind_header(page_end, size)
    return room
