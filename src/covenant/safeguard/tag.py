"""Changing the tags of snapshots. A snapshot cannot be changed, so another takes its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from covenant.kernel.errors import UsageError
from covenant.safeguard.replacing import Replacements
from covenant.vault.ports import Store
from covenant.vault.snapshot import KIND_TAG, Snapshot
from covenant.vault.vault import Vault

_OURS = KIND_TAG.partition(":")[0] + ":"


@dataclass(frozen=True, slots=True)
class Retagging:
    """A snapshot, and the tags that it shall have."""

    snapshot: Snapshot
    tags: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        return {"id": self.snapshot.id, "tags": list(self.snapshot.tags), "new_tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class TagPlan:
    """Which snapshots change. Those that have the wanted tags already are not among them."""

    changes: tuple[Retagging, ...]

    def as_json(self) -> dict[str, object]:
        """The plan as plain values."""
        return {"changes": [change.as_json() for change in self.changes]}


def plan(
    snapshots: Iterable[Snapshot],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    set_to: Sequence[str] | None = None,
) -> TagPlan:
    """Set tags, or add some and remove others; what Covenant itself says in tags (``covenant:…``) always stays.

    Raises ``UsageError`` for tags that are Covenant's own, and where setting is mixed with adding or removing.
    """
    if set_to is not None and (add or remove):
        raise UsageError("tags are either set, or added and removed", "Give '--set' alone.")
    for tag in (*add, *remove, *(set_to or ())):
        if tag.startswith(_OURS) or not tag:
            raise UsageError(
                f"the tag '{tag}' is not yours to change", f"Choose tags that do not begin with '{_OURS}'."
            )
    changes = [Retagging(each, _tags(each.tags, add, remove, set_to)) for each in snapshots]
    return TagPlan(tuple(change for change in changes if change.tags != change.snapshot.tags))


def _tags(
    tags: tuple[str, ...], add: Sequence[str], remove: Sequence[str], set_to: Sequence[str] | None
) -> tuple[str, ...]:
    if set_to is not None:
        return tuple(dict.fromkeys([*set_to, *(tag for tag in tags if tag.startswith(_OURS))]))
    return tuple(dict.fromkeys([*(tag for tag in tags if tag not in remove), *add]))


def apply(decided: TagPlan, vault: Vault, store: Store) -> list[Snapshot]:
    """Put the newly tagged snapshots in the place of the old ones, under the exclusive lock; returns the new ones.

    Each remembers in ``original`` as what it was first taken.
    """
    replacements = Replacements(vault, vault.snapshots())
    return [replacements.put_over(store, change.snapshot, _retagged(change)) for change in decided.changes]


def _retagged(change: Retagging) -> Snapshot:
    old = change.snapshot
    return msgspec.structs.replace(old, tags_=list(change.tags) or None, original=old.original or old.id, id="")
