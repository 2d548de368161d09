"""Drills over real vaults: what passes, what fails, and that a verifier which catches nothing fails the drill."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.adapters.sources.sqlite.probing import Structure
from covenant.kernel.answers import Answer, Result
from covenant.kernel.errors import Interrupted
from covenant.prove import rehearsal, rehearsing
from covenant.prove.ports import Access, Restored, Said
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import Level, Scenario
from covenant.recover.job import RestoreOutcome
from covenant.vault.snapshot import Snapshot
from tests.prove.drilled import Studio, a_studio, answered, planted

OF_FILES = ("pack-deleted", "bit-flipped", "piece-dropped")
KINDS = {"media": OF_FILES, "catalog": (*OF_FILES, "row-changed")}


STAGES = [
    (Level.MONTHLY, None),
    (Level.QUARTERLY, Scenario.DATABASE_CORRUPTION),
    (Level.QUARTERLY, Scenario.SECURITY_BREACH),
    (Level.QUARTERLY, Scenario.HUMAN_ERROR),
    (Level.ANNUAL, None),
]


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Both sources, kept the day before yesterday and a minute ago."""
    studio = a_studio(tmp_path)
    studio.keep(later=timedelta(days=2))
    studio.keep()
    return studio


def passes(self: object, restored: Restored, hurry: Callable[[], None]) -> Said:
    """What a probe says that looks at nothing."""
    return Said(Result.PASSED, "all is well")


def came_back(outcome: RestoreOutcome) -> Answer:
    """What a restore says that believes in itself."""
    return Answer(rehearsing.CAME_BACK, Result.PASSED, "all of it", 0.0)


@pytest.mark.parametrize(("level", "scenario"), STAGES)
def test_every_kind_of_damage_is_caught_at_every_level_on_every_source(
    studio: Studio, level: Level, scenario: Scenario | None
) -> None:
    """A pack deleted, a bit flipped, a piece dropped and a row changed, each in a copy, are each noticed."""
    before = {path: path.read_bytes() for path in (studio.home / "vault").rglob("*") if path.is_file()}

    record = studio.drill(level, scenario=scenario)

    expected = {(source, kind): Result.PASSED for source, kinds in KINDS.items() for kind in kinds}
    assert expected == planted(record)
    assert all(damage.found_by for each in record.sources for damage in each.planted)
    assert before.items() <= {p: p.read_bytes() for p in (studio.home / "vault").rglob("*") if p.is_file()}.items()


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize(("level", "scenario"), STAGES)
def test_a_drill_fails_whose_verifier_catches_nothing(
    studio: Studio, level: Level, scenario: Scenario | None, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the code that judges restores broken, each planted damage is missed, and the drill has failed."""
    monkeypatch.setattr(rehearsing, "came_back", came_back)
    monkeypatch.setattr(Checksums, "ask", passes)
    monkeypatch.setattr(Structure, "ask", passes)

    record = studio.drill(level, source, scenario=scenario)

    assert {(source, kind): Result.FAILED for kind in KINDS[source]} == planted(record)
    assert Result.FAILED is record.result


def test_a_drill_fails_where_one_kind_of_damage_is_missed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without checksums a deleted pack is still noticed; a dropped piece and a changed row are not."""
    monkeypatch.setattr(Checksums, "ask", passes)

    record = studio.drill(Level.MONTHLY, "catalog")

    missed = {kind for (_, kind), result in planted(record).items() if result is Result.FAILED}
    assert {"piece-dropped", "row-changed"} == missed
    assert Result.FAILED is record.result


def test_a_verifier_that_always_cries_proves_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the copy was called damaged before it was harmed, no damage counts as caught."""
    monkeypatch.setattr(Checksums, "ask", lambda self, restored, hurry: Said(Result.FAILED, "woe"))

    record = studio.drill(Level.MONTHLY, "media")

    assert {Result.COULD_NOT_VERIFY} == set(planted(record).values())
    assert Result.FAILED is record.result


def test_a_sound_drill_passes(studio: Studio) -> None:
    """Restored, asked, in time and recent; nothing is left behind, and the catalog knows of it."""
    record = studio.drill()

    assert Result.PASSED is record.result
    assert ["catalog", "media"] == [each.source for each in record.sources]
    assert ["assess", "isolate", "restore", "validate", "plant"] == [step.name for step in record.sources[0].steps]
    with studio.company().catalog as catalog:
        assert ["passed"] == [proof.verdict for proof in catalog.proofs(kind="drill")]
        assert "passed" == catalog.history().source("media").proofs["rehearsal"].verdict


def test_real_damage_fails_the_drill(studio: Studio) -> None:
    """A vault that lost a pack gives it back to nobody, and the drill says which file it costs."""
    for pack in (studio.home / "vault" / "data").rglob("*"):
        if pack.is_file():
            pack.unlink()

    record = studio.drill(Level.MONTHLY, "media")

    assert Result.FAILED is record.result
    assert Result.FAILED is answered(record, "media", "Did all of it come back?").result


def test_a_database_that_is_not_sound_fails_the_drill(studio: Studio) -> None:
    """A row that refers to nothing was kept as it was, and is told all the same."""
    with closing(sqlite3.connect(studio.database)) as database:
        database.execute("INSERT INTO clips VALUES (99, 77, 'x.raw', 0)")
        database.commit()
    studio.keep("catalog")

    record = studio.drill(Level.MONTHLY, "catalog")

    assert Result.FAILED is record.result
    assert "1 foreign key leading nowhere" in answered(record, "catalog", "Does SQLite").detail


def test_what_was_never_kept_could_not_be_verified(tmp_path: Path) -> None:
    """A source without a snapshot has proved nothing, and keeps no other from being rehearsed."""
    studio = a_studio(tmp_path)
    studio.keep("media")

    record = studio.drill()

    assert {"catalog": Result.COULD_NOT_VERIFY, "media": Result.PASSED} == {s.source: s.result for s in record.sources}
    assert "no snapshot of source 'catalog'" in record.sources[0].why_not
    assert Result.COULD_NOT_VERIFY is record.result


def test_a_drill_without_room_could_not_be_verified(studio: Studio) -> None:
    """What a sandbox may not hold is not restored at all, and says how much it would have taken."""
    studio.drills = 'room = "4KiB"'

    record = studio.drill(Level.MONTHLY, "media")

    assert Result.COULD_NOT_VERIFY is record.result
    assert "a sandbox may have 4,096" in record.sources[0].why_not


def test_a_snapshot_that_lies_about_its_size_fills_no_disk(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is restored is watched, and stopped where it is more than was allowed; nothing of it stays."""
    studio.drills = 'room = "4KiB"'
    monkeypatch.setattr(rehearsal, "size_of", lambda access, snapshot, path="/": 10)

    record = studio.drill(Level.MONTHLY, "media")

    assert Result.COULD_NOT_VERIFY is record.result
    assert "outgrows its sandbox" in record.sources[0].why_not


def test_a_drill_that_is_stopped_leaves_nothing(studio: Studio) -> None:
    """It ends, nothing counts as proved, and no sandbox stays."""
    studio.stop.set()

    with pytest.raises(Interrupted):
        studio.drill()

    assert [] == studio.left()


def test_a_defect_in_one_source_leaves_the_others_their_turn(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is that source's own, and never a pass."""

    def breaks(access: Access, snapshot: Snapshot, path: str = "/") -> int:
        return 1 // (snapshot.source != "catalog")

    monkeypatch.setattr(rehearsal, "size_of", breaks)

    record = studio.drill()

    assert "unexpected ZeroDivisionError" in record.sources[0].why_not
    assert [Result.COULD_NOT_VERIFY, Result.PASSED] == [each.result for each in record.sources]
