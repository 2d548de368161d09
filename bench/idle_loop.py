"""What an idle `covenant run` costs: a thousand sources of which nothing is due for days, for a minute of the clock.

.venv/bin/python -m bench.idle_loop [SECONDS] [TIMES]

The daemon is the whole one: it renews its lease, follows its `covenant.toml`, looks at how things stand for alerts, and
has its numbers ready. Each source has twenty good runs behind it. What counts is the processor time of the process, as
the kernel keeps it, after it has settled.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Run, State

SOURCES, RUNS_EACH, SETTLING = 1000, 20, 20.0
TOML = """
[vault]
url = "vault"
password = { file = "vault.key" }
chores = { sync = "never", forget = "never", prune = "never", check = "never", lock = "never", verify = "never" }

[catalog]
path = "catalog.db"

[metrics]
listen = "127.0.0.1:0"

[classes.yearly]
rpo = "400d"
rto = "1d"
schedule = { full = "0 0 1 1 *", incremental = "0 0 1 7 *" }
"""


def main(seconds: float = 60.0, times: int = 5) -> None:
    """Let a daemon idle, and print the median share of a core and the spread."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _furnish(home)
        daemon = subprocess.Popen(_covenant("run"), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            time.sleep(SETTLING)
            shares = sorted(_share(daemon.pid, seconds) for _ in range(times))
        finally:
            daemon.send_signal(signal.SIGTERM)
            said = daemon.communicate()[0].decode()
    print(f"idle covenant run: {statistics.median(shares):.2%} of a core ({shares[0]:.2%} to {shares[-1]:.2%})")
    if any(word in said for word in ("began", "failed", "HINT")):
        sys.exit(f"the daemon was not idle:\n{said}")


def _furnish(home: Path) -> None:
    """A vault, and a catalog in which everything that was due is done."""
    (home / "vault.key").write_text("secret")
    (home / "vault.key").chmod(0o600)
    (home / "covenant.toml").write_text(TOML + "".join(map(_source, range(SOURCES))))
    subprocess.run(_covenant("init"), cwd=home, check=True, capture_output=True)
    now = datetime.now(UTC)
    with open_catalog(home / "catalog.db") as catalog:
        catalog.restore(_pages(now), now)


def _covenant(*words: str) -> list[str]:
    return [sys.executable, "-m", "covenant", *words]


def _source(number: int) -> str:
    return f'\n[sources.s{number:04}]\nkind = "files"\npath = "/srv/{number}"\nclass = "yearly"\n'


def _pages(now: datetime) -> Iterator[bytes]:
    """Good runs, the last of each source an hour ago."""
    for age in range(RUNS_EACH, 0, -1):
        began = now - timedelta(hours=age)
        yield msgspec.json.encode({"version": 1, "runs": [_run(age * SOURCES + n, n, began) for n in range(SOURCES)]})


def _run(run_id: int, source: int, began: datetime) -> Run:
    return Run(
        id=run_id,
        uid=f"{run_id:032x}",
        vault="default",
        subject=f"s{source:04}",
        kind="full",
        reason="due",
        state=State.DONE,
        due_at=began,
        started_at=began,
        ended_at=began + timedelta(minutes=1),
        lease="loop",
        fence=1,
        tally={"files": 9000, "bytes": 5_000_000_000, "added_bytes": 4_000_000, "files_new": 9, "files_changed": 20},
    )


def _share(pid: int, seconds: float) -> float:
    """The share of a core that a process takes for so long."""
    began, spent = time.monotonic(), _spent(pid)
    time.sleep(seconds)
    return (_spent(pid) - spent) / (time.monotonic() - began)


def _spent(pid: int) -> float:
    """The seconds of a processor that a process took so far: fields 14 and 15 of its `stat`, by proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((float, int), sys.argv[1:], strict=False)))
