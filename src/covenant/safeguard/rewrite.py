"""Dropping paths from past snapshots: what should never have been kept is in none of them any more.

A changed snapshot is stored as a new one that names the old one as its ``original``; the old one goes only when told,
and only after the new one is stored. What was dropped stays in the vault until the old snapshots are forgotten and
the vault is pruned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from covenant.kernel.errors import UsageError
from covenant.kernel.patterns import Patterns
from covenant.safeguard.cutting import Cutter, Dropped, Match
from covenant.safeguard.replacing import Replacements, refuse_unknown_fields
from covenant.vault.ports import Store
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A snapshot that loses something: its new tree, and what disappears from it."""

    snapshot: Snapshot
    tree: str
    dropped: tuple[Dropped, ...]

    @property
    def files(self) -> int:
        """How many files disappear."""
        return sum(dropped.files for dropped in self.dropped)

    @property
    def bytes(self) -> int:
        """How many bytes those files have."""
        return sum(dropped.bytes for dropped in self.dropped)

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        return {
            "id": self.snapshot.id,
            "tree": self.tree,
            "files": self.files,
            "bytes": self.bytes,
            "dropped": [dropped._asdict() for dropped in self.dropped],
        }


@dataclass(frozen=True, slots=True)
class RewritePlan:
    """Which snapshots change and how; in ``untouched`` nothing matches. ``forget``: the old ones go."""

    patterns: tuple[str, ...]
    forget: bool
    changes: tuple[Rewriting, ...]
    untouched: tuple[Snapshot, ...]

    def as_json(self) -> dict[str, object]:
        """The plan as plain values."""
        return {
            "patterns": list(self.patterns),
            "forget": self.forget,
            "changes": [change.as_json() for change in self.changes],
            "untouched": [snapshot.id for snapshot in self.untouched],
        }


def plan(vault: Vault, snapshots: Iterable[Snapshot], patterns: Sequence[str], *, forget: bool = False) -> RewritePlan:
    """Find what the patterns drop. Nothing is written.

    Patterns are those of ``.gitignore``, seen from the root of the snapshot: ``/srv/media/secret`` is that path,
    ``*.tmp`` any file of that kind, ``!`` takes back. Raises ``Refusal`` for a snapshot or directory that would lose
    what we do not understand, and ``UsageError`` without a pattern.
    """
    vault.forget_index()  # it may have been read before the lock was held
    cutter = Cutter(vault, _match(patterns))
    changes, untouched = [], []
    for snapshot in snapshots:
        cut = cutter.cut(snapshot.tree)
        if cut.tree == snapshot.tree:
            untouched.append(snapshot)
        else:
            refuse_unknown_fields(vault, snapshot)
            changes.append(Rewriting(snapshot, cut.tree, cut.dropped))
    return RewritePlan(tuple(patterns), forget, tuple(changes), tuple(untouched))


def apply(decided: RewritePlan, vault: Vault, store: Store) -> list[Snapshot]:
    """Store the changed snapshots, and remove the old ones if the plan says so; returns the new ones.

    Order of writes: trees, their index, then one snapshot after the other. Needs the exclusive lock where old ones go.
    """
    if not decided.changes:
        return []
    vault.forget_index()  # it may have been read before the lock was held
    writer = Writer(vault, store)
    cutter = Cutter(vault, _match(decided.patterns), writer.tree)
    for change in decided.changes:
        cutter.cut(change.snapshot.tree)
    writer.flush()
    replacements = Replacements(vault, vault.snapshots())
    put = replacements.put_over if decided.forget else replacements.put
    return [put(store, change.snapshot, _rewritten(change)) for change in decided.changes]


def _rewritten(change: Rewriting) -> Snapshot:
    old = change.snapshot
    return msgspec.structs.replace(
        old, tree=change.tree, original=old.id, summary=_lessened(old.summary, change), id=""
    )


def _lessened(summary: dict[str, Any] | None, change: Rewriting) -> dict[str, Any] | None:
    """A summary that counts only what is left. What was new when it was taken stays as it was told."""
    less = {"total_files_processed": change.files, "total_bytes_processed": change.bytes}
    if summary is None:
        return None
    return {key: max(0, value - less[key]) if key in less else value for key, value in summary.items()}


def _match(patterns: Sequence[str]) -> Match:
    if not any(pattern.strip() for pattern in patterns):
        raise UsageError("nothing is named that should be dropped", "Give a path or a pattern.")
    exclude = Patterns(patterns).exclude
    return lambda path, is_directory: exclude(path[1:] + ("/" if is_directory else ""))
