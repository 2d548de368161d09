"""Seconds that whole programs took, of the clock and of a processor, and how they are told."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Timed(NamedTuple):
    """A program that has ended, and what it took."""

    done: subprocess.CompletedProcess[bytes]
    seconds: float
    processor: float


def timed(home: Path, *words: str) -> Timed:
    """Run Covenant to its end in a folder; what it says is kept. It finds itself compiled, as an installed one does."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "covenant", *words]
    began, spent = time.perf_counter(), _spent()
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, check=False)
    return Timed(done, time.perf_counter() - began, _spent() - spent)


def spread(seconds: Sequence[float]) -> str:
    """The median, with the least and the most."""
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def _spent() -> float:
    """The seconds of a processor that the programs begun here took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
