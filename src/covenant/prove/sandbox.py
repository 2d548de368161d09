"""Throw-away folders that restores go into: bounded in bytes, and always removed, also after ``kill -9``.

A restore for a drill must not fill the disk of the machine that takes the backups, and nothing of it may stay behind.
So a sandbox is refused in advance where the snapshot is larger than it may be or the disk has no room, is watched
while it fills, and stands in a ledger before it exists:

    <ledger>/<id>.json      {"folder", "boot", "pid", "began"}

Whoever comes next sweeps: a sandbox whose owner is gone (another boot, no such process, or another process by that
number) is removed, and then its line. A line is removed last, so being killed in the middle of a sweep loses nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec

from covenant.kernel.errors import TargetError
from covenant.prove.processes import Process, this_process

PREFIX = "covenant-sandbox-"
_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{32}")
SPARE = 64 << 20
"""Bytes of the disk that no sandbox ever takes; beside these a twentieth of the disk stays free."""


class _Line(msgspec.Struct, frozen=True):
    """What the ledger says of one sandbox."""

    folder: str
    owner: Process


@dataclass(slots=True)
class Sandbox:
    """One folder, empty at first, and how many bytes of files it may still take."""

    folder: Path
    left: int

    def take(self, size: int) -> None:
        """Say that ``size`` more bytes go in. Raises ``TargetError`` where that is more than was allowed."""
        self.left -= size
        if self.left < 0:
            raise TargetError(
                f"the restore outgrows its sandbox {self.folder} by {-self.left:,} bytes",
                "Let it have more with 'room' in [drills].",
            )


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """Makes sandboxes in a folder, and remembers them in a ledger. ``room`` bounds each; ``None``: the disk does.

    What others must reach is made in ``common``, where there is such a place.
    """

    folder: Path
    ledger: Path
    room: int | None = None
    common: Path | None = None
    owner: Process = field(default_factory=this_process)

    @contextlib.contextmanager
    def open(self, size: int, *, passable: bool = False) -> Iterator[Sandbox]:
        """A sandbox for ``size`` bytes, removed at the end whatever happens.

        One that is ``passable`` lets others through to what is given to them: a server that is not to be root's.

        Raises ``TargetError`` where so much is not allowed, has no room, or the folder cannot be made.
        """
        above = self.common or self.folder if passable else self.folder
        self.refuse(size, above)
        name = f"{PREFIX}{uuid4().hex}"
        folder, line = above / name, self.ledger / f"{name}.json"
        try:
            self.ledger.mkdir(parents=True, exist_ok=True)
            above.mkdir(parents=True, exist_ok=True)
            line.write_bytes(msgspec.json.encode(_Line(str(folder), self.owner)))  # before there is a folder
            folder.mkdir(mode=0o700)
            if passable:
                folder.chmod(0o711)
        except OSError as error:
            raise TargetError(
                f"no sandbox can be made in {above}: {error.strerror}", "Name another 'folder' in [drills]."
            ) from error
        try:
            yield Sandbox(folder, self.room if self.room is not None else _free(above))
        finally:
            _remove(folder, line)

    def refuse(self, size: int, above: Path) -> None:
        """Raise ``TargetError`` where ``size`` bytes are not allowed, or the disk has no room for them there."""
        if self.room is not None and size > self.room:
            raise TargetError(
                f"it has {size:,} bytes, and a sandbox may have {self.room:,}",
                "Let it have more with 'room' in [drills].",
            )
        free = _free(above)
        if size > free:
            raise TargetError(
                f"it has {size:,} bytes, and {above} has room for {max(0, free):,}",
                "Make room there, or name another 'folder' in [drills].",
            )

    def sweep(self) -> tuple[Path, ...]:
        """Remove the sandboxes whose owners are gone; which these were."""
        swept = []
        for line in sorted(self.ledger.glob(f"{PREFIX}*.json")):
            try:
                said = msgspec.json.decode(line.read_bytes(), type=_Line)
            except FileNotFoundError:
                continue  # somebody else sweeps too
            except msgspec.MsgspecError:
                line.unlink(missing_ok=True)  # it was being written when its owner died, before there was a folder
                continue
            if not said.owner.alive():
                _remove(Path(said.folder), line)
                swept.append(Path(said.folder))
        return tuple(swept)


def _free(above: Path) -> int:
    """How many bytes a sandbox may take of the disk that it would lie on."""
    disk = shutil.disk_usage(next(folder for folder in (above, *above.parents) if folder.exists()))
    return disk.free - max(SPARE, disk.total // 20)


def _remove(folder: Path, line: Path) -> None:
    """Remove a sandbox, and only one, and then its line."""
    if _NAME.fullmatch(folder.name) and not folder.is_symlink():
        _make_removable(folder)
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        line.unlink(missing_ok=True)


def _make_removable(folder: Path) -> None:
    """Restored directories may forbid their own owner to empty them."""
    for path, below, _ in os.walk(folder):  # each is opened up before the walk goes into it
        for name in below:
            inner = os.path.join(path, name)
            with contextlib.suppress(OSError):
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
