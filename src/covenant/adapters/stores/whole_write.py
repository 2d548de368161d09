"""A file that appears whole, durable and never over another.

POSIX has no single call for that. The bytes go into a file without a name (Linux ``O_TMPFILE``), are flushed, and
only then is the file linked to its name, which fails if the name is taken; at last the folder is flushed. A process
killed on the way leaves nothing behind.

Where files without a name are not to be had (NFS, FUSE, overlays), the file has a name while it is being written that
holds a ``~`` and so can never be an object's. Where hard links are not to be had either (exFAT), it is renamed with
``renameat2(RENAME_NOREPLACE)``. What a killed process leaves there is never listed and does no harm.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os

from covenant.vault.ports import Buffer

_MODE = 0o400
_NO_NAMELESS = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.ENOSYS}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_RENAME_NOREPLACE = 1
_count = itertools.count()


def write_whole(folder: int, name: str, data: Buffer) -> None:
    """Create the file ``name`` with ``data`` in the open folder ``folder``.

    Raises ``FileExistsError`` if the name is taken, or another ``OSError``; then there is no such new file.
    """
    nameless = _open_nameless(folder)
    if nameless is None:
        write_named(folder, name, data)
        return
    try:
        _fill(nameless, data)
        # Given a folder, os.link() calls linkat() with AT_SYMLINK_FOLLOW, which the link below /proc needs.
        os.link(f"/proc/self/fd/{nameless}", name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(nameless)
    os.fsync(folder)


def write_named(folder: int, name: str, data: Buffer) -> None:
    """What ``write_whole`` does, through a file with a passing name."""
    passing = f"{name[:64]}~{os.getpid()}.{next(_count)}"
    file = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE, dir_fd=folder)
    try:
        _fill(file, data)
        _name_finally(folder, file, passing, name)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(passing, dir_fd=folder)
        os.close(file)
    os.fsync(folder)


def _open_nameless(folder: int) -> int | None:
    flag: int | None = getattr(os, "O_TMPFILE", None)
    if flag is None or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.open(".", flag | os.O_WRONLY | os.O_CLOEXEC, _MODE, dir_fd=folder)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return None
        raise


def _fill(file: int, data: Buffer) -> None:
    rest = memoryview(data)
    if rest.ndim != 1 or rest.itemsize != 1:
        rest = rest.cast("B")
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _name_finally(folder: int, file: int, passing: str, name: str) -> None:
    try:
        os.link(passing, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        # NFS repeats a link whose answer was lost, and then meets its own success: two names say so.
        if os.fstat(file).st_nlink != 2:
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        rename_new(folder, passing, name)


def rename_new(folder: int, old: str, new: str) -> None:
    """Rename within a folder, never over another file. Raises ``FileExistsError`` or another ``OSError``."""
    import ctypes  # seldom needed, and slow to load

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        raise OSError(errno.EOPNOTSUPP, "the file system has no hard links") from None
    if renameat2(folder, os.fsencode(old), folder, os.fsencode(new), _RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), new)
