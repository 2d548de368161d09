"""Thawing what a restore needs, and what is said of it: how much, how long, roughly what, and when to come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from covenant.bootstrap import storing
from covenant.cli import formats
from covenant.kernel.errors import Interrupted, ObjectArchived

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.cli.commands.restore import Asked
    from covenant.cli.session import Session
    from covenant.recover.job import RestoreJob
    from covenant.recover.thawing import Offer, ThawPlan

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0


def see_to_it(session: Session, asked: Asked, opened: OpenVault, job: RestoreJob) -> dict[str, Any] | None:
    """Have at hand what the restore reads; what is to be said of it, or ``None`` where nothing is archived.

    A dry run only says. Raises ``ObjectArchived`` where something must be thawed, or is not yet, and nobody waits.
    """
    from covenant.recover import thawing

    found = storing.archives(opened.opener, everywhere=asked.thaw is not None)
    if not found:
        return None
    planned = storing.thaw_plan(opened, job, found)
    if not planned.at_hand:
        _say(session, planned)
    document = _document(planned)
    if asked.dry_run or planned.at_hand:
        return document
    if asked.thaw is None and planned.frozen:
        raise _must_be_thawed(planned)
    if asked.thaw is not None:
        planned = thawing.thaw(planned, found, asked.thaw, asked.thaw_days)
        session.output.say(f"asked for {formats.counted(len(planned.thawing), 'pack')} to be thawed")
    pause = _FIRST_PAUSE
    while not planned.at_hand:
        if not asked.wait:
            raise _come_back(planned, asked)
        if job.stop.wait(pause):
            raise Interrupted("stopped while packs thaw", "They go on thawing: run it again later.")
        planned, pause = thawing.look_again(planned, found), min(_LONGEST_PAUSE, 2 * pause)
    return document


def _must_be_thawed(planned: ThawPlan) -> ObjectArchived:
    offers = "; ".join(f"'--thaw {offer.speed}' ({_offer(offer)})" for offer in planned.offers())
    return ObjectArchived(
        f"{formats.counted(len(planned.frozen), 'pack')} ({formats.size(planned.bytes)}) must be thawed first",
        f"Run it again with {offers or chr(39) + '--thaw standard' + chr(39)}. Nothing was restored yet.",
    )


def _come_back(planned: ThawPlan, asked: Asked) -> ObjectArchived:
    soonest = [offer for offer in _offers(planned) if offer.speed == asked.thaw]
    when = f" in {_hours(soonest[0])}" if soonest else " later"
    return ObjectArchived(
        f"{formats.counted(len(planned.thawing), 'pack')} are being thawed",
        f"Run the same command again{when}; it goes on where it is. With '--wait' it waits by itself.",
    )


def _offers(planned: ThawPlan) -> list[Offer]:
    from covenant.recover.thawing import ThawPlan as Plan

    return list(Plan(planned.packs, planned.thawing).offers())


def _say(session: Session, planned: ThawPlan) -> None:
    output = session.output
    if planned.frozen:
        classes = ", ".join(f"{count:,} in {kind}" for kind, count in planned.classes.items())
        output.say(
            f"{len(planned.frozen):,} of {formats.counted(planned.packs, 'pack')} must be thawed first "
            f"({classes}; {formats.size(planned.bytes)})"
        )
    for offer in planned.offers():
        output.say(f"  --thaw {offer.speed}: {_offer(offer)}")
    if planned.thawing:
        output.say(f"{formats.counted(len(planned.thawing), 'pack')} are being thawed already")


def _offer(offer: Offer) -> str:
    return f"{_hours(offer)}, roughly ${offer.dollars:,.2f}"


def _hours(offer: Offer) -> str:
    least, most = timedelta(hours=offer.least), timedelta(hours=offer.most)
    return f"{formats.age(least)} to {formats.age(most)}"


def _document(planned: ThawPlan) -> dict[str, Any]:
    offers = {
        offer.speed: {
            "seconds_at_least": offer.least * 3600,
            "seconds_at_most": offer.most * 3600,
            "dollars": offer.dollars,
        }
        for offer in planned.offers()
    }
    return {
        "packs": planned.packs,
        "frozen": len(planned.frozen),
        "thawing": len(planned.thawing),
        "bytes": planned.bytes,
        "classes": dict(planned.classes),
        "offers": offers,
    }
