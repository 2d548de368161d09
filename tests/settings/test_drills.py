"""``[drills]`` and the probes of sources, as covenant.toml says them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import jsonschema
import pytest

from covenant.bootstrap.probing import system_of
from covenant.kernel.schedule import Schedule
from covenant.prove.ports import Aspect
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.settings.problems import InvalidConfig
from covenant.settings.schema import schema
from covenant.settings.show import show

TOML = """
[vault]
url = "vault"

[sources.catalog]
kind = "sqlite"
path = "catalog.db"
class = "critical"

[[sources.catalog.probes]]
kind = "structure"
foreign_keys = false
within = "2h"

[[sources.catalog.probes]]
kind = "sql"
name = "Are there clips?"
query = "SELECT count(*) > 0 FROM clips"
expect = 1

[[sources.catalog.probes]]
kind = "rows"
tables = ["clips"]
tolerance = "2.5%"
column = "made"

[[sources.catalog.probes]]
kind = "references"
query = "SELECT path FROM clips"
source = "media"
folder = "media"

[[sources.catalog.probes]]
kind = "http"
command = ["bin/serve", "--port", "8099"]
url = "http://127.0.0.1:8099/health"
text = "ok"
places = { DATABASE = "catalog.db", MEDIA = "media:media" }
environment = { MODE = "drill" }
within = "30s"

[sources.media]
kind = "files"
path = "media"
class = "important"

[drills]
monthly = { at = "0 9 2 * *", what = "restore" }
annual = { at = "never", what = "exercise" }
validate = ["integrity", "experience"]
folder = "boxes"
room = "20GiB"
reports = "reports"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """All of it."""
    (tmp_path / "covenant.toml").write_text(TOML)
    return tmp_path / "covenant.toml"


def test_drills_are_read_as_they_are_written(config: Path) -> None:
    """When, how, what must be asked of the whole, and the bounds of a sandbox."""
    settings = load(config)
    policy = policy_of(settings)

    assert {"monthly"} == set(policy.drills)
    assert (Schedule(cron="0 9 2 * *"), "restore") == (policy.drills["monthly"].at.value, policy.drills["monthly"].what)
    assert ("integrity", "experience") == settings.drills.wanted
    assert (config.parent / "boxes", 20 << 30) == (settings.drills.folder, settings.drills.room)
    assert config.parent / "reports" == settings.drills.reports
    assert {"drills.folder", "drills.room", "drills.reports"}.isdisjoint(each.name for each in policy.commitments)


def test_probes_become_questions(config: Path) -> None:
    """Each with its own words, its time and what it needs beside it; paths are absolute."""
    system = system_of(load(config).sources["catalog"], {"PATH": "/bin", "COVENANT_PASSWORD": "hush"})
    assert system is not None
    asked = {probe.question: probe for probe in system.probes}

    assert [
        "Does SQLite find the database sound?",
        "Are there clips?",
        "Does it have as many rows as the live database?",
        "Is every file that it names in 'media'?",
        "Does the application answer at http://127.0.0.1:8099/health?",
    ] == list(asked)
    structure, sql, rows, references, http = asked.values()
    assert (7200.0, 60.0, 30.0) == (structure.within, sql.within, http.within)
    assert Aspect.EXPERIENCE is http.aspect
    assert (("media",), ("media",), ()) == (references.needs, http.needs, rows.needs)
    assert f"folder='{config.parent}/media'" in repr(references)
    assert "tolerance=0.025" in repr(rows)
    assert f"command=('{config.parent}/bin/serve', '--port', '8099')" in repr(http)
    assert "inherited={'PATH': '/bin', 'MODE': 'drill'}" in repr(http)


def test_every_database_is_asked_about_its_structure(config: Path) -> None:
    """Nobody needs to write that; and files are compared without being asked anything."""
    written = 'kind = "structure"\nforeign_keys = false\nwithin = "2h"'
    config.write_text(TOML.replace(written, 'kind = "sql"\nquery = "x"\nexpect = 1'))
    settings = load(config)

    catalog, media = (system_of(settings.sources[name], {}) for name in ("catalog", "media"))

    assert catalog is not None
    assert media is not None
    assert "Does SQLite find the database sound?" == catalog.probes[0].question
    assert ([], ["row-changed"]) == (list(media.probes), [spoiler.kind for spoiler in catalog.spoilers])


def test_an_editor_finds_the_same_right(config: Path) -> None:
    """The schema that is published accepts it."""
    assert [] == list(jsonschema.Draft202012Validator(schema()).iter_errors(tomllib.loads(config.read_text())))


def test_what_is_in_force_shows_the_probes(config: Path) -> None:
    """As they are written, with the line where they begin."""
    shown = show(load(config))["sources"]["catalog"]["probes"]

    assert ["structure", "sql", "rows", "references", "http"] == [each["kind"] for each in shown["value"]]
    assert "2h" == shown["value"][0]["within"]
    assert "covenant.toml:10" == shown["origin"]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('kind = "rows"', 'kind = "row"', "sources.catalog.probes[2].kind: there is no kind 'row'"),
        ('kind = "rows"\n', "", "sources.catalog.probes[2].kind: the key is missing"),
        ('tolerance = "2.5%"', 'tolerance = "2.5"', "probes[2].tolerance: '2.5' is not a share like '5%'"),
        ('source = "media"', 'source = "medla"', "sources.catalog.probes[3].source: there is no source 'medla'"),
        ('"media:media"', '"medla:media"', "sources.catalog.probes[4].places.MEDIA: there is no source 'medla'"),
        ("expect = 1", "expect = { a = 1 }", "sources.catalog.probes[1]: an answer is one value or a list"),
        ("foreign_keys", "foreign_key", "sources.catalog.probes[0].foreign_key: no such key"),
        ('room = "20GiB"', 'room = "much"', "drills.room: 'much' is not a size like '20GiB'"),
        (
            "[drills]",
            "[[sources.media.probes]]\nkind = 'structure'\n[drills]",
            "cannot be asked of a source of kind 'files'",
        ),
    ],
)
def test_a_mistake_is_named_where_it_stands(config: Path, right: str, wrong: str, said: str) -> None:
    """Its line, its key, and what is the matter."""
    config.write_text(TOML.replace(right, wrong))

    with pytest.raises(InvalidConfig) as refused:
        load(config)

    assert said in str(refused.value)
