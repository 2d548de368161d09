"""Whether the entries of a directory make sense, apart from whether their blobs are there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from covenant.kernel.errors import DamageError
from covenant.vault.names import is_id
from covenant.vault.tree import Node

_PLAIN_NAME = re.compile(r"[A-Za-z0-9 !#$%'()*+,\-:;=?@\[\]^_`{|}~][A-Za-z0-9 !#$%'()*+,\-.:;=?@\[\]^_`{|}~]*")
_IDS = re.compile(r"(?:[0-9a-f]{64},)*[0-9a-f]{64}")

KINDS = frozenset({"file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular"})


def problems(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """(name, what is the matter), for every entry with which something is."""
    previous = b""
    for node in nodes:
        if _PLAIN_NAME.fullmatch(node.name):
            name = node.name.encode()
        else:
            try:
                name = os.fsencode(node.filename)
            except (DamageError, UnicodeError) as error:
                yield node.name, f"has a name that cannot be read: {error}"
                continue
            if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
                yield node.name, "has a name that no file can have"
        if name <= previous:
            yield node.name, "stands twice" if name == previous else "is out of order"
        previous = name
        if node.type == "file":
            if node.content and not _IDS.fullmatch(",".join(node.content)):
                yield node.name, "has content that is no list of ids"
        elif node.type == "dir":
            if not is_id(node.subtree or ""):
                yield node.name, "has no subtree"
        elif node.type not in KINDS:
            yield node.name, f"is of an unknown type {node.type!r}"
