"""A small studio for drills: a database and the media that it names, kept in vaults that open in a millisecond."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from covenant.adapters.sources.files.source import FilesSource
from covenant.adapters.sources.sqlite.source import SqliteSource
from covenant.bootstrap import OpenVault, drilling, opener, regional_opener
from covenant.catalog.catalog import open_catalog
from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import SystemClock
from covenant.protect.backup import Job, Settings, backup
from covenant.prove.record import DrillRecord, Level, Scenario
from covenant.replicate.regional import RegionalStore
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.vault.ports import Store
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.clocks import FrozenClock
from tests.vaults import CHEAP, CLOCK, OWNER, PASSWORD, a_store, a_vault

TOML = """\
[vault]
url = "vault"
password = {{ env = "UNUSED" }}

[sources.catalog]
kind = "sqlite"
path = "studio/catalog.db"
class = "critical"
{of_catalog}

[sources.media]
kind = "files"
path = "media"
class = "{of_media}"

[drills]
{drills}
"""


@dataclass(slots=True)
class Studio:
    """What is kept, the vault, and everything that a drill needs."""

    home: Path
    store: Store
    vault: Vault
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(SystemClock().now()))
    of_catalog: str = ""
    of_media: str = "critical"
    drills: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def database(self) -> Path:
        return self.home / "studio" / "catalog.db"

    @property
    def media(self) -> Path:
        return self.home / "media"

    @property
    def state(self) -> Path:
        return self.home / "state"

    def keep(self, *sources: str, later: timedelta = timedelta(minutes=1)) -> dict[str, Snapshot]:
        """Back sources up (both, where none is named), and let a little time pass."""
        kept = {}
        for name in sources or ("catalog", "media"):
            media, database = FilesSource(name, (str(self.media),)), SqliteSource(name, str(self.database))
            source = media if name == "media" else database
            job = Job(source, self.vault.anew(), self.store, OWNER, self.clock, kind="full", settings=Settings(lanes=1))
            kept[name] = backup(job).snapshot
        self.clock.set(self.clock.now() + later)
        return kept

    def company(self) -> drilling.Company:
        """Who holds drills here."""
        text = TOML.format(of_catalog=self.of_catalog, of_media=self.of_media, drills=self.drills)
        (self.home / "covenant.toml").write_text(text)
        settings = load(self.home / "covenant.toml")
        way = opener(str(self.home / "vault"), {})
        if isinstance(self.store, RegionalStore):
            way = regional_opener({name: (str(self.home / name), {}) for name in "abc"}, 3, None)
        opened = OpenVault(self.vault.anew(), way, OWNER, self.clock, self.store)
        return drilling.Company(
            settings=settings,
            policy=policy_of(settings),
            opened=lambda name: opened,
            password=lambda name: PASSWORD,
            catalog=open_catalog(self.home / "catalog.db"),
            state_dir=self.state,
            clock=self.clock,
            variables={"PATH": "/usr/bin:/bin"},
            stop=self.stop,
            cost=CHEAP,
        )

    def drill(
        self, level: Level = Level.MONTHLY, *sources: str, scenario: Scenario | None = None, **more: object
    ) -> DrillRecord:
        """Hold a drill; nothing may be left behind."""
        order = drilling.Order(level=level, scenario=scenario, sources=sources)
        company = self.company()
        with company.catalog:
            record = drilling.hold(company, replace(order, **more))  # type: ignore[arg-type]
        assert [] == self.left()
        return record

    def left(self) -> list[str]:
        """What lies where sandboxes are made."""
        folder = self.state / "sandboxes"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def a_studio(home: Path, store: Store | None = None) -> Studio:
    """A database of which each row names a media file, nothing of it kept yet."""
    store = store or a_store(home / "vault")
    studio = Studio(home, store, a_vault(store))
    (home / "media").mkdir()
    (home / "studio").mkdir()
    noise = Random(4)
    with closing(sqlite3.connect(studio.database)) as database:
        database.execute("CREATE TABLE artists (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute(
            "CREATE TABLE clips (id INTEGER PRIMARY KEY, artist INTEGER REFERENCES artists, path TEXT, made REAL)"
        )
        database.execute("INSERT INTO artists VALUES (1, 'Ann')")
        for number in range(5):
            (home / "media" / f"{number}.raw").write_bytes(noise.randbytes(2000 + number))
            made = CLOCK.now().timestamp() - 3600
            database.execute("INSERT INTO clips VALUES (?, 1, ?, ?)", (number, f"{number}.raw", made))
        database.commit()
    return studio


def answered(record: DrillRecord, source: str, question: str) -> Answer:
    """The answer of a source to the question that begins so."""
    of = next(each for each in record.sources if each.source == source)
    return next(answer for answer in of.answers if answer.question.startswith(question))


def planted(record: DrillRecord) -> dict[tuple[str, str], Result]:
    """What came of the damage, by source and kind."""
    return {(each.source, damage.kind): damage.result for each in record.sources for damage in each.planted}
