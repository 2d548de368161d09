"""In which order sources come back: the critical ones first, then important, enhanced and optional ones.

A source that ``[restoration]`` names in one of its four lists stands there; any other where its priority puts it: 1 is
critical, 2 important, 3 enhanced, and everything after that optional. Within a rank the smaller priority goes first,
and of two alike the name decides, so that the same policy always gives the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

RANKS = ("critical", "important", "enhanced", "optional")
"""The ranks in which services are restored, the first of them first."""

LAST = len(RANKS)
"""The priority of what nobody gave one."""


def rank_of(source: str, priority: int, restoration: Mapping[str, Sequence[str]]) -> str:
    """The rank in which a source comes back; ``restoration`` is what the section of that name says."""
    for rank in RANKS:
        if source in restoration.get(rank, ()):
            return rank
    return RANKS[min(max(priority, 1), LAST) - 1]


def in_order(priorities: Mapping[str, int], restoration: Mapping[str, Sequence[str]]) -> list[str]:
    """The sources in the order in which they come back; ``priorities`` maps each to its number."""

    def place(source: str) -> tuple[int, int, str]:
        priority = priorities[source]
        return RANKS.index(rank_of(source, priority, restoration)), priority, source

    return sorted(priorities, key=place)


def ranked(sources: Iterable[str], priorities: Mapping[str, int]) -> dict[str, int]:
    """The priority of each of these sources, the last one where none is known."""
    return {source: priorities.get(source, LAST) for source in sources}
