"""A studio that was kept in two regions, and a machine that has nothing of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from covenant.kernel.clock import Clock
from tests.cli.running import Ran, here
from tests.vaults import PASSWORD, a_store, a_vault

TOML = """\
[vault]
password = { file = "key" }
[vault.regions.near]
url = "near"
[vault.regions.far]
url = "far"

[sources.bookings]
kind = "sqlite"
path = "studio/bookings.db"
class = "critical"

[[sources.bookings.probes]]
kind = "sql"
name = "Are all bookings there?"
query = "SELECT count(*) FROM bookings"
expect = 500

[[sources.bookings.probes]]
kind = "references"
name = "Is every film there?"
query = "SELECT path FROM films"
source = "films"

[sources.films]
kind = "files"
path = "studio/films"
class = "important"

[sources.albums]
kind = "files"
path = "studio/albums"
class = "important"
priority = 1

[restoration]
critical = ["bookings"]
important = ["films"]
optional = ["albums"]
"""


@dataclass(frozen=True, slots=True)
class World:
    """The machine that will be lost, the regions, and the folder of the bare one.

    ``kept_as`` is where the studio lay when it was kept: a world that is copied keeps the snapshots of the first one.
    """

    root: Path
    kept_as: Path

    @property
    def studio(self) -> Path:
        return self.root / "studio"

    @property
    def target(self) -> Path:
        return self.root / "recovered"

    def region(self, name: str) -> Path:
        return self.root / name

    def covenant(self, *words: object, clock: Clock | None = None) -> Ran:
        """A command on the machine that is still there."""
        variables = {"COVENANT_STATE_DIR": str(self.root / "state"), "HOME": str(self.root)}
        return here("-c", self.root / "covenant.toml", *words, variables=variables, clock=clock)

    def lose_everything(self, *, but: str) -> dict[str, str]:
        """The machine and every region but one are gone; what there was, by path and hash."""
        before = fingerprints(self.studio)
        for name in ({"near", "far"} - {but}) | {"studio", "state", ".cache"}:
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / "covenant.toml").unlink()
        return before

    def recover(self, region: str, *words: object, clock: Clock | None = None) -> Ran:
        """Recover on the bare machine, which has the address of a region and a password."""
        before = ("--vault", self.region(region), "--password-file", self.root / "key", "--no-cache")
        return here(*before, "--json", "recover", "--bare", "--target", self.target, *words, clock=clock)

    def recover_by_kit(self, files: Sequence[Path]) -> Ran:
        """Recover on the bare machine, which has nothing but the kit."""
        kits = [word for file in files for word in ("--kit", str(file))]
        return here("--no-cache", "--json", "recover", "--bare", "--target", self.target, *kits)

    def recovered(self, *sources: str) -> dict[str, str]:
        """What came back of these sources, by the path that it had in the studio."""
        found = dict[str, str]()
        for source in sources:
            for studio in (self.kept_as, self.studio):
                found |= fingerprints(self.target / "sources" / source / str(studio).lstrip("/"))
        return found

    def copied(self, root: Path) -> World:
        """The same world in a folder of its own, which may be ruined."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return World(root, self.kept_as)


def a_world(root: Path) -> World:
    """A studio with three sources, kept once in both regions."""
    world = World(root, root / "studio")
    (root / "key").write_text(PASSWORD + "\n")
    (root / "key").chmod(0o600)
    (root / "covenant.toml").write_text(TOML)
    near = a_store(root / "near")
    a_vault(near)
    shutil.copytree(root / "near", root / "far")
    for name, number in (("films", 5), ("albums", 3)):
        (world.studio / name / "2026").mkdir(parents=True)
        for index in range(number):
            (world.studio / name / "2026" / f"{index}.raw").write_bytes(f"{name} {index} ".encode() * 20_000)
    films = [(str(path),) for path in sorted((world.studio / "films").rglob("*.raw"))]
    with sqlite3.connect(world.studio / "bookings.db") as database:
        database.execute("CREATE TABLE bookings (client TEXT)")
        database.executemany("INSERT INTO bookings VALUES (?)", [(f"client {number}",) for number in range(500)])
        database.execute("CREATE TABLE films (path TEXT)")
        database.executemany("INSERT INTO films VALUES (?)", films)
    database.close()
    kept = world.covenant("backup")
    assert 0 == kept.code, kept.err
    return world


def a_split_kit(world: World) -> list[Path]:
    """The recovery kit of the vault, split among three people of whom any two are enough."""
    made = world.covenant("kit", "create", "--split", "2-of-3", "-o", world.root / "kits")
    assert 0 == made.code, made.err
    return sorted((world.root / "kits").glob("*.txt"))


def fingerprints(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its path in it, with the hash of its bytes; a database by all that it says."""
    return {
        str(path.relative_to(folder)): sha256(_said(path) if path.suffix == ".db" else path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _said(path: Path) -> bytes:
    """A copy of a database counts its changes anew, in its header (offsets 24, 40, 92); all else is compared."""
    content = path.read_bytes()
    return content[:24] + content[28:40] + content[44:92] + content[96:]
