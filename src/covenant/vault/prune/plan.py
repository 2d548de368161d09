"""The plan of a prune: a value that people read before anything is touched."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import NamedTuple

from covenant.vault.census import Census
from covenant.vault.prune.fate import Action, Fate
from covenant.vault.prune.options import PruneOptions


class Held(NamedTuple):
    """An object that would go and cannot: the store lets nobody delete it until then.

    ``bytes`` is how much of it nobody needs; ``name`` an object of the store.
    """

    name: str
    bytes: int
    until: datetime
    why: str

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        return {"name": self.name, "bytes": self.bytes, "until": self.until.isoformat(), "why": self.why}


@dataclass(frozen=True, slots=True)
class Totals:
    """The plan in numbers of packs and bytes. ``freed`` is what the vault shrinks by, about.

    ``held`` counts what would go and cannot yet, ``bytes_held`` the bytes that nobody needs in it.
    """

    packs: int
    bytes: int
    keep: int
    repack: int
    remove: int
    bytes_repacked: int
    bytes_removed: int
    freed: int
    unused_after: int
    held: int
    bytes_held: int


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What happens to every pack, and why.

    ``unindexed`` are packs that no index names, as ``(id, size)``: an interrupted backup left them. ``absent`` are
    packs that the index names, nobody needs, and the store does not have. ``index_files`` are rewritten. ``held`` is
    what must be left until its term has passed; a pack in it has the fate to be kept, if an index names it. The vault
    looked like ``snapshots`` and ``indexes`` when the plan was made; for any other it is void.
    """

    fates: tuple[Fate, ...]
    unindexed: tuple[tuple[str, int], ...]
    absent: tuple[str, ...]
    index_files: tuple[str, ...]
    snapshots: frozenset[str]
    indexes: frozenset[str]
    options: PruneOptions
    trees_read: int
    held: tuple[Held, ...] = ()
    census: Census = field(repr=False, compare=False, kw_only=True)
    """Which blobs are needed; not part of what is shown or stored."""

    def packs(self, action: Action) -> list[Fate]:
        """The packs with which this is done."""
        return [fate for fate in self.fates if fate.action is action]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.unindexed or self.index_files)

    @property
    def totals(self) -> Totals:
        """The plan in numbers."""
        repack, remove, keep = (self.packs(action) for action in (Action.REPACK, Action.REMOVE, Action.KEEP))
        unindexed = sum(size for _, size in self.unindexed)
        removed = sum(fate.pack.size for fate in remove) + unindexed
        return Totals(
            packs=len(self.fates) + len(self.unindexed),
            bytes=sum(fate.pack.size for fate in self.fates) + unindexed,
            keep=len(keep),
            repack=len(repack),
            remove=len(remove) + len(self.unindexed),
            bytes_repacked=sum(fate.pack.used for fate in repack),
            bytes_removed=removed,
            freed=removed + sum(fate.pack.unused for fate in repack),
            unused_after=sum(fate.pack.unused for fate in keep),
            held=len(self.held),
            bytes_held=sum(held.bytes for held in self.held),
        )

    def as_json(self) -> dict[str, object]:
        """The plan as plain values."""
        why = "no index names it: an interrupted backup left it"
        return {
            "totals": asdict(self.totals),
            "options": asdict(self.options),
            "packs": [fate.as_json() for fate in self.fates]
            + [{"id": pack, "action": "remove", "why": why, "size": size} for pack, size in self.unindexed],
            "absent": list(self.absent),
            "index_files": list(self.index_files),
            "held": [held.as_json() for held in self.held],
        }
