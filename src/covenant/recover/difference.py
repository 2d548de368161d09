"""What changed between two snapshots.

Two directories with the same tree are the same all the way down, so only what differs is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from covenant.kernel.findings import Finding
from covenant.recover.listing import entries_of, join, resolve
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node
from covenant.vault.vault import Vault


class Change(NamedTuple):
    """One entry that differs.

    ``mark`` is restic's: ``+`` added, ``-`` removed, ``M`` other content, ``U`` other metadata only, ``T`` another
    type. ``before`` and ``after`` are bytes of content, 0 for all but files.
    """

    mark: str
    path: str
    kind: str
    before: int
    after: int


@dataclass(slots=True)
class Sum:
    """How much changed."""

    added: int = 0
    removed: int = 0
    modified: int = 0
    metadata: int = 0
    bytes_added: int = 0
    bytes_removed: int = 0


def difference(
    vault: Vault, old: Snapshot, new: Snapshot, path: str = "/", *, findings: list[Finding] | None = None
) -> Iterator[Change]:
    """Every entry from ``path`` on that differs, in order of paths. Raises as ``walk`` does."""
    notes = findings if findings is not None else []
    trees = []
    for snapshot in (old, new):
        chain = resolve(vault, snapshot, path)
        trees.append(chain[-1][1].subtree if chain else snapshot.tree)
    top = "/" + "/".join(part for part in path.split("/") if part)
    yield from _Comparison(vault, notes).trees(top, *trees)


def total(changes: Iterable[Change]) -> Sum:
    """All of them added up."""
    result = Sum()
    for change in changes:
        match change.mark:
            case "+":
                result.added += 1
            case "-":
                result.removed += 1
            case "U":
                result.metadata += 1
            case _:
                result.modified += 1
        if change.mark != "U":
            result.bytes_added += change.after
            result.bytes_removed += change.before
    return result


class _Comparison:
    """Of two trees in one vault."""

    def __init__(self, vault: Vault, findings: list[Finding]) -> None:
        self._vault = vault
        self._findings = findings

    def trees(self, top: str, old: str | None, new: str | None) -> Iterator[Change]:
        """What differs between two directories, and below them; ``None`` is a directory that is not there."""
        stack = [(top, old, new)]
        while stack:
            directory, was, is_now = stack.pop()
            if was == is_now:
                continue
            left, right = self._nodes(directory, was), self._nodes(directory, is_now)
            below = []
            for name in sorted(left.keys() | right.keys()):
                path = join(directory, name)
                before, after = left.get(name), right.get(name)
                change = _change(path, before, after)
                if change:
                    yield change
                trees = _subtree(before), _subtree(after)
                if trees != (None, None):
                    below.append((path, *trees))
            stack += reversed(below)

    def _nodes(self, directory: str, tree: str | None) -> dict[str, Node]:
        if tree is None:
            return {}
        entries = entries_of(self._vault, directory, tree, self._findings)
        return {name: node for name, node, problem in entries if not problem}


def _change(path: str, before: Node | None, after: Node | None) -> Change | None:
    if before is None or after is None:
        present = after or before
        assert present is not None
        return Change("+" if after else "-", path, present.type, _bytes(before), _bytes(after))
    if before.type != after.type:
        return Change("T", path, after.type, _bytes(before), _bytes(after))
    if before.type == "file" and before.content != after.content:
        return Change("M", path, after.type, _bytes(before), _bytes(after))
    if _metadata(before) != _metadata(after):
        return Change("U", path, after.type, _bytes(before), _bytes(after))
    return None


def _metadata(node: Node) -> tuple[object, ...]:
    """What a person calls an entry's metadata. Where it lay on the disk, and when it was read, is not part of it."""
    return (
        node.mode,
        node.mtime,
        node.uid,
        node.gid,
        node.user,
        node.group,
        node.target,
        node.device,
        [(xattr.name, xattr.value) for xattr in node.extended_attributes or ()],
    )


def _subtree(node: Node | None) -> str | None:
    return node.subtree if node is not None else None


def _bytes(node: Node | None) -> int:
    return node.size if node is not None and node.type == "file" else 0
