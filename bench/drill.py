"""What a drill costs beside the restore that it rehearses and the questions that it asks: each source by itself."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from bench.whole import spread

TIMES = 5
MIB = 1 << 20
TOML = """
[vault]
url = "vault"
password = { file = "password" }

[sources.large]
kind = "files"
path = "large"
class = "critical"

[sources.small]
kind = "files"
path = "small"
class = "critical"

[sources.database]
kind = "sqlite"
path = "studio.db"
class = "critical"
"""


def main() -> None:
    """Make the sources, keep them, and print for each the median and the spread of its drills."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _prepare(home)
        for name in ("large", "small", "database"):
            restores = [_timed(lambda name=name: _restored(home, name)) for _ in range(TIMES)]  # type: ignore[misc]
            drills = [_drilled(home, name) for _ in range(TIMES)]
            steps = {step: statistics.median(drill[step] for drill in drills) for step in drills[0]}
            told = ", ".join(f"{step} {took:.2f} s" for step, took in steps.items() if step != "whole")
            alone, share = statistics.median(restores), statistics.median(restores) + steps["validate"]
            print(f"{name}: restore {spread(restores)}, drill {spread([drill['whole'] for drill in drills])}")
            print(f"  {told}; {steps['whole'] / share:.2f} × ({alone:.2f} s restore and its probes)", flush=True)


def _prepare(home: Path) -> None:
    noise = Random(7)
    (home / "covenant.toml").write_text(TOML)
    (home / "password").write_text("correct horse\n")
    (home / "password").chmod(0o600)
    for number in range(64):
        _write(home / "large" / f"{number}.raw", noise.randbytes(4 * MIB))
    for number in range(5_000):
        _write(home / "small" / f"{number % 200}" / f"{number}.txt", noise.randbytes(4096))
    with closing(sqlite3.connect(home / "studio.db")) as database:
        database.execute("CREATE TABLE pieces (id INTEGER PRIMARY KEY, piece BLOB)")
        database.executemany("INSERT INTO pieces VALUES (?, ?)", _pieces(noise))
        database.commit()
    for words in (("init",), ("backup", "--quiet")):
        _covenant(home, *words)


def _pieces(noise: Random) -> Iterator[tuple[int, bytes]]:
    return ((number, noise.randbytes(MIB)) for number in range(256))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _restored(home: Path, name: str) -> None:
    _covenant(home, "restore", name, "--target", str(home / "out"), "--quiet")


def _timed(work: Callable[[], None]) -> float:
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _drilled(home: Path, name: str) -> dict[str, float]:
    """How long each step of a drill took, and the whole from the start of the program to its end."""
    shutil.rmtree(home / "out", ignore_errors=True)
    os.sync()
    began = time.perf_counter()
    record = json.loads(_covenant(home, "drill", "run", "monthly", name, "--json"))
    whole = time.perf_counter() - began
    if record["result"] != "passed":
        sys.exit(json.dumps(record))
    return {step["name"]: step["seconds"] for step in record["drill"]["sources"][0]["steps"]} | {"whole": whole}


def _covenant(home: Path, *words: str) -> bytes:
    shutil.rmtree(home / "out", ignore_errors=True)
    environment = {**os.environ, "COVENANT_STATE_DIR": str(home / "state"), "COVENANT_CACHE_DIR": str(home / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "covenant", *words], cwd=home, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr.decode())
    return done.stdout


if __name__ == "__main__":
    main()
