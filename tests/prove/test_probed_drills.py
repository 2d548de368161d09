"""What covenant.toml asks, asked in drills: of one source, of several together, of a user's application."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from covenant.kernel.answers import Result
from covenant.prove.record import Level
from tests.clocks import FrozenClock
from tests.prove.drilled import Studio, a_studio, answered, planted

PROBES = "\n[[sources.catalog.probes]]\n"
REFERENCES = f'{PROBES}kind = "references"\nquery = "SELECT path FROM clips"\nsource = "media"\nfolder = "media"\n'
SERVER = (
    "import functools, http.server, os, sqlite3;"
    "sqlite3.connect(os.environ['DATABASE']).executescript('CREATE TABLE seen (x); DELETE FROM clips');"
    "serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=os.environ['MEDIA']);"
    "http.server.HTTPServer(('127.0.0.1', 8176), serve).serve_forever()"
)
APPLICATION = f"""{PROBES}kind = "http"
command = ["{sys.executable}", "-c", "{SERVER}"]
url = "http://127.0.0.1:8176/"
text = "4.raw"
places = {{ DATABASE = "studio/catalog.db", MEDIA = "media:media" }}
"""


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT count(*) FROM n"


class RunningClock(FrozenClock):
    """It goes on by itself, from the moment at which the other stood."""

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A critical database, and media of less weight, kept once."""
    studio = a_studio(tmp_path)
    studio.of_media = "important"
    studio.keep()
    return studio


def test_everything_that_is_asked_is_answered(studio: Studio) -> None:
    """SQL, rows, references and an application; the media come along, though they are not critical."""
    studio.of_catalog = (
        f'{PROBES}kind = "sql"\nquery = "SELECT name FROM artists"\nexpect = "Ann"\n'
        f'{PROBES}kind = "rows"\ntables = ["clips"]\ncolumn = "made"\n{REFERENCES}{APPLICATION}'
    )
    studio.drills = 'validate = ["integrity", "speed", "function", "experience"]'

    record = studio.drill()

    asked = {answer.question: answer.result for each in record.sources for answer in each.answers}
    assert Result.PASSED is record.result, asked
    assert {"catalog": 7, "media": 2} == {each.source: len(each.answers) for each in record.sources}
    assert "Does the application answer at http://127.0.0.1:8176/?" == record.sources[0].answers[-1].question


def test_an_application_that_changes_the_data_spoils_no_other_answer(studio: Studio) -> None:
    """It is asked last, on what everything else was asked of before; and the live database is as it was."""
    before = studio.database.read_bytes()
    studio.of_catalog = (
        f'{APPLICATION}{PROBES}kind = "sql"\nquery = "SELECT count(*) FROM clips"\nexpect = 5\n{REFERENCES}'
    )

    record = studio.drill()

    assert Result.PASSED is record.result
    assert {Result.PASSED} == set(planted(record).values())
    assert before == studio.database.read_bytes()


def test_a_file_that_the_database_names_and_nobody_kept_fails_the_drill(studio: Studio) -> None:
    """Database and media come from the same drill, and do not belong together."""
    with closing(sqlite3.connect(studio.database)) as database:
        database.execute("INSERT INTO clips VALUES (9, 1, '9.raw', 0)")
        database.commit()
    studio.keep("catalog")
    studio.of_catalog = REFERENCES

    record = studio.drill()

    assert Result.FAILED is record.result
    assert "1 of 6 files not there" in answered(record, "catalog", "Is every file that it names").detail


@pytest.mark.parametrize(
    "probe",
    [
        'kind = "sql"\nquery = "SELECT x FROM nowhere"\nexpect = 1',
        'kind = "rows"\ntables = ["nowhere"]',
        'kind = "references"\nquery = "SELECT NULL"\nsource = "media"',
        'kind = "http"\ncommand = ["/nowhere/app"]\nurl = "http://127.0.0.1:8176/"',
        'kind = "http"\ncommand = ["sleep", "60"]\nurl = "http://127.0.0.1:8176/"\nwithin = "1s"',
        f'kind = "sql"\nquery = "{ENDLESS}"\nexpect = 1\nwithin = "1s"',
    ],
    ids=["crash", "no-table", "nothing", "no-program", "no-server", "time-out"],
)
def test_a_probe_that_cannot_run_leaves_the_drill_unverified(studio: Studio, probe: str) -> None:
    """However well everything else went, the drill has not passed."""
    studio.clock = RunningClock(studio.clock.now())
    studio.of_catalog = PROBES + probe

    record = studio.drill()

    assert Result.COULD_NOT_VERIFY is record.result
    assert [Result.COULD_NOT_VERIFY, Result.PASSED][: len(record.sources)] == [each.result for each in record.sources]


def test_what_the_policy_wants_asked_must_be_asked(studio: Studio) -> None:
    """A drill in which nothing asked about function or experience did not show what it was to show."""
    studio.drills = 'validate = ["function", "experience"]'

    record = studio.drill()
    narrowed = studio.drill(Level.MONTHLY, "catalog")

    assert Result.COULD_NOT_VERIFY is record.result
    assert [Result.COULD_NOT_VERIFY] * 2 == [answer.result for answer in record.answers]
    assert () == narrowed.answers
