"""Restoring: a snapshot, or a part of it, into a folder.

The vault is only read. What cannot be restored becomes a finding, and everything else is restored all the same; a
file that is damaged is left out rather than left looking whole. Stopped or killed, the same restore run again goes
on: files that are complete are kept.
"""

from __future__ import annotations

from covenant.recover.job import RestoreJob, RestoreOutcome
from covenant.recover.preview import preview
from covenant.recover.restoring import Restoring
from covenant.recover.target import Unfinished, open_target


def restore(job: RestoreJob) -> RestoreOutcome:
    """Bring it back.

    Raises ``Refusal`` for a folder that is not empty, ``TargetError`` where nothing more can be written (a full
    disk), ``UsageError`` for a path that the snapshot does not have, and ``Interrupted`` when told to stop.
    """
    begin = job.clock.monotonic()
    this = Unfinished(job.vault.config.id, job.snapshot.id, job.path, job.strip)
    with open_target(job.target, this, into_non_empty=job.into_non_empty, make=not job.dry_run) as target:
        if job.dry_run or target is None:
            tally, findings = preview(job, target)
        else:
            target.begin(this)
            tally, findings = Restoring(job, target).run()
            target.finish(job.settings.flush)
        resumed = target is not None and target.resumed
    seconds = job.clock.monotonic() - begin
    return RestoreOutcome(job.snapshot, job.target, tally, seconds, resumed, job.dry_run, tuple(findings))
