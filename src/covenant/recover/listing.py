"""Walking a snapshot: what ``ls`` and ``find`` show, and how a path in it is reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing, UsageError
from covenant.kernel.findings import Finding
from covenant.recover.entries import DEEPEST, NamedEntry, named_entries
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node
from covenant.vault.vault import Vault


class Found(NamedTuple):
    """One entry of a snapshot: its absolute path there, and its node."""

    path: str
    node: Node


def walk(
    vault: Vault, snapshot: Snapshot, path: str = "/", *, deep: bool = True, findings: list[Finding] | None = None
) -> Iterator[Found]:
    """Every entry from ``path`` on, a directory before what is in it; only one level unless ``deep``.

    A directory that cannot be read becomes one of ``findings``, and the walk goes on. Raises ``UsageError`` where
    the snapshot has no such path, and ``DamageError`` or ``ObjectMissing`` where the way to it cannot be read.
    """
    chain = resolve(vault, snapshot, path)
    top = "/" + "/".join(name for name, _ in chain)
    if chain:
        yield Found(top, chain[-1][1])
        if chain[-1][1].type != "dir":
            return
    notes = findings if findings is not None else []
    stack = [(top, chain[-1][1].subtree if chain else snapshot.tree, 0)]
    while stack:
        directory, tree_id, depth = stack.pop()
        below = []
        for name, node, problem in entries_of(vault, directory, tree_id, notes):
            where = join(directory, name)
            if problem:
                notes.append(Finding("name-refused", where, problem))
                continue
            yield Found(where, node)
            if node.type == "dir" and deep:
                if depth < DEEPEST:
                    below.append((where, node.subtree, depth + 1))
                else:
                    notes.append(too_deep(where))
        stack += reversed(below)


def entries_of(vault: Vault, directory: str, tree_id: str | None, findings: list[Finding]) -> Iterator[NamedEntry]:
    """The entries of one directory; none, and a finding, where its tree cannot be read."""
    if tree_id is None:
        findings.append(Finding("tree-damaged", directory, "the vault does not say what is in this directory"))
        return
    try:
        nodes = read_tree(vault, tree_id)
    except (DamageError, ObjectMissing, ValueError) as error:
        findings.append(Finding("tree-damaged", directory, f"what is in this directory is lost: {error}", _CHECK))
        return
    yield from named_entries(nodes)


def resolve(vault: Vault, snapshot: Snapshot, path: str) -> list[tuple[str, Node]]:
    """The way to ``path``: each name on it with its node; empty for ``/``. Raises as ``walk`` does."""
    chain: list[tuple[str, Node]] = []
    tree_id: str | None = snapshot.tree
    for part in [part for part in path.split("/") if part]:
        node = _named(vault, tree_id, part)
        if node is None:
            hint = f"See what it has with 'covenant ls {snapshot.short_id}'."
            raise UsageError(f"snapshot {snapshot.short_id} has no '{path}'", hint)
        chain.append((part, node))
        tree_id = node.subtree
    return chain


def join(directory: str, name: str) -> str:
    """A path of a snapshot, one step further."""
    return f"/{name}" if directory == "/" else f"{directory}/{name}"


def too_deep(path: str) -> Finding:
    """What is said of a directory so deep that no system could hold it."""
    return Finding("too-deep", path, f"lies more than {DEEPEST} directories deep")


def _named(vault: Vault, tree_id: str | None, name: str) -> Node | None:
    if tree_id is None:
        return None
    found = (node for entry, node, problem in named_entries(read_tree(vault, tree_id)) if entry == name and not problem)
    return next(found, None)


_CHECK = "Run 'covenant check --read-data', then 'covenant repair snapshots'."
