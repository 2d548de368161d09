"""Owners, modes, extended attributes and times, set on what was just made.

The order matters. Changing the owner clears set-user bits and capabilities, so it comes first; access control lists
are extended attributes and change the mode, so the mode comes after them; the modification time comes last of all,
because a file that has it counts as complete when a restore is resumed.
"""

from __future__ import annotations

import errno
import os

import msgspec

from covenant.recover.shortfalls import Shortfalls
from covenant.vault.gotext import time_nanoseconds
from covenant.vault.tree import Node, Xattr

_NOT_OURS = frozenset({errno.EPERM, errno.EINVAL})


class Attributes(msgspec.Struct, array_like=True, gc=False):
    """What an entry has besides content. Times are still text: whoever sets them reads them."""

    mode: int
    uid: int
    gid: int
    mtime: str
    atime: str
    xattrs: list[Xattr] | None = None

    @classmethod
    def of(cls, node: Node) -> Attributes:
        """Those of a node."""
        return cls(node.permissions, node.uid, node.gid, node.mtime, node.atime, node.extended_attributes)

    @property
    def mtime_ns(self) -> int:
        """Raises ``DamageError`` where the text is no time."""
        return time_nanoseconds(self.mtime)

    @property
    def times(self) -> tuple[int, int]:
        """Access and modification, in nanoseconds, as ``os.utime`` takes them."""
        mtime = time_nanoseconds(self.mtime)
        return (mtime if self.atime == self.mtime else time_nanoseconds(self.atime)), mtime


class Setter:
    """Sets attributes as far as this process may, and counts where it may not."""

    def __init__(self) -> None:
        self.shortfalls = Shortfalls()
        self._uid, self._gid = os.geteuid(), os.getegid()

    def on_descriptor(self, descriptor: int, attributes: Attributes, path: bytes, *, group: int = -1) -> None:
        """Set everything on an open file or directory. Raises ``OSError`` where not even mode or times can be set.

        ``group`` is the one that a file gets from its directory, if it was just made and that is known.
        """
        if attributes.uid != self._uid or attributes.gid != self._gid or group != self._gid:
            self._own(attributes, path, descriptor)
        if attributes.xattrs:
            self._extend(descriptor, attributes.xattrs, path)
        os.fchmod(descriptor, attributes.mode)
        os.utime(descriptor, ns=attributes.times)

    def on_name(self, folder: int, name: bytes, attributes: Attributes, path: bytes, *, is_link: bool) -> None:
        """The same for what cannot be opened: a link, a pipe, a device. Links have no mode."""
        self._own(attributes, path, folder, name)
        if attributes.xattrs:
            self._extend(os.fsencode(f"/proc/self/fd/{folder}/") + name, attributes.xattrs, path)
        if not is_link:
            _change_mode(folder, name, attributes.mode)
        os.utime(name, ns=attributes.times, dir_fd=folder, follow_symlinks=False)

    def repair(self, descriptor: int, attributes: Attributes, found: os.stat_result, path: bytes) -> None:
        """Set what differs on a file whose content and time are right already."""
        same = (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (attributes.mode, attributes.uid, attributes.gid)
        if not same or attributes.xattrs:
            self.on_descriptor(descriptor, attributes, path)

    def _own(self, attributes: Attributes, path: bytes, where: int, name: bytes | None = None) -> None:
        try:
            if name is None:
                os.fchown(where, attributes.uid, attributes.gid)
            else:
                os.chown(name, attributes.uid, attributes.gid, dir_fd=where, follow_symlinks=False)
        except (OSError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno not in _NOT_OURS:
                raise
            self.shortfalls.note("owner-not-restored", "belongs to whoever restored it", os.fsdecode(path))

    def _extend(self, where: int | bytes, xattrs: list[Xattr], path: bytes) -> None:
        for xattr in xattrs:
            try:
                if isinstance(where, int):
                    os.setxattr(where, xattr.name, xattr.bytes)
                else:
                    os.setxattr(where, xattr.name, xattr.bytes, follow_symlinks=False)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                message = f"extended attribute {xattr.name} could not be set: {reason}"
                self.shortfalls.note("xattr-not-restored", message, os.fsdecode(path))


def _change_mode(folder: int, name: bytes, mode: int) -> None:
    """``chmod`` of what cannot be opened, and of nothing that a link put in its place might point to."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", mode)
    finally:
        os.close(descriptor)
