"""Everything in a directory that has no content of its own: links, pipes, sockets and devices."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from covenant.kernel.errors import DamageError
from covenant.recover.attributes import Attributes, Setter
from covenant.recover.files import free_beside, refuse_directory
from covenant.vault.tree import Node

SPECIAL = frozenset({"symlink", "fifo", "socket", "dev", "chardev"})
_KINDS = {"fifo": stat.S_IFIFO, "socket": stat.S_IFSOCK, "dev": stat.S_IFBLK, "chardev": stat.S_IFCHR}

Make = Callable[[bytes], None]


def place_special(folder: int, name: bytes, node: Node, setter: Setter, path: bytes) -> str:
    """Make the entry; returns ``"created"``, ``"replaced"`` or ``"kept"``. Raises ``OSError``, ``DamageError``."""
    is_link = node.type == "symlink"
    target = _link_target(node) if is_link else b""
    attributes = Attributes.of(node)
    if _stands(folder, name, node, target):
        setter.on_name(folder, name, attributes, path, is_link=is_link)
        return "kept"

    def make(as_name: bytes) -> None:
        if is_link:
            os.symlink(target, as_name, dir_fd=folder)
        else:
            os.mknod(as_name, _KINDS[node.type] | 0o600, node.device, dir_fd=folder)
        setter.on_name(folder, as_name, attributes, path, is_link=is_link)

    return place(folder, name, make)


def place_link(folder: int, name: bytes, first_folder: int, first_name: bytes) -> str:
    """Give a file that was restored already another name; returns as ``place_special``. Raises ``OSError``."""
    first = os.stat(first_name, dir_fd=first_folder, follow_symlinks=False)
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        if (found.st_dev, found.st_ino) == (first.st_dev, first.st_ino):
            return "kept"

    def make(as_name: bytes) -> None:
        os.link(first_name, as_name, src_dir_fd=first_folder, dst_dir_fd=folder, follow_symlinks=False)

    return place(folder, name, make)


def place(folder: int, name: bytes, make: Make) -> str:
    """Make something under a name; what has that name already is replaced at once and whole."""
    try:
        make(name)
        return "created"
    except FileExistsError:
        refuse_directory(folder, name)
    beside = free_beside(folder, name)
    make(beside)
    os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    return "replaced"


def stands(folder: int, name: bytes, node: Node) -> bool:
    """Whether just this link, pipe, socket or device is there already. Raises ``OSError``, ``DamageError``."""
    return _stands(folder, name, node, _link_target(node) if node.type == "symlink" else b"")


def _stands(folder: int, name: bytes, node: Node, target: bytes) -> bool:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if node.type == "symlink":
        return stat.S_ISLNK(found.st_mode) and os.readlink(name, dir_fd=folder) == target
    same_kind = stat.S_IFMT(found.st_mode) == _KINDS[node.type]
    return same_kind and (node.type in ("fifo", "socket") or found.st_rdev == node.device)


def _link_target(node: Node) -> bytes:
    try:
        target = os.fsencode(node.target)
    except ValueError as error:
        raise DamageError(f"link has an unreadable target: {error}") from error
    if not target or b"\0" in target:
        raise DamageError("link has a target that is none")
    return target
