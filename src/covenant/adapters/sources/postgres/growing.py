"""What came of the log and is not sealed yet, in the files that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from covenant.adapters.sources.postgres.wal import segment_at
from covenant.protect.ports import Growth
from covenant.vault.ports import Buffer


@dataclass(slots=True)
class Run:
    """Bytes of one timeline, without a gap: from ``begin`` up to ``end``."""

    timeline: int
    begin: int
    end: int
    growths: list[Growth] = field(default_factory=list)


class Growing:
    """Puts bytes into the files of the log. ``at`` is the place that the next byte has."""

    def __init__(self, timeline: int, at: int, segment_size: int) -> None:
        self.timeline = timeline
        self.at = at
        self.waiting = 0
        """How many bytes are here."""
        self._size = segment_size
        self._runs: list[Run] = []

    def add(self, data: Buffer) -> None:
        """The next bytes."""
        run = self._run()
        view = memoryview(data)
        while view:
            segment = segment_at(self.timeline, self.at, self._size)
            if not run.growths or run.growths[-1].name != segment.name:
                run.growths.append(Growth(segment.name, self.at - segment.begin, bytearray(), self._size))
            piece = view[: segment.end - self.at]
            run.growths[-1].data.extend(piece)
            self.at += len(piece)
            self.waiting += len(piece)
            view = view[len(piece) :]
        run.end = self.at

    def turn(self, timeline: int, at: int) -> None:
        """The log goes on in another timeline."""
        self.timeline, self.at = timeline, at

    def take(self) -> Iterator[Run]:
        """What is here, which is forgotten here."""
        runs, self._runs, self.waiting = self._runs, [], 0
        yield from runs

    def _run(self) -> Run:
        if not self._runs or self._runs[-1].timeline != self.timeline or self._runs[-1].end != self.at:
            self._runs.append(Run(self.timeline, self.at, self.at))
        return self._runs[-1]
