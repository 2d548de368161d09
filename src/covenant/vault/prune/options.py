"""How thorough a prune shall be."""

from __future__ import annotations

from dataclasses import dataclass

from covenant.kernel.errors import UsageError
from covenant.vault.pack import DEFAULT_PACK_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """What may stay although nobody needs it, because taking it away costs more than it gives.

    ``max_unused`` is the share of the vault that may be unused afterwards (1.0: any amount); ``max_unused_bytes``,
    where given, says it in bytes instead. ``max_repack_size`` bounds the bytes rewritten in one prune. With
    ``repack_small`` packs below four fifths of ``pack_size`` are put together, with ``repack_uncompressed`` blobs
    that were never compressed are. Raises ``UsageError`` for numbers that mean nothing.
    """

    max_unused: float = 0.05
    max_unused_bytes: int | None = None
    max_repack_size: int | None = None
    repack_small: bool = False
    repack_uncompressed: bool = False
    pack_size: int = DEFAULT_PACK_SIZE

    def __post_init__(self) -> None:
        if not 0 <= self.max_unused <= 1:
            raise UsageError(f"a share of {self.max_unused} unused is none", "Give a share between 0 and 1.")
        if min(self.max_unused_bytes or 0, self.max_repack_size or 0) < 0:
            raise UsageError("a size below zero is none", "Give a size of 0 or more.")

    def allowed(self, used: int) -> float:
        """How many unused bytes may lie beside ``used`` ones."""
        if self.max_unused_bytes is not None:
            return self.max_unused_bytes
        return float("inf") if self.max_unused == 1 else used * self.max_unused / (1 - self.max_unused)
