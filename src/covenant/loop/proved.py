"""How far the regions of a vault are proved, beside the time in which that was promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from covenant.kernel.durations import format_interval
from covenant.kernel.policy import VaultPolicy
from covenant.kernel.standing import Because, RegionStanding, Verdict
from covenant.prove.rolling import Account

_LATE = 0.9
"""Whoever reads at the right pace has read everything after four fifths of the time; after this part it is late."""

_HINT = "Run 'covenant verify --due'; 'covenant runs' says what became of the daemon's own reading."


def with_proof(region: RegionStanding, account: Account | None) -> RegionStanding:
    """A region, and how far it is proved as last counted."""
    if account is None:
        return region
    return replace(
        region,
        proved=account.share,
        proved_since=account.oldest,
        archived=account.archived,
        unsound=account.damaged,
    )


def verify_reasons(
    promised: VaultPolicy, regions: Sequence[RegionStanding], begun: datetime | None, now: datetime
) -> Iterator[Because]:
    """Why the promise to read everything back is not plainly kept. ``begun`` is when the first byte was kept."""
    if promised.verify_within is None:
        return
    within = promised.verify_within.value
    for region in regions:
        if region.unsound and not region.damaged:  # which says the same of a copy that can be healed
            yield _unsound(region, alone=len(regions) == 1)
        since = begun if region.proved is None else region.proved_since
        if since is not None and now - since > _LATE * within:
            yield _late(region, since, within, now)
        elif region.proved is None:
            yield Because("verify", Verdict.WAITING, f"region {region.region} was never read back yet")


def _unsound(region: RegionStanding, *, alone: bool) -> Because:
    copies = "copy that is" if region.unsound == 1 else "copies that are"
    text = f"region {region.region} holds {region.unsound:,} {copies} damaged, as reading back showed"
    if alone:
        hint = "Run 'covenant check --read-data' to see what it costs; there is no other copy."
        return Because("verify", Verdict.BROKEN, text, hint)
    return Because("verify", Verdict.AT_RISK, text, "Run 'covenant region heal'.")


def _late(region: RegionStanding, since: datetime, within: timedelta, now: datetime) -> Because:
    waits, broken = timedelta(seconds=int((now - since).total_seconds())), now - since > within
    what = "was never read back," if region.proved is None else "holds what was not read back for"
    text = f"region {region.region} {what} {format_interval(waits)}, promised at most {format_interval(within)}"
    return Because(
        "verify", Verdict.BROKEN if broken else Verdict.AT_RISK, text, _HINT, since + within if broken else None
    )
