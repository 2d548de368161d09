"""What the operating system's refusals mean to someone who keeps a vault."""

from __future__ import annotations

import errno
import os

from covenant.kernel.errors import (
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EROFS, errno.EACCES, errno.EPERM}
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_VANISHED = {errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ESHUTDOWN}
_AWAY = {errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}

_LOOK_AT_MOUNT = "Check that the disk or share is mounted and healthy, then run the command again."


def store_error(error: OSError, name: str, url: str) -> StoreError:
    """The error of ours that tells of ``error``, met at object ``name`` of the store ``url``."""
    where = f"'{name}' in {url}" if name else url
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    match error.errno:
        case code if code in _MISSING:
            return missing(name, url)
        case errno.EEXIST:
            return taken(name, url)
        case code if code in _FULL:
            return StoreFull(f"no room for {where}: {why}", "Free some space or raise the quota, then run it again.")
        case code if code in _DENIED:
            return StoreDenied(f"not allowed at {where}: {why}", "Check owner, mode and mount options of the store.")
        case code if code in _AWAY:
            return StoreUnavailable(f"{where} does not answer: {why}", _LOOK_AT_MOUNT)
        case code if code in _VANISHED:
            return StoreError(f"{where} failed: {why}", _LOOK_AT_MOUNT)
    return StoreError(f"{where} failed: {why}")


def missing(name: str, url: str) -> ObjectMissing:
    """There is no such object."""
    return ObjectMissing(f"no object '{name}' in {url}")


def taken(name: str, url: str) -> ObjectExists:
    """There is such an object already."""
    return ObjectExists(f"there is already an object '{name}' in {url}")


def never_made(url: str) -> StoreError:
    """The folder that is to be the store has not been made."""
    return StoreError(
        f"there is no folder {url}", "Mount the disk that holds it, or make a new vault with 'covenant init'."
    )


def vanished(url: str) -> StoreError:
    """The folder that is the store was there, and is not, or is another one."""
    return StoreError(f"the store's folder {url} has vanished", _LOOK_AT_MOUNT)
