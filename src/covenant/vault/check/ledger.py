"""What is damaged, gathered until it is known which files suffer from it.

A damaged pack, a blob that is in no index, or a tree that makes no sense is one entry each; walking the snapshots
once more then writes under each entry the files that need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from covenant.kernel.findings import Finding
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType

_MOST_BLOBS = 10_000
_MOST_FILES = 1_000_000
_SHOWN = 5

_MISSING_HINT = (
    "Copy it from another region or an older copy of the vault; "
    "or save the rest: 'covenant repair index', then 'covenant repair snapshots'."
)
_PACK_HINTS = {
    "pack-missing": _MISSING_HINT,
    "pack-damaged": "Run 'covenant repair packs' to save the blobs that are whole, then 'covenant repair snapshots'.",
    "pack-unreadable": "Find out why the store does not give it, and check again; nothing is known to be lost.",
}
_BLOB_HINT = "Run 'covenant repair index' to look for it in all packs, then 'covenant repair snapshots'."
_TREE_HINT = "Run 'covenant repair snapshots' to keep what can be kept."


PackTrouble = Literal["pack-missing", "pack-damaged", "pack-unreadable"]


@dataclass(slots=True)
class Trouble:
    """One damaged thing: a finding in the making."""

    kind: str
    subject: str
    hint: str
    messages: list[str] = field(default_factory=list)
    affects: dict[str, None] = field(default_factory=dict)

    def finding(self) -> Finding:
        """The finding, now that all is known."""
        shown = "; ".join(self.messages[:_SHOWN])
        more = len(self.messages) - _SHOWN
        message = f"{shown}; and {more} more" if more > 0 else shown
        return Finding(self.kind, self.subject, message, self.hint, tuple(self.affects))


class Ledger:
    """All troubles, by what they are about."""

    def __init__(self) -> None:
        self.packs: dict[int, Trouble] = {}
        self.missing: dict[tuple[bytes, int], Trouble] = {}
        self.trees: dict[bytes, Trouble] = {}
        self.inside: dict[bytes, dict[str, None]] = {}
        """Which entries of a nonsensical tree are meant; ``""`` is the tree itself."""
        self.more_missing: Trouble | None = None
        self._files = 0

    def __bool__(self) -> bool:
        return bool(self.packs or self.missing or self.trees)

    def pack(self, number: int, pack_id: bytes, kind: PackTrouble, message: str) -> None:
        """A pack is not as it should be. What is said twice stands once."""
        trouble = self.packs.get(number)
        if trouble is None:
            trouble = self.packs[number] = Trouble(kind, object_name(DATA, pack_id.hex()), _PACK_HINTS[kind])
        if message not in trouble.messages:
            trouble.messages.append(message)

    def blob(self, blob_id: bytes, blob_type: int) -> None:
        """A blob that some snapshot needs is in no index."""
        key = (blob_id, blob_type)
        if key in self.missing:
            return
        name = BlobType(blob_type).name.lower()
        if len(self.missing) < _MOST_BLOBS:
            self.missing[key] = Trouble("blob-missing", f"{name} {blob_id.hex()}", _BLOB_HINT, ["it is in no index"])
        elif self.more_missing is None:
            message = f"more blobs than {_MOST_BLOBS} are in no index"
            self.more_missing = Trouble("blob-missing", "further blobs", _BLOB_HINT, [message])

    def tree(self, tree_id: bytes, name: str, message: str) -> None:
        """An entry of a tree (or ``""``, the tree itself) makes no sense."""
        trouble = self.trees.setdefault(tree_id, Trouble("tree-nonsense", f"tree {tree_id.hex()}", _TREE_HINT))
        trouble.messages.append(f"{name!r} {message}" if name else message)
        self.inside.setdefault(tree_id, {})[name] = None

    def suffers(self, trouble: Trouble | None, file: str) -> None:
        """``file`` (``snapshot:path``) suffers from a trouble."""
        if trouble is None:
            return
        self._files += 1
        if self._files <= _MOST_FILES:
            trouble.affects[file] = None
        elif self._files == _MOST_FILES + 1:
            trouble.messages.append(f"more than {_MOST_FILES} files are affected in all; the rest is not listed")

    def findings(self) -> Iterator[Finding]:
        """All findings."""
        troubles = [*self.packs.values(), *self.missing.values(), *self.trees.values()]
        yield from (trouble.finding() for trouble in troubles)
        if self.more_missing:
            yield self.more_missing.finding()
