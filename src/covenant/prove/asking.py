"""Asking a probe: bounded in time, and whatever goes wrong with the asking is *could not verify*.

A probe that hangs in a system call cannot be stopped. Its thread is left behind, and its answer, should it ever come,
counts for nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import Clock
from covenant.kernel.errors import Interrupted
from covenant.prove.ports import OutOfTime, Probe, Restored, Said

GRACE = 2.0
"""So many seconds beyond its time a probe may take to notice that it is over."""


_LOOK_SECONDS = 0.2
_NEVER = threading.Event()


def ask(probe: Probe, restored: Restored, clock: Clock, stop: threading.Event = _NEVER) -> Answer:
    """What a probe answers, within its time. Raises ``Interrupted`` where ``stop`` is set meanwhile."""
    began = clock.monotonic()
    lacking = [name for name in probe.needs if name not in restored.beside]
    if lacking:
        said = Said(Result.COULD_NOT_VERIFY, f"source '{lacking[0]}' was not restored beside it")
    else:
        said = _bounded(lambda: _said(probe, restored, clock, stop), probe.within, stop)
    return Answer(probe.question, said.result, said.evidence, clock.monotonic() - began)


def _said(probe: Probe, restored: Restored, clock: Clock, stop: threading.Event) -> Said:
    ends = clock.monotonic() + probe.within

    def hurry() -> None:
        if clock.monotonic() > ends or stop.is_set():
            raise OutOfTime

    try:
        return probe.ask(restored, hurry)
    except OutOfTime:
        return _late(probe.within)
    except Exception as error:  # noqa: BLE001 - whatever it is, the question was not answered
        told = str(error) or "no reason given"
        return Said(Result.COULD_NOT_VERIFY, f"it could not be asked: {type(error).__name__}: {told}")


def _bounded(question: Callable[[], Said], seconds: float, stop: threading.Event) -> Said:
    answers: queue.SimpleQueue[Said] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(question()), name="probe", daemon=True).start()
    left = seconds + GRACE
    while left > 0 and not stop.is_set():
        with suppress(queue.Empty):
            return answers.get(timeout=min(left, _LOOK_SECONDS))
        left -= _LOOK_SECONDS
    if stop.is_set():
        raise Interrupted("the drill was stopped", "Hold it again.")
    return _late(seconds)


def _late(seconds: float) -> Said:
    return Said(Result.COULD_NOT_VERIFY, f"no answer within {seconds:g} s")
