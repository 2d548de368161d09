"""A folder for the data of one run, which is gone when the run is over, however it ends."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

RAM_DISK = Path("/dev/shm")


def usual() -> Path:
    """The RAM disk, so that the disk is not what is measured; where there is none, the folder for temporary files."""
    return RAM_DISK if RAM_DISK.is_dir() else Path(tempfile.gettempdir())


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new folder in ``folder``. SIGTERM and SIGHUP become SystemExit, so that it is removed then too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    own = Path(tempfile.mkdtemp(prefix="covenant-bench-", dir=folder))
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
