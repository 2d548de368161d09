"""What a count of copies is to the catalog, from which ``covenant status`` and the alerts know of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from covenant.catalog.records import Copies
from covenant.replicate.census import Census


def copies_of(census: Census, vault: str, at: datetime) -> Iterator[Copies]:
    """Each region of a vault as it was counted at that moment."""
    for each in census.standings:
        yield Copies(
            vault=vault,
            region=each.region,
            at=at,
            reachable=each.reached and each.member,
            objects=each.objects,
            bytes=each.bytes,
            missing=each.missing,
            damaged=each.damaged,
            missing_since=each.oldest_missing,
        )
