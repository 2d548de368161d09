"""A directory's entries as the vault lists them, each name proved to be a name.

A tree is only text. A hostile or broken one can name an entry ``../x``, or two of them alike, so that the second
would be written through the first. Nothing that reads a tree for restoring goes around this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError
from covenant.vault.tree import Node

DEEPEST = 2048
"""Directories below one another, at most: Linux cannot name a deeper path, and a hostile tree could go on."""


class NamedEntry(NamedTuple):
    """An entry: its name as the file system has it, and what is wrong with that name (``""``: nothing)."""

    name: str
    node: Node
    problem: str


def named_entries(nodes: Iterable[Node]) -> Iterator[NamedEntry]:
    """Every entry with its name; one with a ``problem`` must not be restored."""
    seen: set[str] = set()
    for node in nodes:
        try:
            name = node.filename
        except DamageError as error:
            yield NamedEntry(repr(node.name), node, str(error))
            continue
        problem = _problem(name)
        if name in seen:
            problem = "stands twice in its directory"
        seen.add(name)
        yield NamedEntry(name, node, problem)


def _problem(name: str) -> str:
    if name in ("", ".", ".."):
        return "is not a name"
    if "/" in name or "\0" in name:
        return "has a name that would lead elsewhere"
    if not name.isascii():
        try:
            os.fsencode(name)
        except UnicodeEncodeError:
            return "has a name that this system cannot write"
    return ""
