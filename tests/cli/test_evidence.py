"""Evidence as people meet it: kept by what runs, exported, and verified by somebody who has a file and a public key."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from covenant.vault.vault import create_vault
from tests.cli.running import Ran, here
from tests.clocks import FrozenClock
from tests.replicate.worlds import regional
from tests.vaults import CHEAP, CLOCK, PASSWORD, a_store

TOML = """\
[vault]
password = { file = "password" }

[vault.regions.home]
url = "a"

[vault.regions.attic]
url = "b"

[sources.photos]
kind = "files"
path = "photos"
class = "important"
copies = 2

[drills.monthly]
at = "0 4 1 * *"
what = "restore"
"""
BEGAN = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(slots=True)
class Place:
    """Two regions, something to keep, and a clock that is moved."""

    home: Path
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(BEGAN))

    def run(self, *words: object) -> Ran:
        """Run a command at the clock's moment."""
        variables = {"COVENANT_STATE_DIR": str(self.home / "state")}
        return here("-c", self.home / "covenant.toml", "--no-cache", *words, variables=variables, clock=self.clock)

    def exported(self, *words: object) -> Path:
        """An export, which went well."""
        file = self.home / "evidence.jsonl"
        ran = self.run("evidence", "export", "-o", file, *words)
        assert 0 == ran.code, ran.err
        return file

    def key(self) -> str:
        """The public key."""
        return self.run("evidence", "key").out.strip()


def stranger(*words: object) -> Ran:
    """Run a command where there is neither a covenant.toml nor a vault."""
    return here(*words)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a vault in two regions whose daemon has run once."""
    home = tmp_path_factory.mktemp("place")
    stores = [a_store(home / name) for name in ("a", "b")]
    create_vault(regional(*stores), PASSWORD, CHEAP, CLOCK)
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o600)
    (home / "covenant.toml").write_text(TOML)
    (home / "photos").mkdir()
    (home / "photos" / "cover.jpg").write_bytes(b"cover" * 1000)
    assert Place(home).run("run", "--once").code in (0, 1)
    return home


@pytest.fixture
def place(ground: Path, tmp_path: Path) -> Place:
    """A copy of it, for one test."""
    home = tmp_path / "place"
    shutil.copytree(ground, home, symlinks=True)
    toml, catalogs = home / "covenant.toml", list((home / "state").glob("*.db"))
    place = Place(home)
    assert 1 == len(catalogs)
    name = place.run("catalog", "show", "--json").document["place"]  # this folder's covenant.toml has its own
    for path in (home / "state").iterdir():
        if path.name.startswith(catalogs[0].name):
            shutil.copy(path, Path(name).parent / (Path(name).name + path.name.removeprefix(catalogs[0].name)))
    assert toml.exists()
    return place


def test_a_stranger_verifies_what_was_done(place: Place) -> None:
    """With the export and the public key alone it is shown that nothing was changed, and what was done."""
    file, key = place.exported(), place.key()

    ran = stranger("evidence", "verify", file, "--public-key", key, "--json")

    document = ran.document
    kinds = document["chains"][0]["kinds"]
    assert (0, True, []) == (ran.code, document["whole"], document["flaws"])
    assert {"began", "policy", "backup", "key"} <= kinds.keys()
    assert key == document["chains"][0]["key"]


def test_one_changed_byte_is_found(place: Place) -> None:
    """An export that says something else ends with 21, and names the record."""
    file, key = place.exported(), place.key()
    (place.home / "key.hex").write_text(f"{key}\n")
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"actor":"', b'"actor":"x')
    file.write_bytes(b"".join(lines))

    ran = stranger("evidence", "verify", file, "--public-key", place.home / "key.hex")

    assert 21 == ran.code
    assert "record 3 is not the one that record 4 follows" in ran.out
    assert "NOT WHOLE" in ran.out


def test_the_checkpoints_of_any_region_show_a_cut_end(place: Place) -> None:
    """An older export is too short for who can read one region, without any password; the newest is not."""
    older, key = place.exported().rename(place.home / "older.jsonl"), place.key()
    place.clock.sleep(3600)
    (place.home / "photos" / "new.raw").write_bytes(b"new")
    assert 0 == place.run("backup", "photos").code
    newest = place.exported()

    for region in ("a", "b"):
        checkpoints = place.home / region / "covenant" / "evidence" / "checkpoints"
        verify = ("evidence", "verify", "--public-key", key, "--checkpoint", checkpoints)
        cut, whole = stranger(*verify, older), stranger(*verify, newest)

        assert (21, 0) == (cut.code, whole.code)
        assert "[end-missing]" in cut.out


def test_a_checkpoint_can_be_given_away(place: Place) -> None:
    """What 'evidence checkpoint' prints is a checkpoint that the newest export keeps to."""
    file, key = place.exported(), place.key()
    (place.home / "note.txt").write_text(place.run("evidence", "checkpoint").out)

    ran = stranger("evidence", "verify", file, "--public-key", key, "--checkpoint", place.home / "note.txt")

    assert 0 == ran.code
    assert "cut off" not in ran.out


def test_a_promised_drill_that_nobody_held_is_missed(place: Place) -> None:
    """Three months later the evidence of a policy that nobody kept shows three gaps, offline."""
    place.exported()
    place.clock.set(datetime(2027, 2, 10, tzinfo=UTC))
    place.run("backup", "photos")
    file, key = place.exported(), place.key()

    ran = stranger("evidence", "verify", file, "--public-key", key, "--json")

    missed = [(drill["level"], drill["due_at"][:10]) for drill in ran.document["drills"] if drill["became"] == "missed"]
    assert (1, True) == (ran.code, ran.document["whole"])
    assert [("monthly", day) for day in ("2026-12-01", "2027-01-01", "2027-02-01")] == missed


def test_a_drill_that_was_held_answers_its_moment(place: Place) -> None:
    """What the daemon rehearses when it falls due is in the evidence whole, and its moment is passed for a stranger."""
    place.exported()
    place.clock.set(datetime(2026, 12, 1, 4, 30, tzinfo=UTC))
    place.run("run", "--once")
    file, key = place.exported(), place.key()

    ran = stranger("evidence", "verify", file, "--public-key", key, "--json")

    held = [record for record in map(json.loads, file.read_text().splitlines()) if record.get("kind") == "drill"]
    assert [("monthly", "2026-12-01T04:00:00Z")] == [(r["subject"], r["facts"]["due_at"]) for r in held]
    assert ["photos"] == [source["source"] for source in held[0]["facts"]["record"]["sources"]]
    assert [(drill["level"], drill["became"]) for drill in ran.document["drills"]] == [
        ("monthly", held[0]["facts"]["result"])
    ]


def test_a_part_is_said_to_be_one(place: Place) -> None:
    """An export since a moment is whole for who asked for a part, and lacks its beginning for who did not."""
    place.exported()
    place.clock.sleep(3600)
    place.run("backup", "photos")
    file, key = place.exported("--since", (BEGAN + timedelta(minutes=30)).isoformat()), place.key()

    whole, part = (stranger("evidence", "verify", file, "--public-key", key, *words) for words in ((), ("--partial",)))

    assert (21, 0) == (whole.code, part.code)
    assert "are not in the file" in whole.out


def test_what_was_done_by_hand_is_shown(place: Place) -> None:
    """A deletion, a restore and a new password are in the evidence, with who did them."""
    (place.home / "second").write_text("another")
    (place.home / "second").chmod(0o600)
    place.run("backup", "photos")
    place.exported()
    place.clock.sleep(60)
    place.run("backup", "photos")
    assert 0 == place.run("restore", "photos", "--target", place.home / "back").code
    assert 0 == place.run("forget", "--keep-last", "1").code
    assert 0 == place.run("key", "add", "--new-password-file", place.home / "second").code

    place.exported()

    shown = place.run("evidence", "show", "--json", "--limit", "100").document["records"]
    kinds = [(record["kind"], record["facts"].get("what")) for record in shown]
    assert ("restore", "restore") in kinds
    assert ("deletion", "forget") in kinds
    assert ("deletion", "snapshot-gone") in kinds
    assert ("key", "key-added") in kinds
    assert {"restore", "forget"} <= {record["facts"].get("what") for record in shown if "@" in record["actor"]}


def test_what_covenant_cannot_see_is_written_down(place: Place) -> None:
    """An approval and a refund that somebody notes are signed like everything else, with who noted them."""
    words = ("evidence", "note", "approval", "photos", "Ada agreed to a restore")
    assert 0 == place.run(*words).code
    assert 0 == place.run("evidence", "note", "refund", "account-17", "EUR 20", "--actor", "billing").code

    told = [json.loads(line) for line in place.exported().read_text().splitlines() if '"text"' in line]

    said = [(record["kind"], record["facts"]["what"], record["subject"], record["facts"]["text"]) for record in told]
    assert ("approval", "approval", "photos", "Ada agreed to a restore") in said
    assert ("note", "refund", "account-17", "EUR 20") in said
    assert ["billing"] == [record["actor"] for record in told if record["facts"]["what"] == "refund"]


@pytest.mark.parametrize("kind", ["snapshot-gone", "policy", "restore", "drill", "two words", "Approval", ""])
def test_nobody_notes_in_the_name_of_covenant(place: Place, kind: str) -> None:
    """What the program notes itself cannot be noted by hand."""
    ran = place.run("evidence", "note", kind, "photos", "nothing happened")

    assert 2 == ran.code


def test_the_last_records_are_shown(place: Place) -> None:
    """A kind can be asked for, and the newest comes first."""
    place.exported()

    ran = place.run("evidence", "show", "--kind", "backup")

    assert 0 == ran.code
    assert "snapshot" in ran.out
    assert "policy" not in ran.out


def test_a_vault_of_which_no_covenant_toml_speaks_is_exported_as_it_is(place: Place) -> None:
    """With an address and a password alone the evidence in a region can be taken out, and nothing is added."""
    place.exported()
    before = sorted((place.home / "b").rglob("*"))
    words = ("--vault", place.home / "b", "--password-file", place.home / "password", "--no-cache", "--no-lock")

    ran = stranger(*words, "evidence", "export", "-o", place.home / "there.jsonl")

    verified = stranger("evidence", "verify", place.home / "there.jsonl", "--public-key", place.key())
    assert (0, 0) == (ran.code, verified.code)
    assert before == sorted((place.home / "b").rglob("*"))


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    """A wrong key is a wrong usage, not a chain that is not whole."""
    (tmp_path / "key").write_text(text)
    (tmp_path / "evidence.jsonl").touch()

    ran = stranger("evidence", "verify", tmp_path / "evidence.jsonl", "--public-key", tmp_path / "key")

    assert 2 == ran.code
    assert "no public key" in ran.err


def test_no_secret_is_in_an_export(place: Place) -> None:
    """Neither the password nor the key that signs is in what is given to others."""
    text = place.exported().read_text()

    assert PASSWORD not in text
    assert '"private"' not in text
    assert 0o600 == (place.home / "evidence.jsonl").stat().st_mode & 0o777
    assert all(json.loads(line) for line in text.splitlines())
