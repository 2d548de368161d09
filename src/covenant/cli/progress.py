"""How far the work is, shown on a terminal and nowhere else.

The working threads only count; a thread of its own looks ten times a second and draws. In a pipe, with ``--quiet``,
``--json`` or ``--no-progress`` nobody listens at all.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import IO, Any

from covenant.kernel.progress import Progress, Silent

_SECONDS_BETWEEN = 0.1


@contextlib.contextmanager
def shown(title: str, stream: IO[str], wanted: bool) -> Iterator[Progress]:
    """Show the progress of one piece of work on ``stream`` while it lasts, if it is wanted there."""
    if not (wanted and stream.isatty()):
        yield Silent()
        return
    count = Count()
    stop = threading.Event()
    drawer = threading.Thread(target=_draw, args=(title, stream, count, stop), daemon=True)
    drawer.start()
    try:
        yield count
    finally:
        stop.set()
        drawer.join()


class Count:
    """How much there is, and how much of it is done."""

    def __init__(self) -> None:
        self.files = self.all_files = 0
        self.bytes = self.all_bytes = 0
        self._lock = threading.Lock()

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        self.all_files, self.all_bytes = files, bytes

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        with self._lock:
            self.files += files
            self.bytes += bytes


def _draw(title: str, stream: IO[str], count: Count, stop: threading.Event) -> None:
    """Draw until told to stop. The library behind it is loaded here, beside the work and not before it."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TextColumn("{task.fields[files]}"),
        TimeElapsedColumn(),
        console=Console(file=stream),
        auto_refresh=False,
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=None, files="")
        while not stop.wait(_SECONDS_BETWEEN):
            bar.update(task, refresh=True, **_state(count))
        bar.update(task, refresh=True, **_state(count))


def _state(count: Count) -> dict[str, Any]:
    total = max(count.all_bytes, count.bytes) if count.all_bytes else None
    of = f" of {max(count.all_files, count.files):,}" if count.all_files else ""
    return {"completed": count.bytes, "total": total, "files": f"{count.files:,}{of} files" if count.files else ""}
