"""What a restored SQLite database is asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from covenant.adapters.sources.sqlite.probing import Query, References, Rows, Structure
from covenant.adapters.sources.sqlite.spoiling import RowChanged
from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import TargetError
from covenant.prove.asking import ask
from covenant.prove.ports import Probe, Restored
from covenant.vault.snapshot import Snapshot, snapshot_time
from covenant.vault.vault import Vault

TAKEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(path: Path, rows: int = 10, made_at: Any = None) -> Path:
    """A database of clips, each made a minute before the one after it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE artists (id INTEGER PRIMARY KEY)")
        database.execute("CREATE TABLE clips (id INTEGER, artist INTEGER REFERENCES artists, path TEXT, made)")
        database.execute("INSERT INTO artists VALUES (1)")
        for number in range(rows):
            moment = made_at(TAKEN - HOUR + number * timedelta(minutes=1)) if made_at else 0
            database.execute("INSERT INTO clips VALUES (?, 1, ?, ?)", (number, f"{number}.raw", moment))
        database.commit()
    return path


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """Where the live database is."""
    return made(tmp_path / "live" / "clips.db")


@pytest.fixture
def restored(tmp_path: Path, live: Path) -> Restored:
    """The same, restored below another folder."""
    folder = tmp_path / "box"
    made(folder / str(live).lstrip("/"))
    return Restored("clips", folder, cast(Vault, None), Snapshot(time_=snapshot_time(TAKEN), tree=""))


def change(path: Path, *statements: str) -> None:
    """Have a database say something else."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def answer(probe: Probe, restored: Restored) -> Answer:
    """What it says."""
    return ask(probe, restored, SystemClock())


def test_no_question_changes_what_is_asked(live: Path, restored: Restored) -> None:
    """Not a byte, and no file beside it, also where it was in WAL mode."""
    place = restored.place(live)
    change(place, "PRAGMA journal_mode=WAL")
    before = sha256(place.read_bytes()).digest()

    for probe in (Structure(str(live)), Query(str(live), "SELECT 1", 1), Rows(str(live), ("clips",), 0.0)):
        assert Result.PASSED is answer(probe, restored).result

    assert before == sha256(place.read_bytes()).digest()
    assert [place.name] == [path.name for path in place.parent.iterdir()]


def test_a_page_of_nonsense_is_not_sound(live: Path, restored: Restored) -> None:
    """SQLite itself says so."""
    place = restored.place(live)
    data = place.read_bytes()
    place.write_bytes(data[:4096] + b"\xff" * 4096 + data[8192:])

    assert Result.FAILED is answer(Structure(str(live)), restored).result


def test_something_else_than_a_database_is_not_sound(live: Path, restored: Restored) -> None:
    """What SQLite cannot read at all has failed, and is not merely unasked."""
    restored.place(live).write_bytes(b"not a database at all" * 1000)

    assert Result.FAILED is answer(Structure(str(live)), restored).result


def test_foreign_keys_lead_somewhere_unless_nobody_cares(live: Path, restored: Restored) -> None:
    """Who never kept them can say so."""
    change(restored.place(live), "INSERT INTO clips VALUES (99, 77, 'x', 0)")

    assert Result.FAILED is answer(Structure(str(live)), restored).result
    assert Result.PASSED is answer(Structure(str(live), foreign_keys=False), restored).result


@pytest.mark.parametrize("probe", [Structure("/gone.db"), Query("/gone.db", "SELECT 1", 1)], ids=["structure", "sql"])
def test_a_database_that_is_not_there_could_not_be_asked(probe: Probe, restored: Restored) -> None:
    """Nothing passes that was not looked at."""
    assert Result.COULD_NOT_VERIFY is answer(probe, restored).result


@pytest.mark.parametrize(
    ("sql", "expect", "result"),
    [
        ("SELECT count(*) FROM clips", 10, Result.PASSED),
        ("SELECT count(*) FROM clips", "10", Result.PASSED),
        ("SELECT count(*) FROM clips", 11, Result.FAILED),
        ("SELECT count(*) FROM clips WHERE id > 99", 1, Result.FAILED),
        ("SELECT id FROM clips WHERE id < 2", (0, 1), Result.PASSED),
        ("SELECT id, path FROM clips WHERE id < 2", ((0, "0.raw"), (1, "1.raw")), Result.PASSED),
        ("SELECT id, path FROM clips WHERE id < 2", ((0, "0.raw"),), Result.FAILED),
        ("SELECT 1 WHERE 0", 1, Result.FAILED),
        ("SELECT 1 = 1", True, Result.PASSED),
        ("SELECT * FROM nowhere", 1, Result.COULD_NOT_VERIFY),
        ("DELETE FROM clips", 0, Result.COULD_NOT_VERIFY),
    ],
)
def test_a_query_has_the_answer_that_was_expected(
    live: Path, restored: Restored, sql: str, expect: Any, result: Result
) -> None:
    """One value, a column or rows; what cannot be asked, or would change something, is not answered."""
    assert result is answer(Query(str(live), sql, expect), restored).result


def test_a_query_without_end_could_not_be_asked(live: Path, restored: Restored) -> None:
    """It is broken off when its time is over."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    found = answer(Query(str(live), endless, 1, within=0.2), restored)

    assert (Result.COULD_NOT_VERIFY, "no answer within 0.2 s") == (found.result, found.detail)


def test_rows_that_are_missing_are_counted(live: Path, restored: Restored) -> None:
    """Within the tolerance it passes, beyond it not; the evidence has both numbers."""
    change(restored.place(live), "DELETE FROM clips WHERE id = 3")

    assert Result.PASSED is answer(Rows(str(live), ("clips",), 0.10), restored).result
    found = answer(Rows(str(live), ("artists", "clips"), 0.05), restored)
    assert Result.FAILED is found.result
    assert "artists 1 of 1, clips 9 of 10" in found.detail


@pytest.mark.parametrize(
    "made_at", [datetime.timestamp, lambda m: m.isoformat(" "), lambda m: m.strftime("%Y-%m-%d %H:%M:%S")]
)
def test_rows_that_came_after_the_snapshot_do_not_count(tmp_path: Path, made_at: Any) -> None:
    """Where a column says when a row came to be, the live database may have gone on."""
    live = made(tmp_path / "live" / "clips.db", 100, made_at)  # the last forty are from after the snapshot
    folder = tmp_path / "box"
    made(folder / str(live).lstrip("/"), 61, made_at)
    restored = Restored("clips", folder, cast(Vault, None), Snapshot(time_=snapshot_time(TAKEN), tree=""))

    assert Result.FAILED is answer(Rows(str(live), ("clips",), 0.0), restored).result
    assert Result.PASSED is answer(Rows(str(live), ("clips",), 0.0, "made"), restored).result


def test_without_the_live_database_nothing_is_compared(live: Path, restored: Restored) -> None:
    """In a disaster it may be gone, and nobody knows how many rows it had."""
    live.unlink()

    assert Result.COULD_NOT_VERIFY is answer(Rows(str(live), ("clips",), 0.0), restored).result


def test_every_file_that_is_named_must_be_there(tmp_path: Path, live: Path, restored: Restored) -> None:
    """The one that is missing is named; a database that names none proves nothing."""
    media = tmp_path / "media-box"
    (media / "srv" / "clips").mkdir(parents=True)
    for number in range(10):
        (media / "srv" / "clips" / f"{number}.raw").touch()
    beside = replace(restored, beside={"media": replace(restored, source="media", folder=media)})
    probe = References(str(live), "SELECT path FROM clips", "media", "/srv/clips")

    assert Result.PASSED is answer(probe, beside).result
    assert Result.COULD_NOT_VERIFY is answer(replace(probe, sql="SELECT NULL"), beside).result
    assert Result.COULD_NOT_VERIFY is answer(probe, restored).result
    (media / "srv" / "clips" / "7.raw").unlink()
    found = answer(probe, beside)
    assert (Result.FAILED, "1 of 10 files not there: /srv/clips/7.raw") == (found.result, found.detail)


@pytest.mark.parametrize(
    ("schema", "row"),
    [
        ("a TEXT CHECK (a = 'x'), b INTEGER", "'x', 1"),
        ("a BLOB NOT NULL", "x'00'"),
        ("id INTEGER PRIMARY KEY, a REAL UNIQUE", "1, 1.5"),
        ("a", "NULL"),
    ],
)
def test_a_row_is_spoilt_and_the_database_stays_sound(restored: Restored, schema: str, row: str) -> None:
    """Whatever kind of column there is: one row says something else, and SQLite finds nothing wrong."""
    place = restored.place("/t.db")
    change(place, "PRAGMA journal_mode=WAL", f"CREATE TABLE t ({schema})", f"INSERT INTO t VALUES ({row})")
    before = rows(place)

    RowChanged("/t.db").spoil(restored)

    assert before != rows(place)
    assert len(before) == len(rows(place))
    assert Result.PASSED is answer(Structure("/t.db"), restored).result
    assert ["t.db"] == [path.name for path in place.parent.glob("t.db*")]


def test_a_database_without_rows_cannot_be_spoilt(restored: Restored) -> None:
    """Nothing was planted, and nothing is claimed."""
    change(restored.place("/t.db"), "CREATE TABLE t (a)")

    with pytest.raises(TargetError, match="no row that could be changed"):
        RowChanged("/t.db").spoil(restored)


def rows(path: Path) -> list[Any]:
    """What a table says."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM t").fetchall()
