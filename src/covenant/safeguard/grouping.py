"""Snapshots that belong together: retention counts within each group, so that no host uses up another's days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from covenant.kernel.errors import UsageError

Key: TypeAlias = tuple[str | tuple[str, ...], ...]

BY_HOST_AND_PATHS = ("host", "paths")

_AXES = {"host": "host", "hosts": "host", "path": "paths", "paths": "paths", "tag": "tags", "tags": "tags"}


class Candidate(Protocol):
    """What retention must know of a snapshot; the vault's own snapshots fit.

    ``time`` is aware and keeps the offset under which the snapshot was taken: its hour, day and week are those of the
    wall clock that hung beside the source.
    """

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def hostname(self) -> str: ...
    @property
    def paths(self) -> Sequence[str] | None: ...
    @property
    def tags(self) -> Sequence[str]: ...


C = TypeVar("C", bound=Candidate)


def axes(text: str) -> tuple[str, ...]:
    """The axes that ``--group-by`` names: any of ``host``, ``paths`` and ``tags``; ``""`` is one group of all."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return normalised(words)


def normalised(words: Iterable[str]) -> tuple[str, ...]:
    """The same axes, each once, in the order of restic. Raises ``UsageError`` for a word that names no axis."""
    chosen = set()
    for word in words:
        if word not in _AXES:
            raise UsageError(f"snapshots cannot be grouped by '{word}'", "Group by any of host, paths and tags.")
        chosen.add(_AXES[word])
    return tuple(axis for axis in ("host", "paths", "tags") if axis in chosen)


def key(candidate: Candidate, by: Sequence[str]) -> Key:
    """What the snapshots of one group have in common. The order of paths and tags does not matter."""
    values: dict[str, str | tuple[str, ...]] = {
        "host": candidate.hostname,
        "paths": tuple(sorted(candidate.paths or ())),
        "tags": tuple(sorted(candidate.tags)),
    }
    return tuple(values[axis] for axis in by)


def groups(candidates: Iterable[C], by: Sequence[str]) -> list[list[C]]:
    """The candidates by group, groups in the order of their keys, each newest first (then by id)."""
    found: dict[Key, list[C]] = {}
    for candidate in sorted(candidates, key=lambda each: each.id):
        found.setdefault(key(candidate, by), []).append(candidate)
    return [sorted(found[each], key=lambda one: one.time, reverse=True) for each in sorted(found)]
