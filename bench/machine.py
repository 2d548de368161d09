"""What the figures were measured on; figures from different machines do not belong side by side."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import disk

LIBRARIES = ("cryptography", "zstandard", "pyfastcdc", "obstore")


def describe(folder: Path) -> dict[str, object]:
    """The machine, the place of the data, and the libraries, as JSON can hold them."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _first_field("/proc/cpuinfo", "model name"),
        "memory": _first_field("/proc/meminfo", "MemTotal"),
        "load_at_start": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "folder": str(folder),
        "file_system": disk.kind(folder),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _first_field(path: str, name: str) -> str:
    """The value of the first ``name : value`` line of a file in ``/proc``."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"
