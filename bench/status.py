"""How long `covenant status` takes over a thousand sources and a hundred thousand snapshots, as a whole process."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.whole import spread, timed
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
    print(f"covenant status: {spread(walls)}, {spread(processors)} of a processor")


def _source(number: int) -> str:
    return f'\n[sources.s{number:04}]\nkind = "files"\npath = "/srv/{number}"\nclass = "important"\n'


def _kept(number: int, now: datetime) -> Kept:
    time = now - timedelta(minutes=30 * (number // SOURCES))
    kind = "full" if number % 48 == 0 else "incremental"
    return Kept(id=f"{number:064x}", vault="default", source=f"s{number % SOURCES:04}", kind=kind, time=time)


def _asked(home: Path) -> tuple[float, float]:
    """The seconds from the start of the program to its end, and those of a processor."""
    done, seconds, processor = timed(home, "status")
    if b"in all: " not in done.stdout:
        sys.exit(done.stderr.decode())
    return seconds, processor


if __name__ == "__main__":
    main()
