"""The newest snapshot of everything that a vault holds: of each source, and of what was kept without a name.

The newest counts even where it is dated ahead of this machine's clock: the clock of a machine that was just made may be
wrong, and an older snapshot would be lost data. Pieces of a change log are no snapshot of a whole source.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from covenant.vault.snapshot import LOG, Snapshot


def name_of(snapshot: Snapshot) -> str:
    """Its source; what was kept by hand or by restic is named by its machine and its paths."""
    return snapshot.source or f"{snapshot.hostname}:{','.join(sorted(snapshot.paths or ()))}"


def newest_of_each(snapshots: Iterable[Snapshot], at: datetime | None = None) -> dict[str, Snapshot]:
    """The newest of each, by name; ``at``: that was taken no later. Of two taken at once, always the same one."""
    newest: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        if snapshot.kind == LOG or (at is not None and snapshot.time > at):
            continue
        known = newest.get(name_of(snapshot))
        if known is None or (known.time, known.id) < (snapshot.time, snapshot.id):
            newest[name_of(snapshot)] = snapshot
    return newest
