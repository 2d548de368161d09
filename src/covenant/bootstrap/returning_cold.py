"""What of a source lies in an archival class must be thawed before an empty machine can have it, which takes hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from covenant.bootstrap import storing
from covenant.kernel.formats import counted

if TYPE_CHECKING:
    from covenant.bootstrap.returning import Returning
    from covenant.recover.thawing import ThawPlan
    from covenant.vault.snapshot import Snapshot


def not_at_hand(this: Returning, snapshot: Snapshot) -> str:
    """Why a snapshot cannot be read yet, or ``""`` where it can be. Asks for it to be thawed, if that was said.

    A bucket that is known to archive is looked at; with ``thaw`` every one is, for its rules may be anybody's.
    """
    from covenant.recover import thawing
    from covenant.recover.job import RestoreJob

    bare = this.bare
    found = storing.archives(bare.opener, everywhere=bare.thaw is not None)
    if not found:
        return ""
    job = RestoreJob(this.opened.vault, snapshot, str(bare.target), bare.clock)
    planned = storing.thaw_plan(this.opened, job, found)
    if bare.thaw is not None and planned.frozen:
        planned = thawing.thaw(planned, found, bare.thaw, bare.thaw_days)
    return "" if planned.at_hand else _told(planned)


def _told(planned: ThawPlan) -> str:
    if planned.frozen:
        return f"{counted(len(planned.frozen), 'pack')} must be thawed first. Run it again with '--thaw standard'."
    on_their_way = counted(len(planned.thawing), "pack")
    return f"{on_their_way} are being thawed, which takes hours. Run the same command again then: it goes on."
