"""Entries of a snapshot as ``ls -l`` shows them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from covenant.vault.tree import Node

_KINDS = {
    "file": stat.S_IFREG,
    "dir": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
    "chardev": stat.S_IFCHR,
    "dev": stat.S_IFBLK,
}


def mode_text(node: Node) -> str:
    """``-rw-r--r--``."""
    return stat.filemode(_KINDS.get(node.type, 0) | node.permissions)
