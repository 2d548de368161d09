"""How long `covenant status` takes over a thousand sources and a hundred thousand snapshots, as a whole process."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Kept

SOURCES, SNAPSHOTS, TIMES = 1000, 100_000, 7
TOML = '[vault]\nurl = "vault"\n\n[catalog]\npath = "catalog.db"\n'


def main() -> None:
    """Make the catalog, ask, and print the median and the spread."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "covenant.toml").write_text(TOML + "".join(map(_source, range(SOURCES))))
        now = datetime.now(UTC)
        with open_catalog(home / "catalog.db") as catalog:
            catalog.take_up("default", [_kept(number, now) for number in range(SNAPSHOTS)], now=now)
        _asked(home)
        walls, processors = zip(*(_asked(home) for _ in range(TIMES)), strict=True)
    print(f"covenant status: {_spread(walls)}, {_spread(processors)} of a processor")


def _source(number: int) -> str:
    return f'\n[sources.s{number:04}]\nkind = "files"\npath = "/srv/{number}"\nclass = "important"\n'


def _kept(number: int, now: datetime) -> Kept:
    time = now - timedelta(minutes=30 * (number // SOURCES))
    kind = "full" if number % 48 == 0 else "incremental"
    return Kept(id=f"{number:064x}", vault="default", source=f"s{number % SOURCES:04}", kind=kind, time=time)


def _asked(home: Path) -> tuple[float, float]:
    """The seconds from the start of the program to its end, and those of a processor.

    The program finds itself compiled, as an installed one does.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, spent = time.perf_counter(), _spent()
    done = subprocess.run(
        [sys.executable, "-m", "covenant", "status"], cwd=home, env=environment, capture_output=True, check=False
    )
    took = time.perf_counter() - began
    if b"in all: " not in done.stdout:
        sys.exit(done.stderr.decode())
    return took, _spent() - spent


def _spent() -> float:
    """The seconds of a processor that the programs begun here took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main()
