"""Taking a tar apart as it arrives: headers are read, contents are passed on without being gathered.

    offset  bytes   (all numbers are octal text, or base 256 where the first bit is set)
    0       100     name                        136     12      time of modification, seconds since 1970
    100     8       mode                        148     8       sum of the header's bytes, these eight as spaces
    108     8       uid                         156     1       '0' file, '5' directory, '2' symbolic link
    116     8       gid                         157     100     where a link points
    124     12      size                        265, 297  32    user, group

Contents are padded to 512 bytes; two blocks of zeros end it. (POSIX.1-1988 "ustar", as PostgreSQL writes it)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError
from covenant.vault.ports import Buffer

_BLOCK = 512
_KINDS = {0x30: "file", 0x00: "file", 0x35: "dir", 0x32: "symlink"}


class Member(NamedTuple):
    """One entry. ``content`` must be taken before the next entry is."""

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    user: str
    group: str
    mtime: int
    size: int
    content: Iterator[Buffer]


def members(data: Iterator[Buffer]) -> Iterator[Member]:
    """The entries of a tar. Raises ``DamageError`` where it is none, or ends too early."""
    stream = _Stream(data)
    while (header := stream.exactly(_BLOCK)).strip(b"\0"):
        member = _member(header, stream)
        yield member
        for _ in member.content:
            pass
        stream.exactly(-member.size % _BLOCK)
    for _ in data:
        pass


class _Stream:
    """Bytes that come in pieces of any length."""

    def __init__(self, data: Iterator[Buffer]) -> None:
        self._data = data
        self._rest = memoryview(b"")

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes, gathered."""
        return b"".join(bytes(view) for view in self.stretch(size))

    def stretch(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes, as they come."""
        while size:
            if not self._rest:
                piece = next(self._data, None)
                if piece is None:
                    raise DamageError("the server's tar ended in the middle of a file", "Run the backup again.")
                self._rest = memoryview(piece)
            view, self._rest = self._rest[:size], self._rest[size:]
            size -= len(view)
            yield view


def _member(header: bytes, stream: _Stream) -> Member:
    kind = _KINDS.get(header[156])
    if kind is None or _sum(header) != _number(header[148:156]):
        raise DamageError("a header of the server's tar is not whole", "Run the backup again.")
    size = _number(header[124:136]) if kind == "file" else 0
    return Member(
        name=_text(header[:100]),
        kind=kind,
        mode=_number(header[100:108]) & 0o7777,
        uid=_number(header[108:116]),
        gid=_number(header[116:124]),
        user=_text(header[265:297]),
        group=_text(header[297:329]),
        mtime=_number(header[136:148]),
        size=size,
        content=stream.stretch(size),
    )


def _sum(header: bytes) -> int:
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:])
    try:
        return int(field.strip(b"\0 ") or b"0", 8)
    except ValueError as error:
        raise DamageError("a number in the server's tar is none", "Run the backup again.") from error


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode(errors="surrogateescape")
