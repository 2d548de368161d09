"""kill -9 in the middle of what takes away: real processes, real signals, at several moments of their work."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import ended, started

COMMANDS = {
    "prune": ("prune", "--max-unused", "0"),
    "forget": ("forget", "--keep-last", "1", "--prune"),
    "rewrite": ("rewrite", "--path", "PHOTOS", "--exclude", "gone-*", "--forget"),
    "tag": ("tag", "--add", "kept"),
    "repair": ("repair", "index", "--read-all-packs"),
}


def objects(vault: Path) -> set[str]:
    """Every object of the vault but its locks, by path."""
    return {
        os.path.join(folder, name)
        for folder, _, names in os.walk(vault)
        if not folder.endswith("locks")
        for name in names
        if "~" not in name
    }


@pytest.fixture
def grown(studio: Studio) -> Studio:
    """A vault with several snapshots, of which one was forgotten; each with bytes of its own."""
    for number in range(3):
        (studio.photos / f"gone-{number}").write_bytes(os.urandom(300_000))
        (studio.photos / f"kept-{number}").write_bytes(os.urandom(300_000))
        assert 0 == studio.here("backup", "--path", studio.photos).code
    first = studio.here("snapshots", "--json").document["snapshots"][0]["short_id"]
    assert 0 == studio.here("forget", first).code
    return studio


@pytest.mark.parametrize("changes", [1, 2, 3])
@pytest.mark.parametrize("what", COMMANDS)
def test_killed_and_run_again(grown: Studio, what: str, changes: int) -> None:
    """Killed after its first, second or third visible change, the vault is whole, and the same command completes."""
    words = tuple(str(grown.photos) if word == "PHOTOS" else word for word in COMMANDS[what])
    command = (*grown.before, *words)
    before, seen = objects(grown.vault), 0

    process = started(grown.home, *command)
    while process.poll() is None and seen < changes:
        now = objects(grown.vault)
        seen += now != before
        before = now
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    ended(process)

    checked = grown.here("check", "--read-data")
    assert 0 == checked.code, checked.out + checked.err
    again = grown.here(*words)
    assert 0 == again.code, again.err
    newest = grown.here("ls", "latest", "--recursive").out
    assert all(f"kept-{number}" in newest for number in range(3))
    assert 0 == grown.here("check", "--read-data").code
