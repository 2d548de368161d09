"""The real program restic, on vaults of ours and of its own, with keys that cost little to open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from covenant.kernel.clock import SystemClock
from covenant.vault.keys import Cost, decode_key, open_key, seal_key


@dataclass(frozen=True, slots=True)
class Restic:
    """The program, and the repository that it works on."""

    repository: Path
    password: str

    def run(self, *words: str, password: str | None = None) -> str:
        """What it prints. It must succeed."""
        done = self.attempt(*words, password=password)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *words: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
        """What came of it, success or not."""
        assert shutil.which("restic"), "the program restic is missing: apt-get install restic"
        given = {"RESTIC_REPOSITORY": str(self.repository), "RESTIC_PASSWORD": password or self.password}
        return subprocess.run(
            ["restic", "--no-cache", *words], env=os.environ | given, capture_output=True, text=True, check=False
        )

    def init(self, version: int = 2) -> None:
        """A new repository, whose key costs a millisecond instead of half a second."""
        self.run("init", "--repository-version", str(version))
        self.make_cheap(self.password)

    def make_cheap(self, password: str) -> None:
        """Put a key with a light password hash in the place of the dear one that opens with this password."""
        keys = self.repository / "keys"
        for dear in keys.iterdir():
            master = open_key(decode_key(dear.read_bytes(), dear.name), password)
            if master is not None:
                cheap = seal_key(master, password, Cost(n=1024), created=SystemClock().now())
                (keys / sha256(cheap).hexdigest()).write_bytes(cheap)
                dear.unlink()

    def sound(self) -> bool:
        """Whether ``restic check --read-data`` finds nothing at all."""
        done = self.attempt("check", "--read-data")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "no errors were found" in done.stdout
        assert "warning" not in (done.stdout + done.stderr).lower()
        return True

    def backup(self, *words: str) -> dict[str, Any]:
        """What ``restic backup`` sums up."""
        lines = self.run("backup", "--json", *words).splitlines()
        summary: dict[str, Any] = json.loads(lines[-1])
        assert "summary" == summary["message_type"]
        return summary

    def restored(self, snapshot: str, path: Path, target: Path) -> Path:
        """The directory at ``path``, restored below ``target``."""
        self.run("restore", snapshot, "--target", str(target))
        return target / path.relative_to("/")
