"""Following a change log: what its source sends is sealed at an interval, and sooner where much comes.

One thread listens, so that the source is answered in time however slow the vault is; another seals. What came and is
not sealed is bounded: beyond the bound the source has to wait, which it does by keeping its log. What is not durable is
never acknowledged, so whoever dies here at any moment loses nothing that its source does not send again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, LeaseLost, ObjectMissing
from covenant.protect.ports import Batch, LogSource, LogStream
from covenant.protect.sealing import Sealed, Sealing, SealingJob
from covenant.vault.pieces import Piece

SEAL_AT = 16 << 20
"""So many bytes are sealed at once, whatever the interval."""
SIGN_OF_LIFE = timedelta(seconds=60)
"""Where nothing is logged, so often it is said in the vault that nothing was."""

_LISTEN_SECONDS = 0.2


@dataclass(slots=True)
class Following:
    """One log to be followed. ``last`` are the last pieces of it that the vault has; ``told`` hears of each new one."""

    source: LogSource
    sealing: SealingJob
    last: Sequence[Piece]
    interval: timedelta = timedelta(seconds=10)
    stop: threading.Event = field(default_factory=threading.Event)
    told: Callable[[Sealed], None] = lambda sealed: None
    sign_of_life: timedelta = SIGN_OF_LIFE


def follow(following: Following) -> None:
    """Follow a log until ``stop`` is set; then what came is sealed, and the source has heard of it.

    Raises what the source, the vault or its store raise. What was acknowledged until then stays.
    """
    with following.source.stream(following.last) as stream, ThreadPoolExecutor(1, "seal") as aside:
        _Follower(following, stream, aside).run()


class _Follower:
    """The listening thread's work."""

    def __init__(self, following: Following, stream: LogStream, aside: ThreadPoolExecutor) -> None:
        self._following = following
        self._clock = following.sealing.clock
        self._stream = stream
        self._aside = aside
        self._sealing = Sealing(following.sealing, stream.after)
        self._under_way: Future[list[Sealed]] | None = None
        self._due_at = self._clock.monotonic() + following.interval.total_seconds()
        self._said_at = self._clock.monotonic()

    def run(self) -> None:
        """Listen and have sealed, until told to stop and everything is sealed."""
        while True:
            stopping = self._following.stop.is_set()
            self._stream.receive(0.0 if stopping else _LISTEN_SECONDS)
            self._collect(wait=stopping)
            if self._under_way is None and (stopping or self._due()):
                batches = self._take(stopping)
                if batches:
                    self._under_way = self._aside.submit(self._seal, batches)
                elif stopping:
                    return

    def _due(self) -> bool:
        return self._stream.waiting >= SEAL_AT or self._clock.monotonic() >= self._due_at

    def _take(self, stopping: bool) -> list[Batch]:
        now = self._clock.monotonic()
        self._due_at = now + self._following.interval.total_seconds()
        if not self._stream.waiting and (
            stopping or now - self._said_at < self._following.sign_of_life.total_seconds()
        ):
            return []
        self._said_at = now
        return self._stream.take()

    def _seal(self, batches: list[Batch]) -> list[Sealed]:
        return [self._sealing.seal(batch) for batch in batches]

    def _collect(self, wait: bool) -> None:
        """What is durable now is acknowledged. An error of the sealing thread is raised here."""
        if self._under_way is None or not (wait or self._under_way.done()):
            return
        sealed, self._under_way = self._under_way.result(), None
        for each in sealed:
            self._stream.acknowledge(each.piece.span)
            self._following.told(each)


# -- again and again --------------------------------------------------------------------------------------------------

_LONGEST_PAUSE = 60.0
_WELL_SECONDS = 60.0
"""Who followed for so long was well: the next failure is the first again."""


def persist(
    attempt: Callable[[], None],
    clock: Clock,
    stop: threading.Event,
    told: Callable[[CovenantError, int, float], None],
    *,
    whatever: bool = False,
) -> None:
    """Follow again after what may pass: the network, a restart of the server, a vault that is held by others.

    ``told`` hears the error, how many there were in a row, and for how many seconds we pause. With ``whatever``
    nothing else ends it either, for a setting may be put right meanwhile; without, it is raised.
    """
    failures = 0
    while not stop.is_set():
        began = clock.monotonic()
        try:
            attempt()
            return
        except LeaseLost:
            raise
        except CovenantError as error:
            if not (whatever or error.transient or isinstance(error, ObjectMissing)):
                raise
            failures = 1 if clock.monotonic() - began > _WELL_SECONDS else failures + 1
            pause = min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 6))
            told(error, failures, pause)
            stop.wait(pause)
