"""A small studio: a vault that is opened in a millisecond, and a folder to keep in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.running import Ran, apart, here
from tests.vaults import PASSWORD, a_store, a_vault


@dataclass(frozen=True, slots=True)
class Studio:
    """Where everything is."""

    home: Path

    @property
    def vault(self) -> Path:
        return self.home / "vault"

    @property
    def photos(self) -> Path:
        return self.home / "photos"

    @property
    def before(self) -> tuple[str, ...]:
        """What stands before every command."""
        password, cache = str(self.home / "password"), str(self.home / "cache")
        return ("--vault", str(self.vault), "--password-file", password, "--cache-dir", cache)

    def here(self, *words: object) -> Ran:
        """Run a command on the vault in this process."""
        return here(*self.before, *words)

    def apart(self, *words: object) -> Ran:
        """Run a command on the vault as a process of its own."""
        return apart(self.home, *self.before, *words)

    def backed_up(self) -> str:
        """Back the photos up; the snapshot's id."""
        ran = self.here("backup", "--path", self.photos, "--json")
        assert 0 == ran.code, ran.err
        return str(ran.document["snapshot_id"])


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A vault, and three photos in two folders."""
    studio = Studio(tmp_path)
    a_vault(a_store(studio.vault))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (studio.photos / "shoot-1").mkdir(parents=True)
    (studio.photos / "cover.jpg").write_bytes(b"cover" * 1000)
    (studio.photos / "shoot-1" / "first.raw").write_bytes(b"first" * 5000)
    (studio.photos / "shoot-1" / "second.raw").write_bytes(b"second" * 5000)
    return studio
