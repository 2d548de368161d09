"""Processes that work on one vault beside this one.

Threads share one interpreter, which large pieces leave free and small ones do not; so whoever has very many small
pieces gives them to processes. A worker is started from a clean server process, never as a copy of this one: it
imports nothing of the program that we were started as, holds no lock that some thread of ours held, and what it is
told (a key among it) reaches it through a pipe, never as an argument that others could see.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import connection, forkserver, get_context, parent_process, resource_tracker, util
from typing import TypeVar

_Assignment = TypeVar("_Assignment")


def start_worker(enlist: Callable[[_Assignment], None], assignment: _Assignment) -> ProcessPoolExecutor:
    """One process, starting now, that calls ``enlist(assignment)`` before anything else.

    Both must be picklable; ``enlist`` is a module's own function, and begins with ``become_worker``.
    """
    _stop_server_at_exit()
    context = get_context("forkserver")
    context.set_forkserver_preload([enlist.__module__])
    pool = ProcessPoolExecutor(1, context, initializer=enlist, initargs=(assignment,))
    with _without_main():
        pool.submit(os.getpid)  # starts the process now
    return pool


@cache
def _stop_server_at_exit() -> None:
    """When a command ends, nothing of it runs on: not even, for a moment, the processes that start workers.

    Last of all, after the semaphores are given back, which the tracker keeps count of.
    """
    util.Finalize(None, _stop_server, exitpriority=-100)


def _stop_server() -> None:
    for server in (forkserver._forkserver, resource_tracker._resource_tracker):
        stop = getattr(server, "_stop", None)
        if stop is not None:
            with contextlib.suppress(OSError):
                stop()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep a starting worker from importing the program that we were started as: it needs none of it."""
    main = sys.modules["__main__"]
    said = ("__file__", "__spec__")
    hidden: dict[str, object] = {name: main.__dict__.pop(name) for name in said if name in main.__dict__}
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)


def become_worker() -> None:
    """Inside a worker: signals to stop are the coordinator's business, and when it dies, so do we."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a whole group is told to stop; what we hold is handed back first
    threading.Thread(target=_die_with_parent, daemon=True).start()
    gc.disable()  # nothing here makes cycles


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
