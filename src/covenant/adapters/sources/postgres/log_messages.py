"""The messages of streaming replication, and the clock that they tell the time by.

    offset  length  from the server: log         from the server: sign of life   from us: status
    0       1       ``w``                        ``k``                           ``r``
    1       8       where the bytes begin        where the log ends              received up to
    9       8       where the log ends           clock                           durable up to
    17      8       clock                        1: answer at once (1 byte)      applied up to
    25      …       bytes of the log                                             clock (25), 1: answer at once (33)

Numbers are big-endian; clocks are microseconds since 2000. (PostgreSQL manual, "Streaming Replication Protocol")
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from covenant.vault.ports import Buffer

LOG, SIGN_OF_LIFE = ord("w"), ord("k")
BYTES_AT = 25

_LOG = struct.Struct(">xQQq")
_SIGN_OF_LIFE = struct.Struct(">xQqB")
_STATUS = struct.Struct(">cQQQqB")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def parse_log(message: Buffer) -> tuple[int, int, datetime]:
    """Where the bytes of a ``w`` begin, where the server's log ended when it was sent, and when that was."""
    begin, end, clock = _LOG.unpack_from(message)
    return begin, end, moment(clock)


def wants_answer(message: Buffer) -> bool:
    """Whether the server asks with a ``k`` to hear from us at once."""
    return bool(_SIGN_OF_LIFE.unpack_from(message)[2])


def status(received: int, durable: int, now: datetime) -> bytes:
    """What we tell the server; it may let go of everything before ``durable``."""
    return _STATUS.pack(b"r", received, durable, 0, (now - _EPOCH) // timedelta(microseconds=1), 0)


def moment(clock: int) -> datetime:
    """A clock's reading as a moment."""
    return _EPOCH + timedelta(microseconds=clock)
