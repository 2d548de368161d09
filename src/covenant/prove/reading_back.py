"""Reading copies back: every byte of each, compared with the name that is its hash; packs opened where the key is.

A copy that was read and is not what its name says is *damaged*. One that could not be read, because its region does not
answer, its store failed, or it must be thawed first, is *not verified*: that says nothing of its bytes, and never
counts as passed. One that has been let go meanwhile is neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, DamageError, ObjectArchived, ObjectMissing, StoreUnavailable
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress
from covenant.prove.marks import Mark
from covenant.prove.rolling import Copy, State
from covenant.replicate.naming import is_whole
from covenant.replicate.region import Region
from covenant.vault.names import CONFIG

Proof: TypeAlias = Callable[[str, bytes], None]
"""Looks further into an object whose bytes are what its name says. Raises ``DamageError``."""

Keep: TypeAlias = Callable[[str, Mapping[str, Mark]], None]
"""Remembers what looks at a region's copies came to; called now and then, from any thread, never twice at once."""

DAMAGED = "copy-damaged"
"""The kind of finding that another copy can mend."""

_SECONDS_BETWEEN_KEEPING = 5.0
_TRIES = 3
"""So many copies in a row that a region does not give, and it is taken to be away."""


class Errand(NamedTuple):
    """One copy that shall be read."""

    region: Region
    copy: Copy


@dataclass(slots=True)
class Tally:
    """What the reading of one region came to. ``unread`` copies could not be verified, and ``why``; ``archived`` ones
    are to be thawed first.
    """

    objects: int = 0
    bytes: int = 0
    damaged: list[Finding] = field(default_factory=list)
    unread: int = 0
    archived: int = 0
    gone: int = 0
    why: str = ""
    seconds: float = 0.0
    """From the first byte to the last: regions may be read side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to read. ``proofs`` are, by region, what looks further into its objects."""

    clock: Clock
    progress: Progress
    lanes: int = 2
    stop: threading.Event = field(default_factory=threading.Event)
    proofs: Mapping[str, Proof] = field(default_factory=dict)


def read_back(errands: Iterable[Errand], keep: Keep, manner: Manner) -> dict[str, Tally]:
    """Read copies, in their order, until all are read or it is told to stop; what each region's came to."""
    reading = _Reading(iter(errands), keep, manner)
    threads = [threading.Thread(target=reading.lane, name="verify", daemon=True) for _ in range(manner.lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading.end()
    return reading.tallies


class _Reading:
    """One reading, as it goes along; thread-safe."""

    def __init__(self, errands: Iterator[Errand], keep: Keep, manner: Manner) -> None:
        self.tallies: dict[str, Tally] = {}
        self._errands = errands
        self._keep = keep
        self._manner = manner
        self._lock = threading.Lock()
        self._looks: dict[str, dict[str, Mark]] = {}
        self._in_a_row: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._kept_at = manner.clock.monotonic()
        self._failure: BaseException | None = None

    def lane(self) -> None:
        """Read one copy after another."""
        try:
            while (errand := self._take()) is not None:
                self._read(errand)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._failure = self._failure or error

    def end(self) -> None:
        """Remember the rest. Raises what stopped a lane."""
        self._remember()
        if self._failure is not None:
            raise self._failure

    def _take(self) -> Errand | None:
        """The next copy; those of a region that is away are passed over, and counted."""
        with self._lock:
            while not (self._manner.stop.is_set() or self._failure):
                errand = next(self._errands, None)
                if errand is None:
                    return None
                tally = self.tallies.setdefault(errand.region.name, Tally())
                self._began.setdefault(errand.region.name, self._manner.clock.monotonic())
                if self._in_a_row.get(errand.region.name, 0) < _TRIES:
                    return errand
                tally.unread += 1
            return None

    def _read(self, errand: Errand) -> None:
        region, copy = errand
        try:
            data = region.ask(lambda store: store.get(copy.name))
        except ObjectMissing:
            with self._lock:
                self.tallies[region.name].gone += 1
        except ObjectArchived:
            with self._lock:
                self.tallies[region.name].archived += 1
                self._look(errand, State.ARCHIVED)
        except DamageError as error:
            self._count(errand, 0, _damaged(errand, error.message))
        except CovenantError as error:
            self._could_not(errand, error)
        else:
            self._count(errand, len(data), self._trouble(errand, data))

    def _trouble(self, errand: Errand, data: bytes) -> Finding | None:
        """What is wrong with the bytes of a copy."""
        name = errand.copy.name
        if not is_whole(name, data):
            return _damaged(errand, "its bytes do not match its name")
        proof = self._manner.proofs.get(errand.region.name)
        try:
            if proof is not None:
                proof(name, data)
        except DamageError as error:
            return _damaged(errand, error.message) if name == CONFIG else _unsound(errand, error.message)
        return None

    def _count(self, errand: Errand, size: int, trouble: Finding | None) -> None:
        """A copy was read."""
        manner, region = self._manner, errand.region.name
        with self._lock:
            tally = self.tallies[region]
            tally.seconds = manner.clock.monotonic() - self._began[region]
            tally.objects += 1
            tally.bytes += size
            self._in_a_row[region] = 0
            if trouble is not None:
                tally.damaged.append(trouble)
            self._look(errand, State.WHOLE if trouble is None else State.DAMAGED)
        manner.progress.advance(files=1, bytes=size)

    def _look(self, errand: Errand, state: State) -> None:
        """Take down what a look came to, and keep what was taken down if that was long ago."""
        clock = self._manner.clock
        looks = self._looks.setdefault(errand.region.name, {})
        looks[errand.copy.name] = Mark(int(clock.now().timestamp()), state)
        if clock.monotonic() - self._kept_at >= _SECONDS_BETWEEN_KEEPING:
            self._remember()

    def _could_not(self, errand: Errand, error: CovenantError) -> None:
        with self._lock:
            tally = self.tallies[errand.region.name]
            tally.unread += 1
            tally.why = tally.why or error.message
            if isinstance(error, StoreUnavailable):
                self._in_a_row[errand.region.name] = self._in_a_row.get(errand.region.name, 0) + 1

    def _remember(self) -> None:
        looks, self._looks = self._looks, {}
        self._kept_at = self._manner.clock.monotonic()
        for region, found in looks.items():
            self._keep(region, found)


def _damaged(errand: Errand, trouble: str) -> Finding:
    where = f"the copy in region '{errand.region.name}' is damaged: {trouble}"
    return Finding(DAMAGED, errand.copy.name, where, "Run 'covenant region heal'.")


def _unsound(errand: Errand, trouble: str) -> Finding:
    """Every copy has the same bytes: none can mend another."""
    hint = "Run 'covenant check --read-data' to see what it costs, and what to do."
    return Finding("object-unsound", errand.copy.name, f"it was written damaged: {trouble}", hint)
