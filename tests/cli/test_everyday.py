"""The commands of every day: init, backup, look, restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import apart, clean_environment, here
from tests.trees import differences
from tests.vaults import PASSWORD


def test_a_new_vault_takes_a_backup_and_gives_it_back(tmp_path: Path) -> None:
    """From nothing: init, backup, restore, as real processes, and every byte comes back."""
    (tmp_path / "password").write_text("secret")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "song.wav").write_bytes(os.urandom(100_000))
    before = ("--vault", "vault", "--password-file", "password")

    made = apart(tmp_path, *before, "init")
    kept = apart(tmp_path, *before, "backup", "--path", "data")
    restored = apart(tmp_path, *before, "restore", "latest", "--target", "out")

    assert [0, 0, 0] == [made.code, kept.code, restored.code], (made, kept, restored)
    assert [] == differences(tmp_path / "data", tmp_path / "out" / str(tmp_path / "data").lstrip("/"))


def test_a_vault_is_never_made_over_another(studio: Studio) -> None:
    """A second init ends with the code of its own, and the vault still opens."""
    again = studio.here("init")

    assert 14 == again.code
    assert "already" in again.err
    assert 0 == studio.here("snapshots").code


def test_a_backup_says_what_was_new(studio: Studio) -> None:
    """The second backup of the same files builds on the first and reads none of them again."""
    first = studio.here("backup", "--path", studio.photos, "--json").document
    os.utime(studio.photos / "cover.jpg", ns=(1, 1))
    second = studio.here("backup", "--path", studio.photos, "--json").document

    assert ("full", None, 3) == (first["kind"], first["parent"], first["files_new"])
    assert ("incremental", first["snapshot_id"]) == (second["kind"], second["parent"])
    assert (0, 3) == (second["data_blobs"], second["files"])


def test_a_differential_builds_on_the_last_full(studio: Studio) -> None:
    """Full, incremental and differential choose the parent that their names promise."""
    full = studio.backed_up()
    studio.backed_up()
    differential = studio.here("backup", "--path", studio.photos, "--differential", "--json").document
    fresh = studio.here("backup", "--path", studio.photos, "--full", "--json").document

    assert ("differential", full) == (differential["kind"], differential["parent"])
    assert ("full", None, 3) == (fresh["kind"], fresh["parent"], fresh["files_new"])


def test_a_dry_run_keeps_nothing(studio: Studio) -> None:
    """It counts what would be new, and the vault's objects stay as they were."""
    objects = sorted(path for path in studio.vault.rglob("*") if path.is_file())

    ran = studio.here("backup", "--path", studio.photos, "--dry-run", "--json")

    assert (0, None, 3) == (ran.code, ran.document["snapshot_id"], ran.document["files_new"])
    assert objects == sorted(path for path in studio.vault.rglob("*") if path.is_file())


def test_what_is_excluded_is_not_kept(studio: Studio) -> None:
    """Patterns from the command line and from a file leave entries out."""
    (studio.home / "patterns").write_text("# what is made again\nsecond.*\n\n")
    studio.here("backup", "--path", studio.photos, "--exclude", "*.jpg", "--exclude-file", studio.home / "patterns")

    listed = studio.here("ls", "latest", studio.photos, "--recursive").out

    assert "first.raw" in listed
    assert "cover.jpg" not in listed
    assert "second.raw" not in listed


def test_an_unreadable_part_is_a_finding(studio: Studio) -> None:
    """A path that is missing is named on stderr, the rest is kept, and the exit code says so."""
    ran = studio.here("backup", "--path", studio.photos, "--path", studio.home / "absent")

    assert 1 == ran.code
    assert f"{studio.home / 'absent'}: does not exist" in ran.err
    assert "snapshot" in ran.out


def test_nothing_to_read_is_an_error_of_the_source(studio: Studio) -> None:
    """Where none of the paths exists there is no snapshot, and the exit code is the source's."""
    ran = studio.here("backup", "--path", studio.home / "absent")

    assert 23 == ran.code
    assert "HINT: " in ran.err
    assert [] == studio.here("snapshots", "--json").document["snapshots"]


def test_snapshots_are_filtered(studio: Studio) -> None:
    """By host, tag, path, and only the latest of each."""
    studio.here("backup", "--path", studio.photos, "--tag", "wedding", "--host", "one")
    studio.here("backup", "--path", studio.photos, "--tag", "portrait", "--host", "two")
    studio.here("backup", "--path", studio.photos, "--host", "two")

    def hosts(*words: object) -> list[str]:
        found = studio.here("snapshots", "--json", *words).document["snapshots"]
        return [snapshot["hostname"] for snapshot in found]

    assert ["one", "two", "two"] == hosts()
    assert ["one"] == hosts("--tag", "wedding")
    assert ["two", "two"] == hosts("--host", "two")
    assert ["one", "two"] == hosts("--latest", "1")
    assert [] == hosts("--path", "/elsewhere")


def test_a_damaged_snapshot_does_not_hide_the_others(studio: Studio) -> None:
    """It is a finding; the other is listed, and a backup is still made."""
    damaged, kept = studio.backed_up(), studio.backed_up()
    path = studio.vault / "snapshots" / damaged
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)

    ran = studio.here("snapshots", "--json")

    assert 1 == ran.code
    assert [kept] == [snapshot["id"] for snapshot in ran.document["snapshots"]]
    assert ["snapshot-damaged"] == [finding["kind"] for finding in ran.document["findings"]]


def test_a_part_is_restored_by_the_name_of_its_snapshot(studio: Studio) -> None:
    """The beginning of an id and a path bring back that path, stripped of what is above it."""
    snapshot = studio.backed_up()
    target = studio.home / "out"

    ran = studio.here(
        "restore", snapshot[:10], studio.photos / "shoot-1", "--strip", "--target", target, "--exclude", "second.*"
    )

    assert 0 == ran.code, ran.err
    assert ["first.raw"] == os.listdir(target)


def test_a_restore_into_a_full_folder_asks_to_be_told(studio: Studio) -> None:
    """A target that is not empty is refused, and taken with --overwrite."""
    studio.backed_up()
    target = studio.home / "out"
    target.mkdir()
    (target / "mine").write_text("mine")

    refused = studio.here("restore", "latest", "--target", target)
    told = studio.here("restore", "latest", "--target", target, "--overwrite")

    assert (22, 0) == (refused.code, told.code)
    assert "mine" == (target / "mine").read_text()


def test_a_dry_restore_writes_nothing(studio: Studio) -> None:
    """It says what would be restored, and does not even make the folder."""
    studio.backed_up()

    ran = studio.here("restore", "latest", "--target", studio.home / "out", "--dry-run", "--json")

    assert 3 == ran.document["restores"][0]["files_created"]
    assert not (studio.home / "out").exists()


def test_files_are_brought_back_to_where_they_were(studio: Studio) -> None:
    """In place: what was lost is there again, what was changed is as it was, the rest is kept."""
    studio.backed_up()
    shutil.rmtree(studio.photos / "shoot-1")
    (studio.photos / "cover.jpg").write_text("ruined")

    ran = studio.here("restore", "latest", "--in-place", "--json")

    assert 0 == ran.code, ran.err
    assert b"cover" * 1000 == (studio.photos / "cover.jpg").read_bytes()
    assert b"first" * 5000 == (studio.photos / "shoot-1" / "first.raw").read_bytes()


def test_a_snapshot_that_is_not_there_has_a_code_of_its_own(studio: Studio) -> None:
    """Neither an id nor a source of that name."""
    ran = studio.here("restore", "0123abcd", "--target", studio.home / "out")

    assert 13 == ran.code


@pytest.mark.parametrize("words", [("find", "*.raw"), ("find", "*/shoot-1/*.raw"), ("find", "-i", "*.RAW")])
def test_files_are_found_by_pattern(studio: Studio, words: tuple[str, ...]) -> None:
    """By name, by path, and without minding the case."""
    studio.backed_up()

    found = studio.here(*words, "--json").lines

    assert ["first.raw", "second.raw"] == [entry["path"].rpartition("/")[2] for entry in found]


def test_ls_shows_what_is_there(studio: Studio) -> None:
    """One level, or all below, or with mode and size."""
    studio.backed_up()

    one_level = studio.here("ls", "latest", studio.photos).out.splitlines()
    long = studio.here("ls", "-l", "latest", studio.photos / "cover.jpg").out

    assert [str(studio.photos), f"{studio.photos}/cover.jpg", f"{studio.photos}/shoot-1"] == one_level
    assert long.startswith("-rw-r--r--")
    assert " 5000 " in long


CONFIG = """
[vault]
url = "vault"
password = {{ file = "password" }}

[sources.photos]
kind = "files"
path = "photos"
class = "important"
tags = ["studio"]

[sources.metadata]
kind = "sqlite"
path = "metadata.db"
class = "shoots"

[classes.shoots]
rpo = "15m"
rto = "1h"
retention = {{ keep_last = {keep_last} }}
"""


@pytest.fixture
def configured(studio: Studio) -> Studio:
    """The same studio with a database and a covenant.toml that names both."""
    (studio.home / "password").chmod(0o600)
    (studio.home / "covenant.toml").write_text(CONFIG.format(keep_last=2))
    with sqlite3.connect(studio.home / "metadata.db") as database:
        database.execute("CREATE TABLE shoots (name TEXT)")
        database.execute("INSERT INTO shoots VALUES ('wedding')")
    database.close()
    return studio


def toml(studio: Studio, *words: object) -> tuple[object, ...]:
    """A command line that names the studio's covenant.toml."""
    return ("-c", studio.home / "covenant.toml", "--cache-dir", studio.home / "cache", *words)


def test_all_sources_are_kept_by_one_word(configured: Studio) -> None:
    """Without a name every source of covenant.toml is kept, under its name and with its tags."""
    ran = here(*toml(configured, "backup", "--json"))

    assert 0 == ran.code, ran.err
    assert ["photos", "metadata"] == [line["source"] for line in ran.lines]
    listed = here(*toml(configured, "snapshots", "--json", "--source", "photos")).document["snapshots"]
    assert ["studio"] == [tag for tag in listed[0]["tags"] if not tag.startswith("covenant:")]


def test_one_source_that_cannot_be_read_does_not_stop_the_others(configured: Studio) -> None:
    """The database is gone: the photos are kept all the same, and the exit code says what is wrong."""
    (configured.home / "metadata.db").unlink()

    ran = here(*toml(configured, "backup"))

    assert 23 == ran.code
    assert "snapshot" in ran.out
    assert "no database" in ran.err


def test_a_restore_is_measured_against_its_promise(configured: Studio) -> None:
    """The source's class says how long it may take and how old it may be; both are said beside what was."""
    here(*toml(configured, "backup"))

    told = here(*toml(configured, "restore", "photos", "--target", configured.home / "out"))
    measured = here(*toml(configured, "restore", "photos", "--target", configured.home / "out-2", "--json")).document

    assert "RTO kept" in told.out
    assert "RPO kept" in told.out
    assert ("important", True, True) == tuple(measured["objectives"][key] for key in ("class", "rto_kept", "rpo_kept"))


def test_a_database_is_swapped_in(configured: Studio) -> None:
    """In place: proved sound, put where the live one was, which is set aside."""
    here(*toml(configured, "backup", "metadata"))
    live = configured.home / "metadata.db"
    live.write_bytes(b"ruined")

    ran = here(*toml(configured, "restore", "metadata", "--in-place"))

    assert 0 == ran.code, ran.err
    with sqlite3.connect(live) as database:
        assert [("wedding",)] == database.execute("SELECT name FROM shoots").fetchall()
    database.close()
    assert [b"ruined"] == [path.read_bytes() for path in configured.home.glob("metadata.db.before-restore-*")]


def test_forget_follows_the_retention_of_the_source(configured: Studio) -> None:
    """Without rules on the command line each source is judged by what covenant.toml says."""
    for _ in range(3):
        here(*toml(configured, "backup", "metadata"))

    ran = here(*toml(configured, "forget", "--json"))

    plans = {plan["source"]: plan for plan in ran.document["plans"]}
    assert (0, 1) == (ran.code, ran.document["forgotten"]), ran.err
    assert 1 == len(plans["metadata"]["forget"])


def test_covenant_toml_is_found_upwards(configured: Studio) -> None:
    """From a folder below, nothing need be named at all."""
    ran = apart(configured.home / "photos", "backup", "photos", "--json")

    assert 0 == ran.code, ran.err


def test_an_unknown_source_is_answered_with_those_there_are(configured: Studio) -> None:
    """A slip of the finger in a source's name is wrong usage."""
    ran = here(*toml(configured, "backup", "fotos"))

    assert 2 == ran.code
    assert "photos, metadata" in ran.err


def test_a_password_is_never_shown(configured: Studio) -> None:
    """Neither a report nor an error nor the settings show a secret."""
    ran = [here(*toml(configured, *words)) for words in (["config", "show"], ["backup"], ["cat", "config"])]

    assert not any(PASSWORD in each.out + each.err for each in ran)


def test_one_vault_that_is_gone_does_not_stop_the_others(configured: Studio) -> None:
    """A source of another vault is kept all the same, and the exit code says that a vault is missing."""
    path = configured.home / "covenant.toml"
    elsewhere = '[vaults.away]\nurl = "away"\npassword = { file = "password" }\n'
    path.write_text(path.read_text().replace('class = "shoots"', 'class = "shoots"\nvault = "away"') + elsewhere)

    ran = here(*toml(configured, "backup"))

    assert 10 == ran.code
    assert "of photos, full" in ran.out


def test_what_changed_between_two_snapshots_is_shown(studio: Studio) -> None:
    """New, gone and changed entries by their marks, and the sums; in JSON one line each."""
    first = studio.backed_up()
    (studio.photos / "new.jpg").write_bytes(b"new")
    (studio.photos / "cover.jpg").write_bytes(b"other")
    (studio.photos / "shoot-1" / "first.raw").unlink()
    studio.backed_up()

    text = studio.here("diff", first[:8], "latest")
    data = studio.here("diff", f"{first[:8]}:{studio.photos}", "latest", "--json").lines

    marks = {line["path"].rpartition("/")[2]: line["mark"] for line in data[:-1]}
    assert {"new.jpg": "+", "cover.jpg": "M", "first.raw": "-"} == marks
    assert (1, 1, 1) == tuple(data[-1][key] for key in ("added", "removed", "modified"))
    assert f"- {studio.photos}/shoot-1/first.raw" in text.out


def test_a_file_is_given_out_as_it_is(studio: Studio) -> None:
    """Its bytes on stdout, and nothing else, wherever the path is written."""
    studio.backed_up()
    path = studio.photos / "cover.jpg"

    apart_from, together = studio.apart("dump", "latest", path), studio.apart("dump", f"latest:{path}")

    assert ("cover" * 1000, "cover" * 1000) == (apart_from.out, together.out)
    assert 2 == studio.here("dump", "latest", studio.photos).code


@pytest.mark.parametrize(
    ("kind", "listed"), [("tar", ["tar", "-tf"]), ("zip", [sys.executable, "-m", "zipfile", "-l"])]
)
def test_a_folder_is_given_out_as_an_archive(studio: Studio, kind: str, listed: list[str]) -> None:
    """Programs that everyone has read it."""
    studio.backed_up()
    archive = studio.home / f"photos.{kind}"
    command = [
        sys.executable,
        "-m",
        "covenant",
        *studio.before,
        "dump",
        "--archive",
        kind,
        "latest",
        str(studio.photos),
    ]
    with archive.open("wb") as file:
        subprocess.run(command, stdout=file, env=clean_environment(studio.home), check=True)

    names = subprocess.run([*listed, str(archive)], capture_output=True, text=True, check=True).stdout

    assert "cover.jpg" in names
    assert "shoot-1/first.raw" in names


def test_a_moment_chooses_the_snapshot_of_that_time(studio: Studio) -> None:
    """With --at 'latest' is the newest that was taken by then."""
    first = studio.backed_up()
    taken = studio.here("snapshots", "--json").document["snapshots"][0]["time"]
    studio.backed_up()

    restored = studio.here("restore", "latest", "--at", taken, "--target", studio.home / "out", "--dry-run", "--json")
    before = studio.here("restore", "latest", "--at", "2001-01-01", "--target", studio.home / "out")

    assert first == restored.document["snapshot_id"]
    assert 13 == before.code


def test_files_are_found_by_size(studio: Studio) -> None:
    """Bounds on sizes need no pattern; with nothing at all to go by, it is asked for."""
    studio.backed_up()

    found = studio.here("find", "--larger", "26K", "--type", "file", "--json").lines

    assert ["second.raw"] == [entry["path"].rpartition("/")[2] for entry in found]
    assert 2 == studio.here("find").code
