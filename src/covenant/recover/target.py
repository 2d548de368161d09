"""The folder that a snapshot is restored to: whether it may be used, and how far an earlier run got.

While a restore is unfinished a small file in the folder says which one it is. So the same restore, run again after a
crash, goes on without being told that it may write into a folder that is not empty, and another restore does not
mix its files in by mistake.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import msgspec

from covenant.kernel.errors import Refusal, TargetError

MARKER = b".covenant-restore.json"
_NEW_MARKER = MARKER + b".new"
_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Unfinished(msgspec.Struct, frozen=True):
    """What the marker says: which restore is under way."""

    vault: str
    snapshot: str
    path: str = "/"
    strip: bool = False


class Target:
    """The open folder. ``resumed`` says whether an earlier run of this same restore began it."""

    def __init__(self, path: str, descriptor: int, *, resumed: bool) -> None:
        self.path = path
        self.descriptor = descriptor
        self.resumed = resumed

    def begin(self, restore: Unfinished) -> None:
        """Leave the marker. Raises ``TargetError``."""
        with _told(self.path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(_NEW_MARKER, flags, 0o600, dir_fd=self.descriptor), "wb") as file:
                file.write(msgspec.json.encode(restore))
            os.rename(_NEW_MARKER, MARKER, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def finish(self, flush: Callable[[int], None]) -> None:
        """Have the files durable, and only then remove the marker: a restore that ended well survives a power cut.

        ``flush`` writes out the folder's file system; others that are mounted below it are left to the system.
        """
        with _told(self.path):
            flush(self.descriptor)
            os.unlink(MARKER, dir_fd=self.descriptor)
            os.fsync(self.descriptor)


@contextlib.contextmanager
def open_target(path: str, restore: Unfinished, *, into_non_empty: bool, make: bool = True) -> Iterator[Target | None]:
    """The folder, made if need be; ``None`` where it does not exist and shall not be made.

    Raises ``Refusal`` for a folder that is not empty, unless an earlier run of the same restore left it so or the
    caller says so; ``TargetError`` where it cannot be used at all.
    """
    path = os.path.abspath(path)
    if not make and not os.path.lexists(path):
        yield None
        return
    with _told(path):
        if make:
            os.makedirs(path, exist_ok=True)
        descriptor = os.open(path, _ROOT)
    try:
        with _told(path):
            names = {os.fsencode(name) for name in os.listdir(descriptor)} - {_NEW_MARKER}
            begun = _read_marker(descriptor) if MARKER in names else None
        if names and begun != restore and not into_non_empty:
            raise _refusal(path, begun)
        yield Target(path, descriptor, resumed=begun == restore)
    finally:
        os.close(descriptor)


def _read_marker(descriptor: int) -> Unfinished | None:
    with open(os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor), "rb") as file:
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(file.read(1 << 16), type=Unfinished)
    return None


def _refusal(path: str, begun: Unfinished | None) -> Refusal:
    if begun:
        return Refusal(
            f"another restore into {path} is unfinished: that of '{begun.path}' of snapshot {begun.snapshot[:8]}",
            "Run that one again to finish it, or choose another folder.",
        )
    return Refusal(
        f"{path} is not empty",
        "Choose an empty folder, or say that files in this one may be replaced.",
    )


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TargetError(
            f"{path} cannot be used as a target: {error.strerror or error}", "Check the path and your access to it."
        ) from error
