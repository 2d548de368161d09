"""What a backup looked at, counted, and how a snapshot records it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from covenant.vault.snapshot import Snapshot
from covenant.vault.writer import Added


@dataclass(slots=True)
class Tally:
    """What was looked at."""

    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    files_gone: int = 0
    """Files of the parent snapshot that are there no more under their old names."""
    directories: int = 0
    bytes: int = 0

    @property
    def files(self) -> int:
        """All files together."""
        return self.files_new + self.files_changed + self.files_unmodified


def gone_since(parent: Snapshot | None, tally: Tally) -> int:
    """How many of the parent's files are gone: those that were neither met again as they were nor changed."""
    before = (parent.summary if parent else None) or {}
    return max(0, int(before.get("total_files_processed", 0)) - tally.files_unmodified - tally.files_changed)


def summary(tally: Tally, added: Added, began: str, ended: str) -> dict[str, Any]:
    """The summary as later versions of restic record it."""
    return {
        "backup_start": began,
        "backup_end": ended,
        "files_new": tally.files_new,
        "files_changed": tally.files_changed,
        "files_unmodified": tally.files_unmodified,
        "data_blobs": added.data_blobs,
        "tree_blobs": added.tree_blobs,
        "data_added": added.data_bytes + added.tree_bytes,
        "data_added_packed": added.stored_bytes,
        "total_files_processed": tally.files,
        "total_bytes_processed": tally.bytes,
    }
