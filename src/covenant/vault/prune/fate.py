"""What a prune does with a pack, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from covenant.vault.census import is_mixed
from covenant.vault.pack import BlobType


class Action(StrEnum):
    """What is done with a pack."""

    KEEP = "keep"
    REPACK = "repack"
    REMOVE = "remove"


class PackUse(NamedTuple):
    """How much of a pack is needed.

    ``size`` is the stored object's; ``used`` the bytes of needed blobs with their header entries, ``unused`` those of
    the rest. ``kinds`` has the bit ``1 << BlobType`` for each type in it. ``uncompressed``: a needed blob is not
    compressed.
    """

    id: str
    size: int
    used: int
    unused: int
    used_blobs: int
    blobs: int
    kinds: int
    uncompressed: bool

    @property
    def of_data_alone(self) -> bool:
        """Whether no tree is in it."""
        return self.kinds == 1 << BlobType.DATA

    @property
    def mixed(self) -> bool:
        """Whether data and trees lie in it together."""
        return is_mixed(self.kinds)


class Fate(NamedTuple):
    """A pack, what is done with it, and why."""

    pack: PackUse
    action: Action
    why: str

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        pack = self.pack
        return {
            "id": pack.id,
            "action": str(self.action),
            "why": self.why,
            "size": pack.size,
            "used": pack.used,
            "unused": pack.unused,
            "used_blobs": pack.used_blobs,
            "blobs": pack.blobs,
        }
