"""Which troubles end a restore, and which are one file's own."""

from __future__ import annotations

import errno

from covenant.kernel.errors import TargetError

_FATAL = {
    errno.ENOSPC: ("no room left below {}", "Make room and run the same restore again: it goes on where it stopped."),
    errno.EDQUOT: ("the quota below {} is used up", "Raise it and run the same restore again: it goes on."),
    errno.EROFS: ("{} is on a file system that is read-only", "Mount it for writing, or choose another target."),
    errno.EMFILE: ("too many open files while writing to {}", "Raise the limit ('ulimit -n') and run it again."),
    errno.ENFILE: ("the system has too many open files to write to {}", "Run the same restore again: it goes on."),
}


def raise_if_fatal(error: OSError, target: str) -> None:
    """Raise ``TargetError`` for what would befall every further file as well."""
    if error.errno in _FATAL:
        message, hint = _FATAL[error.errno]
        raise TargetError(message.format(target), hint) from error


def told(error: Exception) -> str:
    """What a finding says of an error that befell one file."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
