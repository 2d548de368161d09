"""What was seen to be wrong with single copies, remembered for healing.

A worker process that meets a damaged copy reads another one and goes on; so that its coordinator can tell, and
``covenant region heal`` can find the copy without reading everything, it is written down: one line a sighting, appended
to a file of the local cache. The file is only a hint. Losing it costs a pass of ``heal --verify``.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from covenant.kernel.findings import Finding

Trouble = Literal["damaged", "missing"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A copy that is not as it should be."""

    region: str
    name: str
    trouble: Trouble

    def finding(self) -> Finding:
        """The same, for a person."""
        return Finding(
            f"copy-{self.trouble}",
            self.name,
            f"the copy in region '{self.region}' is {self.trouble}; it was read from another region",
            "Run 'covenant region heal'.",
        )


class Sightings:
    """The sightings of one vault: those of this process, and with a file those of others too. Thread-safe."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._ours: dict[Sighting, None] = {}
        self._before = _size(path)

    def add(self, sighting: Sighting) -> None:
        """Remember one; the same one only once."""
        with self._lock:
            if sighting in self._ours:
                return
            self._ours[sighting] = None
        if self._path is not None:
            with contextlib.suppress(OSError):  # a hint, no more
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a") as file:
                    file.write(json.dumps(astuple(sighting)) + "\n")

    def fresh(self) -> tuple[Sighting, ...]:
        """What this process saw, and what others wrote down since it began."""
        return tuple({**self._ours, **dict.fromkeys(self._written(self._before))})

    def all(self) -> tuple[Sighting, ...]:
        """Everything that is remembered."""
        return tuple({**dict.fromkeys(self._written(0)), **self._ours})

    def settle(self, healed: Iterable[Sighting]) -> None:
        """Forget what is healed."""
        gone = set(healed)
        left = [sighting for sighting in self.all() if sighting not in gone]
        self._ours = dict.fromkeys(left)
        if self._path is not None:
            with contextlib.suppress(OSError):
                aside = self._path.with_suffix(f".{os.getpid()}")
                aside.write_text("".join(json.dumps(astuple(sighting)) + "\n" for sighting in left))
                aside.replace(self._path)

    def _written(self, since: int) -> list[Sighting]:
        if self._path is None:
            return []
        try:
            with self._path.open() as file:
                file.seek(since)
                return [Sighting(*json.loads(line)) for line in file if line.endswith("\n")]
        except (OSError, ValueError, TypeError):
            return []


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path else 0
    except OSError:
        return 0
