"""Snapshots as retention sees them, made up for its tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The few things that retention asks of a snapshot."""

    id: str
    time: datetime
    hostname: str = "studio"
    paths: tuple[str, ...] = ("/srv/media",)
    tags: tuple[str, ...] = ()


def moment(text: str) -> datetime:
    """``2026-01-02 03:04`` in UTC, or any ISO form with its own offset."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def a_snapshot(text: str, *tags: str, hostname: str = "studio", paths: tuple[str, ...] = ("/srv/media",)) -> Snapshot:
    """A snapshot of that moment, named after it."""
    return Snapshot(f"{hostname}@{text}", moment(text), hostname, paths, tags)
