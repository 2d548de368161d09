"""The four disasters acted out, and the annual recovery of everything from nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.bootstrap import drilling
from covenant.bootstrap.promising import keep_promises
from covenant.kernel.answers import Result
from covenant.prove import scenarios
from covenant.prove.bare import BARE
from covenant.prove.ports import Restored, Said
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import Level, Scenario, SourceDrill
from tests.prove.drilled import Studio, a_studio, answered
from tests.replicate.worlds import regional
from tests.vaults import a_store

DAY = timedelta(days=1)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Both sources, kept ten minutes ago and a minute ago."""
    studio = a_studio(tmp_path)
    studio.keep(later=timedelta(minutes=9))
    studio.keep()
    return studio


def of(studio: Studio, scenario: Scenario, source: str, **more: object) -> SourceDrill:
    """What a quarterly drill came to for one source."""
    return studio.drill(Level.QUARTERLY, source, scenario=scenario, **more).sources[0]


def step(drill: SourceDrill, name: str) -> str:
    """The detail of a step."""
    return next(each.detail for each in drill.steps if each.name == name)


def test_an_outage_is_survived_by_another_region(tmp_path: Path) -> None:
    """With the primary cut off, everything comes from another region; once it is back, from the primary again."""
    studio = a_studio(tmp_path, regional(*(a_store(tmp_path / name) for name in "abc")))
    studio.keep()

    usual = studio.drill(Level.MONTHLY)
    outage = studio.drill(Level.QUARTERLY, scenario=Scenario.DATA_CENTRE_OUTAGE)

    assert {"a"} == {each.region for each in usual.sources}
    assert {"b"} == {each.region for each in outage.sources}
    assert Result.PASSED is outage.result
    assert "region 'a' was cut off" in step(outage.sources[0], "assess")


def test_a_vault_in_one_place_survives_no_outage(studio: Studio) -> None:
    """Nothing is left to restore from, and nothing is proved."""
    record = studio.drill(Level.QUARTERLY, scenario=Scenario.DATA_CENTRE_OUTAGE)

    assert Result.COULD_NOT_VERIFY is record.result
    assert all("is the only place where it lies" in each.why_not for each in record.sources)


@pytest.mark.parametrize("source", ["catalog", "media"])
def test_a_corrupt_snapshot_is_noticed_and_the_one_before_it_restored(studio: Studio, source: str) -> None:
    """What is lost is counted from the snapshot that is no good to the one before it."""
    drill = of(studio, Scenario.DATABASE_CORRUPTION, source)

    assert Result.PASSED is drill.result
    assert timedelta(minutes=9) == drill.rpo.reached
    assert scenarios.NOTICED == drill.answers[0].question


def test_a_corruption_that_nobody_notices_fails_the_drill(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that believes everything would restore what is corrupt."""

    def passes(self: object, restored: Restored, hurry: Callable[[], None]) -> Said:
        return Said(Result.PASSED, "all is well")

    monkeypatch.setattr(Checksums, "ask", passes)

    drill = of(studio, Scenario.DATABASE_CORRUPTION, "media")

    assert Result.FAILED is drill.result
    assert Result.FAILED is drill.answers[0].result


def test_what_was_never_corrupt_before_cannot_be_rolled_back(tmp_path: Path) -> None:
    """With one snapshot there is nothing before it."""
    studio = a_studio(tmp_path)
    studio.keep("media")

    assert "only one snapshot of source 'media'" in of(studio, Scenario.DATABASE_CORRUPTION, "media").why_not


def test_after_a_breach_what_is_older_is_restored_and_later_deletions_are_told(studio: Studio) -> None:
    """With a password made for it; who was deleted since would come back, and is named."""
    (studio.media / "3.raw").unlink()
    breach = studio.clock.now() - timedelta(seconds=30)
    studio.keep("media")

    drill = of(studio, Scenario.SECURITY_BREACH, "media", before=breach)

    assert Result.PASSED is drill.result
    assert f"deleted since, and back with it: 1, {studio.media}/3.raw" == step(drill, "replay")
    assert "with a password made for it" in step(drill, "assess")
    assert timedelta(seconds=30) == drill.rpo.reached


def test_a_breach_leaves_the_keys_as_they_are(studio: Studio) -> None:
    """The new password opens a copy of the keys, and is gone with the drill."""
    keys = sorted((studio.home / "vault" / "keys").iterdir())

    of(studio, Scenario.SECURITY_BREACH, "media", before=studio.clock.now())

    assert keys == sorted((studio.home / "vault" / "keys").iterdir())


def test_before_everything_there_is_nothing_to_go_back_to(studio: Studio) -> None:
    """By default a breach began a day ago; what is younger than that proves nothing."""
    drill = of(studio, Scenario.SECURITY_BREACH, "media")

    assert Result.COULD_NOT_VERIFY is drill.result
    assert "no snapshot of source 'media' is from before" in drill.why_not


def test_what_was_deleted_is_brought_back_alone(studio: Studio) -> None:
    """A file that the newest snapshot no longer has comes from the one before it."""
    (studio.media / "3.raw").unlink()
    studio.keep("media")

    drill = of(studio, Scenario.HUMAN_ERROR, "media")

    assert (Result.PASSED, 1) == (drill.result, drill.files)
    assert f"{studio.media}/3.raw was deleted, and is brought back" in step(drill, "assess")


def test_where_nothing_was_deleted_something_might_have_been(studio: Studio) -> None:
    """One file, and a database as a whole, are brought back as if they were gone."""
    media, catalog = of(studio, Scenario.HUMAN_ERROR, "media"), of(studio, Scenario.HUMAN_ERROR, "catalog")

    assert (Result.PASSED, 1) == (media.result, media.files)
    assert (Result.PASSED, 1) == (catalog.result, catalog.files)
    assert "as if it had been deleted" in step(media, "assess")


def test_each_quarter_has_another_disaster(studio: Studio) -> None:
    """What was acted out longest ago comes next, in the daemon's drills as in those by hand."""
    acted = [studio.drill(Level.QUARTERLY).scenario for _ in range(6)]

    assert set(Scenario) == set(acted[:4])
    assert acted[:2] == acted[4:]


def test_disasters_that_befall_everything_count_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second has waited for the first; where one source alone is hit, it has not."""
    studio = a_studio(tmp_path, regional(*(a_store(tmp_path / name) for name in "abc")))
    studio.keep()
    real = Checksums.ask

    def slowly(self: Checksums, restored: Restored, hurry: Callable[[], None]) -> Said:
        studio.clock.sleep(60)
        return real(self, restored, hurry)

    monkeypatch.setattr(Checksums, "ask", slowly)
    minute = timedelta(minutes=1)

    together = studio.drill(Level.QUARTERLY, scenario=Scenario.DATA_CENTRE_OUTAGE)
    alone = studio.drill(Level.QUARTERLY, scenario=Scenario.HUMAN_ERROR)

    assert [minute, 2 * minute] == [each.rto.reached for each in together.sources]
    assert [minute, minute] == [each.rto.reached for each in alone.sources]


def test_once_a_year_everything_comes_back_from_nothing(studio: Studio) -> None:
    """An empty machine has one region and the password; every source comes back, is asked, and damage is planted."""
    keep_promises(studio.company().opened("default"), studio.company().settings, "default")

    record = studio.drill(Level.ANNUAL)

    assert Result.PASSED is record.result
    assert [(BARE, Result.PASSED)] == [(answer.question, answer.result) for answer in record.answers]
    assert "2 of 2 sources back" in record.answers[0].detail
    assert "default: rebuild the catalog" in [each.name for each in record.steps]
    assert "integrity_check: ok" in answered(record, "catalog", "Does SQLite").detail


def test_a_vault_that_nobody_can_open_recovers_nothing(studio: Studio) -> None:
    """What an empty machine could not do was not verified, whatever this machine can still do."""
    company = replace(studio.company(), password=lambda name: "wrong")

    with company.catalog:
        record = drilling.hold(company, drilling.Order(level=Level.ANNUAL))

    assert Result.COULD_NOT_VERIFY is record.answers[0].result
    assert Result.COULD_NOT_VERIFY is record.result


def test_a_source_that_the_vault_lost_fails_the_annual_drill(studio: Studio) -> None:
    """Its packs are gone, so an empty machine gets nothing back of it."""
    for pack in (studio.home / "vault" / "data").rglob("*"):
        if pack.is_file():
            pack.unlink()

    record = studio.drill(Level.ANNUAL)

    assert Result.FAILED is record.result
    assert Result.FAILED is record.answers[0].result


def test_a_changed_row_is_not_mistaken_for_corruption(studio: Studio) -> None:
    """The live database goes on; what differs from it is not what the snapshot is held against."""
    with closing(sqlite3.connect(studio.database)) as database:
        database.execute("UPDATE clips SET path = 'other'")
        database.commit()

    assert Result.PASSED is studio.drill(Level.MONTHLY, "catalog").result
