"""Past drills, as far as the trend needs them: read from their records without building all that these hold.

A report looks back on thousands of drills, and shows of each when it was, how its sources stood to their RTO, and what
it was judged to be when it was held.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from covenant.kernel.answers import Result
from covenant.kernel.errors import DamageError
from covenant.prove.record import DrillRecord, Level, Measured


class PastSource(msgspec.Struct, frozen=True, gc=False):
    """A source of a past drill."""

    source: str
    rto: Measured


class Past(msgspec.Struct, frozen=True, gc=False):
    """A past drill."""

    id: str
    level: Level
    began_at: datetime
    ended_at: datetime
    sources: tuple[PastSource, ...] = ()
    result: Result = Result.COULD_NOT_VERIFY

    @property
    def share(self) -> float | None:
        """How much of its RTO the slowest source took; ``None`` where none was measured."""
        known = (source.rto for source in self.sources if source.rto.promised)
        shares = [rto.reached / rto.promised for rto in known if rto.reached is not None]
        return max(shares, default=None)


class _Written(msgspec.Struct, gc=False):
    drill: Past
    result: Result


_decoder = msgspec.json.Decoder(_Written)


def read_past(text: str) -> Past:
    """A past drill from its record (``prove.telling``). Raises ``DamageError``."""
    try:
        written = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise DamageError(f"the record of a drill is not readable: {error}") from error
    return msgspec.structs.replace(written.drill, result=written.result)


def past_of(record: DrillRecord) -> Past:
    """A drill among the past ones."""
    sources = tuple(PastSource(each.source, each.rto) for each in record.sources)
    return Past(record.id, record.level, record.began_at, record.ended_at, sources, record.result)
