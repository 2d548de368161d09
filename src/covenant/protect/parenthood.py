"""Which snapshot a backup builds on: that of the same source, last or last full, as its kind asks."""

from __future__ import annotations

from collections.abc import Iterable

from covenant.vault.snapshot import LOG, Snapshot

KINDS = ("full", "incremental", "differential", "archive")
WHOLE = ("full", "archive")
"""What trusts no parent: an archive is a full backup that is kept by rules of its own."""


def choose_parent(
    kind: str, snapshots: Iterable[Snapshot], *, source: str, hostname: str, paths: tuple[str, ...]
) -> Snapshot | None:
    """The newest snapshot that this backup may take unchanged files from, or ``None``.

    A full backup and an archive trust nothing and have no parent; an incremental builds on the last of any kind; a
    differential on the last of those two. A piece of a change log is no state, and nobody's parent.
    """
    if kind in WHOLE:
        return None
    fitting = [
        snapshot
        for snapshot in snapshots
        if _same_source(snapshot, source, hostname, paths)
        and snapshot.kind != LOG
        and (kind == "incremental" or snapshot.kind in WHOLE)
    ]
    return max(fitting, key=lambda snapshot: snapshot.time, default=None)


def _same_source(snapshot: Snapshot, source: str, hostname: str, paths: tuple[str, ...]) -> bool:
    if source:
        return snapshot.source == source
    return snapshot.hostname == hostname and sorted(snapshot.paths or ()) == sorted(paths)
