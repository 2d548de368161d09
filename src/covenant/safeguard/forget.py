"""Forgetting snapshots: decided by a policy or named one by one, explained, and then carried out.

A snapshot is one small object. Forgetting deletes it and nothing else; what only it needed stays until a prune.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from covenant.kernel.errors import ObjectMissing, Refusal, SnapshotMissing, StoreDenied
from covenant.kernel.findings import Finding
from covenant.kernel.keep import Keep
from covenant.safeguard import retention
from covenant.safeguard.grouping import BY_HOST_AND_PATHS
from covenant.safeguard.rules import Reason
from covenant.vault.names import SNAPSHOTS, object_name
from covenant.vault.ports import Store, Terms
from covenant.vault.snapshot import LOG, Snapshot
from covenant.vault.vault import Vault

NAMED = Reason("named", "named to be forgotten")
UNNAMED = Reason("unnamed", "not named")
PIECE = Reason("log", "a piece of a change log: the backups that are kept decide")


@dataclass(frozen=True, slots=True)
class _AsTaken:
    """A snapshot under the wall clock where it was taken: its day and hour are those that its people know."""

    snapshot: Snapshot
    time: datetime

    @property
    def id(self) -> str:
        return self.snapshot.id

    @property
    def hostname(self) -> str:
        return self.snapshot.hostname

    @property
    def paths(self) -> Sequence[str] | None:
        return self.snapshot.paths

    @property
    def tags(self) -> Sequence[str]:
        return self.snapshot.tags


@dataclass(frozen=True, slots=True)
class Judged:
    """A snapshot, and why it stays or goes."""

    snapshot: Snapshot
    reasons: tuple[Reason, ...]

    def why(self) -> str:
        """The reasons in one line."""
        return ", ".join(map(str, self.reasons))

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        snapshot = self.snapshot
        return {
            "id": snapshot.id,
            "time": snapshot.time_,
            "hostname": snapshot.hostname,
            "paths": list(snapshot.paths or ()),
            "tags": list(snapshot.tags),
            "reasons": [asdict(reason) for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """Which snapshots stay and which go, each with its reasons. No snapshot stands on both sides."""

    at: datetime
    policy: str
    keep: tuple[Judged, ...]
    forget: tuple[Judged, ...]
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        both = {judged.snapshot.id for judged in self.keep} & {judged.snapshot.id for judged in self.forget}
        if both:
            raise Refusal(f"snapshot {min(both)[:8]} is to be kept and forgotten at once", "Make a new plan.")

    def as_json(self) -> dict[str, object]:
        """The plan as plain values; moments are in RFC 3339."""
        return {
            "at": self.at.isoformat(),
            "policy": self.policy,
            "keep": [judged.as_json() for judged in self.keep],
            "forget": [judged.as_json() for judged in self.forget],
            "findings": [asdict(finding) for finding in self.findings],
        }


def plan(
    snapshots: Iterable[Snapshot], keep: Keep, group_by: Iterable[str] = BY_HOST_AND_PATHS, *, now: datetime
) -> ForgetPlan:
    """Judge snapshots by a policy at the moment ``now``. Raises ``UsageError`` as ``retention.plan`` does.

    Pieces of a change log are not judged by it: what of a log is needed, the backups that are kept decide (``logs``).
    """
    snapshots = list(snapshots)
    pieces = [Judged(snapshot, (PIECE,)) for snapshot in snapshots if snapshot.kind == LOG]
    states = (snapshot for snapshot in snapshots if snapshot.kind != LOG)
    taken = [_AsTaken(snapshot, datetime.fromisoformat(snapshot.time_)) for snapshot in states]
    decided = retention.plan(taken, keep, at=now, group_by=group_by)
    unkept = Reason("none", f"no rule keeps it: {decided.policy}")
    return ForgetPlan(
        at=decided.at,
        policy=decided.policy,
        keep=(*(Judged(kept.candidate.snapshot, kept.reasons) for kept in decided.keep), *pieces),
        forget=tuple(Judged(gone.snapshot, (unkept,)) for gone in decided.forget),
        findings=decided.findings,
    )


def plan_named(snapshots: Iterable[Snapshot], ids: Iterable[str], *, now: datetime) -> ForgetPlan:
    """Forget the snapshots with these full ids, and no other. Raises ``SnapshotMissing`` for an id that is not there.

    Ids that people type are found with ``Vault.find_snapshot`` first.
    """
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    named = dict.fromkeys(ids)
    for snapshot_id in named:
        if snapshot_id not in by_id:
            raise SnapshotMissing(f"no snapshot {snapshot_id[:8]}", "List them with 'covenant snapshots'.")
    return ForgetPlan(
        at=now,
        policy="",
        keep=tuple(Judged(snapshot, (UNNAMED,)) for snapshot in by_id.values() if snapshot.id not in named),
        forget=tuple(Judged(by_id[snapshot_id], (NAMED,)) for snapshot_id in named),
    )


def around(decided: ForgetPlan, terms: Terms) -> ForgetPlan:
    """The same plan without what the store lets nobody delete yet: that stays, and says until when.

    One that a person named is a finding as well.
    """
    held, going, findings = [], [], []
    for judged in decided.forget:
        name = object_name(SNAPSHOTS, judged.snapshot.id)
        until = terms.term(name)
        if until is None:
            going.append(judged)
            continue
        text = f"immutable until {until:%Y-%m-%d %H:%M:%S}"
        held.append(Judged(judged.snapshot, (Reason("immutable", text),)))
        if NAMED in judged.reasons:
            findings.append(Finding("snapshot-immutable", name, text, "Forget it when its term has passed."))
    return replace(
        decided,
        keep=(*decided.keep, *held),
        forget=tuple(going),
        findings=(*decided.findings, *findings),
    )


def apply(decided: ForgetPlan, vault: Vault, store: Store) -> int:
    """Delete the snapshots that the plan forgets, under the exclusive lock; returns how many were still there.

    Stopped halfway, it is simply applied again. Raises ``StoreDenied`` once the others are gone, if the store refused
    to let any of them go.
    """
    kept = {judged.snapshot.id for judged in decided.keep}
    there = set(vault.snapshot_ids()) - kept
    deleted, refusals = 0, list[StoreDenied]()
    for judged in decided.forget:
        if judged.snapshot.id in there:
            try:
                store.delete(object_name(SNAPSHOTS, judged.snapshot.id))
                deleted += 1
            except ObjectMissing:
                continue  # gone is what it was to be
            except StoreDenied as refusal:
                refusals.append(refusal)
    if refusals:
        raise StoreDenied(f"{len(refusals)} snapshots stay: {refusals[0].message}", refusals[0].hint)
    return deleted
