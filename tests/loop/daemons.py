"""Daemons as real processes over one vault and one catalog."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from covenant.bootstrap import regional_opener
from covenant.catalog.catalog import Catalog, open_catalog
from tests.cli.running import started
from tests.vaults import PASSWORD, a_store, a_vault

SLOWLY = '[limits]\nbandwidth = "150KiB/s"\n'
"""A backup of a megabyte takes seconds."""

TOML = """\
[vault]
password = {{ file = "password" }}
{vault}
[sources.media]
kind = "files"
path = "media"
class = "important"

[catalog]
{catalog}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a vault, something to keep, and a catalog that several daemons share."""

    home: Path
    catalog: str
    """As covenant.toml names it: a path, or the address of a database."""
    regions: tuple[str, ...] = ()
    """Where the vault lies, if in several regions."""

    def prepare(self, kilobytes: int = 1500) -> None:
        """Make it all. What is to be kept does not compress."""
        if self.regions:
            opener = regional_opener({name: (str(self.home / name), {}) for name in self.regions}, 0, None)
            for where in opener.places:
                where.make_folder()
            a_vault(opener.whole())
        else:
            a_vault(a_store(self.home / "vault"))
        (self.home / "password").write_text(PASSWORD + "\n")
        (self.home / "media").mkdir()
        for number in range(5):
            (self.home / "media" / f"{number}.raw").write_bytes(os.urandom(kilobytes * 200))

    def daemon(self, *words: str, slowly: bool = False) -> subprocess.Popen[str]:
        """A daemon of its own, with the same promises."""
        place = 'url = { env = "CATALOG" }' if "://" in self.catalog else f'path = "{self.catalog}"'
        file = self.home / ("slow.toml" if slowly else "covenant.toml")
        vault = "".join(f'[vault.regions.{name}]\nurl = "{name}"\n' for name in self.regions) or 'url = "vault"\n'
        file.write_text(TOML.format(catalog=place, vault=vault) + (SLOWLY if slowly else ""))
        variables = {"CATALOG": self.catalog, "COVENANT_CACHE_DIR": str(self.home / "cache")}
        return started(self.home, "-c", file.name, "run", "--lease", "3s", *words, variables=variables)

    def opened(self) -> Catalog:
        """The catalog, beside the daemons."""
        return open_catalog(self.catalog if "://" in self.catalog else self.home / self.catalog)

    def snapshots(self) -> int:
        """How many snapshots the vault holds."""
        return len(list((self.home / "vault" / "snapshots").glob("*")))


def until(true: Callable[[], object], seconds: float = 40) -> None:
    """Wait until it is so."""
    pause = threading.Event()
    for _ in range(int(seconds * 20)):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError("it did not come to pass")


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[str, str]:
    """End a daemon; what it said."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
    return process.communicate(timeout=30)
