"""Having a whole file system written out: once at a restore's end, rather than file by file."""

from __future__ import annotations

import ctypes
import os


def flush_file_system(descriptor: int) -> None:
    """Return when everything on the file system of an open file or folder is durable. Raises ``OSError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
