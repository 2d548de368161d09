"""Directories below one root, opened one step at a time, so that no link is ever followed.

Every path here is relative to the root, in bytes, and ``b""`` is the root itself. A directory is reached from the
descriptor of the one above with ``O_NOFOLLOW``: whatever stands in the target, or is put there meanwhile, a link
leads nowhere. The last few descriptors are kept, because files come directory by directory.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import OrderedDict

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT = 32


class Folders:
    """Open directories below ``root``; belongs to one thread.

    Raises ``OSError`` as the system does: ``NotADirectoryError`` (or ``ELOOP``) where something else is in the way.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def open(self, path: bytes) -> int:
        """The directory's descriptor, good until some thirty others have been asked for. Never close it."""
        if not path:
            return self._root
        descriptor = self._open.get(path)
        if descriptor is not None:
            return descriptor
        known, missing = self._nearest(path)
        descriptor = self._open.get(known, self._root)
        for name in missing:
            descriptor = os.open(name, _FLAGS, dir_fd=descriptor)
            known = known + b"/" + name if known else name
            self._keep(known, descriptor)
        return descriptor

    def make(self, path: bytes) -> bool:
        """Have the directory exist; returns whether it is new, and so empty.

        One that exists is made usable for us, as its own mode is set only at the end.
        """
        above, _, name = path.rpartition(b"/")
        parent = self.open(above)
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
            return True
        except FileExistsError:
            _make_usable(name, parent)
            self.open(path)
            return False

    def close(self) -> None:
        """Close all but the root, which belongs to whoever opened it."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _nearest(self, path: bytes) -> tuple[bytes, list[bytes]]:
        """The longest part of the path that is open already, and the names after it."""
        missing = []
        while path and path not in self._open:
            path, _, name = path.rpartition(b"/")
            missing.append(name)
        return path, missing[::-1]

    def _keep(self, path: bytes, descriptor: int) -> None:
        self._open[path] = descriptor
        if len(self._open) > _KEPT:
            os.close(self._open.popitem(last=False)[1])


def _make_usable(name: bytes, parent: int) -> None:
    """Give ourselves access to an existing directory of our own, as an earlier run may have closed it."""
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o700 == 0o700 or found.st_uid != os.geteuid():
        return
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            with contextlib.suppress(OSError):
                os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IMODE(found.st_mode) | 0o700)
    finally:
        os.close(descriptor)
