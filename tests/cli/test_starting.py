"""The program starts quickly, because it loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import clean_environment

HEAVY = {"rich", "pydantic", "obstore", "boto3", "sqlite3", "tomllib", "asyncio", "email", "http"}


def loaded(home: Path, *command: str) -> set[str]:
    """The top-level modules that a process has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        env=clean_environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in names}


def test_the_entry_point_loads_click_and_little_else(tmp_path: Path) -> None:
    """``covenant.cli.main`` loads neither the vault nor anything heavy."""
    modules = loaded(tmp_path, "-c", "import covenant.cli.main")

    assert not modules & (HEAVY | {"msgspec", "cryptography", "zstandard", "multiprocessing"})


@pytest.mark.parametrize("command", [("backup", "--path", "photos", "--quiet"), ("snapshots",), ("check",)])
def test_a_command_on_a_folder_loads_nothing_heavy(studio: Studio, command: tuple[str, ...]) -> None:
    """No drawing without a terminal, no validation without covenant.toml, no object store without one."""
    modules = loaded(studio.home, "-m", "covenant", *studio.before, *command)

    assert not modules & HEAVY
