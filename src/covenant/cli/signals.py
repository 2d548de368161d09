"""Stopping cleanly: the first SIGINT or SIGTERM asks the work to finish what it has, a second ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from covenant.cli.output import Output
from covenant.kernel.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the work was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal = 0

    @property
    def exit_code(self) -> int:
        """What a process that a signal stopped ends with."""
        return 128 + (self.signal or signal.SIGINT)


@contextlib.contextmanager
def stopping(note: Callable[[str], None]) -> Iterator[Stop]:
    """While the work lasts, let signals ask it to stop; ``note`` tells the user that it was understood."""
    stop = Stop()

    def asked(number: int, frame: FrameType | None) -> None:
        if stop.signal:
            os._exit(128 + number)  # asked twice: at once, leaving a lock that counts as stale
        stop.signal = number
        stop.event.set()
        note("finishing what was begun; once more to stop at once")

    before = {number: signal.signal(number, asked) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def end_at_once(output: Output, code: int) -> NoReturn:
    """End the process without waiting for its threads: an orderly end would wait for each pack that is under way.

    What is left behind is what a kill leaves: packs that nobody names yet, and a lock that counts as stale.
    """
    output.out.flush()
    output.err.flush()
    os._exit(code)


def until_stopped(output: Output, work: Callable[[Stop], int]) -> int:
    """Do work that can be asked to stop; returns its exit code, or that of the signal which stopped it.

    Whatever fails after a signal failed because of it: a service that is stopped loses its worker processes too.
    """
    with stopping(output.note) as stop:
        try:
            return work(stop)
        except Exception as error:
            if not stop.signal:
                raise
            told = error if isinstance(error, Interrupted) else Interrupted("stopped by a signal", "Run it again.")
            output.failure(told, stop.exit_code)
            return stop.exit_code
