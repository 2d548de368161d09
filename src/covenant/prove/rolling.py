"""Rolling verification, decided: which copies are read back next, so that each is read within the promised time.

The problem: a region holds very many objects that come and go, and to read them all may take days. Each must be read
again no later than ``within`` after it was last read, or first seen; the reading shall be spread evenly; and whoever
reads is away now and then.

So each copy shall be read four fifths of ``within`` after its last moment; the rest is for outages. The *pace* is the
least steady rate at which all of them are read by then: of all moments to come, the largest quotient of the bytes that
shall be read until then and the time that is left. Read at this pace, the oldest first, and it does not grow but by
what is new; what is let go only lowers it; after an outage it is higher by itself.

Having been written verifies nothing: a new copy is *unread* from when it was first seen. One that was found damaged is
read again each time, until it was healed. One in an archival class cannot be read before it is thawed: nothing is
promised of it, and it is never called proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple

WITHIN = timedelta(days=30)
"""The time within which everything is read back, where nothing is said."""

_AIM = 0.8
_GRAINS = 500


class State(IntEnum):
    """What the last look at a copy came to. Of two looks at one moment the graver counts."""

    UNREAD = 0
    ARCHIVED = 1
    WHOLE = 2
    DAMAGED = 3


class Copy(NamedTuple):
    """One object in one region. ``at`` is the Unix second of the last look, or of when it was first seen."""

    name: str
    size: int
    at: int
    state: State


def pace(copies: Iterable[Copy], now: datetime, within: timedelta) -> float:
    """The least steady rate, in bytes a second, at which every copy is read when it shall be.

    Moments are taken together in grains of a five-hundredth of ``within``; what shall be read sooner is spread over
    one. Read so much of the oldest, and the pace of what is left is no higher.
    """
    aim, grain = _AIM * within.total_seconds(), max(1.0, within.total_seconds() / _GRAINS)
    shall = Counter[int]()
    for copy in copies:
        shall[int((copy.at + aim) // grain)] += copy.size
    until, rate = 0, 0.0
    for number in sorted(shall):
        until += shall[number]
        rate = max(rate, until / max(grain, number * grain - now.timestamp()))
    return rate


def chosen(copies: Iterable[Copy], now: datetime, within: timedelta, budget: float) -> tuple[Copy, ...]:
    """What is read next, the oldest first: at least ``budget`` bytes of it, if there is as much.

    Whatever ``budget`` says, also every copy whose time has come, and every damaged one. No more is held in memory at
    once than is chosen.
    """
    time_has_come = now.timestamp() - _AIM * within.total_seconds()
    heap: list[tuple[int, Copy]] = []
    must, size = list[Copy](), 0
    for copy in copies:
        size += copy.size
        if copy.at <= time_has_come or copy.state is State.DAMAGED:
            must.append(copy)
        else:
            heappush(heap, (-copy.at, copy))
        while heap and size - heap[0][1].size >= budget:
            size -= heappop(heap)[1].size
    return tuple(sorted((*must, *(copy for _, copy in heap)), key=in_turn))


def in_turn(copy: Copy) -> tuple[int, str]:
    """Sorts copies in the order in which they are read."""
    return copy.at, copy.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How far one region is proved. Sizes are bytes; ``read_*`` counts what was read whole within the promised time.

    ``oldest`` is the moment since which the copy waits that waits longest, damaged and archived ones apart: when it was
    last read, or first seen. Of a region that did not answer the numbers are those of when it last did, but for ``at``.
    """

    region: str
    at: datetime
    reached: bool = True
    objects: int = 0
    bytes: int = 0
    read_objects: int = 0
    read_bytes: int = 0
    damaged: int = 0
    archived: int = 0
    oldest: datetime | None = None

    @property
    def share(self) -> float:
        """How much of the region's bytes is proved, from 0 to 1. Of nothing, all."""
        return self.read_bytes / self.bytes if self.bytes else 1.0 if self.read_objects == self.objects else 0.0


def account(region: str, copies: Iterable[Copy], now: datetime, within: timedelta) -> Account:
    """Count how far a region is proved."""
    since = now.timestamp() - within.total_seconds()
    objects = size = read_objects = read_size = damaged = archived = 0
    oldest: int | None = None
    for copy in copies:
        objects += 1
        size += copy.size
        if copy.state is State.DAMAGED:
            damaged += 1
            continue
        if copy.state is State.ARCHIVED:
            archived += 1
            continue
        oldest = copy.at if oldest is None else min(oldest, copy.at)
        if copy.state is State.WHOLE and copy.at >= since:
            read_objects += 1
            read_size += copy.size
    return Account(
        region=region,
        at=now,
        objects=objects,
        bytes=size,
        read_objects=read_objects,
        read_bytes=read_size,
        damaged=damaged,
        archived=archived,
        oldest=None if oldest is None else datetime.fromtimestamp(oldest, UTC),
    )
