"""The six pieces of work that are measured."""

from __future__ import annotations

from enum import StrEnum


class Work(StrEnum):
    """In the order in which one repetition does them; ``PRUNE`` comes after all repetitions, from copies."""

    FIRST = "first"
    """A backup into an empty repository."""
    UNCHANGED = "unchanged"
    """The same again, with nothing changed."""
    CHECK = "check"
    """All data read and authenticated."""
    RESTORE = "restore"
    """Everything, into an empty folder."""
    CHANGED = "changed"
    """A backup after 2 % have changed."""
    PRUNE = "prune"
    """Two of four snapshots with data of their own are forgotten, and their room is given back."""
