"""Where following a server's log begins: behind what the vault has, if the server still has what follows. Pure.

The vault's last pieces may be of a timeline that the server has left since, or may even lie in one beyond the place
where it was left: a standby was promoted before it had heard of all. What the server knows as its past decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from covenant.adapters.sources.postgres.wal import segment_at
from covenant.kernel.spans import Lineage
from covenant.vault.pieces import Piece


@dataclass(frozen=True, slots=True)
class Beginning:
    """A place to begin at, and the piece that it goes on from: ``None`` where a file is begun anew."""

    timeline: int
    place: int
    after: Piece | None = None


def begin_after(last: Iterable[Piece], system: int, lineage: Lineage, segment_size: int) -> Beginning | None:
    """Where to go on; ``None`` where the vault has nothing of this server's past."""
    best: Beginning | None = None
    order = {timeline: at for at, timeline in enumerate([*(each for each, _ in lineage.left), lineage.timeline])}
    for piece in sorted(last, key=lambda each: (order.get(each.span.timeline, -1), each.span.end, each.until)):
        if piece.span.system == system and piece.span.timeline in order:
            best = _after(piece, lineage, segment_size)
    return best


def _after(piece: Piece, lineage: Lineage, segment_size: int) -> Beginning:
    timeline, end = piece.span.timeline, piece.span.end
    left = dict(lineage.left).get(timeline)
    if left is None or end < left:
        return Beginning(timeline, end, piece)
    heirs = [each for each, _ in lineage.left] + [lineage.timeline]
    heir = heirs[heirs.index(timeline) + 1]
    return Beginning(heir, segment_at(heir, left, segment_size).begin)


def begin_anew(lineage: Lineage, restart: int, segment_size: int) -> Beginning:
    """The oldest that a slot keeps, from the beginning of its file, in the timeline that it was logged in."""
    timeline = next((elder for elder, left in lineage.left if restart < left), lineage.timeline)
    return Beginning(timeline, segment_at(timeline, restart, segment_size).begin)
