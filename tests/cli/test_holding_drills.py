"""``covenant drill run``, and drills that fall due: real vaults, and a clock that is moved."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from covenant.kernel.clock import SystemClock
from tests.cli.running import Ran, here, started
from tests.clocks import FrozenClock
from tests.loop.daemons import until
from tests.vaults import PASSWORD, a_store, a_vault

TOML = """\
[vault]
url = "vault"
password = { file = "password" }

[catalog]
path = "catalog.db"

[sources.photos]
kind = "files"
path = "photos"
class = "critical"

[drills]
monthly = { at = "0 9 1 * *", what = "restore" }
"""


@dataclass(slots=True)
class Place:
    """A covenant.toml, its catalog, and a clock that is moved."""

    home: Path
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(SystemClock().now()))

    def run(self, *words: object) -> Ran:
        """Run a command at the clock's moment."""
        variables = {"COVENANT_STATE_DIR": str(self.home / "state")}
        return here("-c", self.home / "covenant.toml", "--no-cache", *words, variables=variables, clock=self.clock)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Photos that were kept, and no drill held yet."""
    (tmp_path / "covenant.toml").write_text(TOML)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.raw").write_bytes(b"one" * 5000)
    a_vault(a_store(tmp_path / "vault"))
    return Place(tmp_path)


def test_a_drill_is_held_and_kept(place: Place) -> None:
    """It restores, asks and plants; the catalog has it, and the vault too, should the catalog be lost."""
    place.run("backup")

    ran = place.run("drill", "run", "monthly")
    shown = place.run("drill", "show", "latest")
    (place.home / "catalog.db").unlink()
    place.run("catalog", "rebuild")

    assert (0, ran.out) == (ran.code, shown.out), ran.err
    assert re.search("photos +files +critical +passed", ran.out)
    assert 3 == ran.out.count("  caught  ")
    assert ran.out == place.run("drill", "show", "latest").out
    assert "passed" in place.run("status").out


def test_a_drill_that_fails_says_so_everywhere(place: Place) -> None:
    """Its exit code, the list and the status: a pack is gone, and so is the photo."""
    place.run("backup")
    for pack in (place.home / "vault" / "data").rglob("*"):
        if pack.is_file():
            pack.unlink()

    ran = place.run("drill", "run", "monthly", "--json")

    assert 1 == ran.code
    assert "failed" == ran.document["result"]
    assert "failed" in place.run("drill", "list").out
    assert "monthly drills: broken: the last failed" in place.run("status").out


def test_what_is_asked_of_a_drill_in_vain_is_said(place: Place) -> None:
    """A source that there is not; a scenario that this vault cannot act out; a machine without a catalog of drills."""
    place.run("backup")

    unknown = place.run("drill", "run", "monthly", "nobody")
    outage = place.run("drill", "run", "quarterly", "--scenario", "data-centre-outage")

    assert (2, 3) == (unknown.code, outage.code)
    assert "there is no source 'nobody'" in unknown.err
    assert "is the only place where it lies" in outage.out


def test_the_daemon_holds_what_is_due_and_tells_what_was_missed(place: Place) -> None:
    """From the moment of the promise on: held once, never twice, and a month that nobody was there for is missed."""
    place.clock.set(datetime(2026, 11, 20, 12, tzinfo=UTC))
    place.run("run", "--once")
    place.clock.set(datetime(2026, 12, 1, 10, tzinfo=UTC))
    place.run("run", "--once")
    place.run("run", "--once")

    place.clock.set(datetime(2027, 2, 20, 12, tzinfo=UTC))
    missing = place.run("drill", "list", "--json").document
    told = place.run("status")

    assert ["2026-12-01T09:00:00Z"] == [each["drill"]["due_at"] for each in missing["drills"]]
    assert ["2027-01-01T09:00:00+00:00", "2027-02-01T09:00:00+00:00"] == [each["due_at"] for each in missing["missed"]]
    assert "monthly drills: broken: 2 drills were missed, due 2027-02-01 09:00" in told.out
    assert 2 == place.run("drill", "list").out.count("missed")
    assert 1 == told.code


def test_the_report_of_a_drill_that_was_due_lies_where_the_policy_says(place: Place) -> None:
    """It is left there, signed, with what was missed before; where it cannot be written, that is told, and the drill
    counts all the same."""
    with (place.home / "covenant.toml").open("a") as toml:
        toml.write('reports = "reports"\n')
    place.clock.set(datetime(2026, 11, 20, 12, tzinfo=UTC))
    place.run("run", "--once")
    place.clock.set(datetime(2027, 1, 10, 10, tzinfo=UTC))
    place.run("run", "--once")
    left = sorted(path.suffix for path in (place.home / "reports").iterdir())
    (page,) = (path.read_text() for path in (place.home / "reports").glob("*.html"))
    place.clock.set(datetime(2027, 2, 1, 10, tzinfo=UTC))
    (place.home / "reports").rename(place.home / "old")
    (place.home / "reports").write_text("in the way")

    ran = place.run("run", "--once")

    assert [".html", ".json", ".pdf", ".pem", ".sha256", ".sig"] == left
    assert "1 promised drill MISSED" in page
    assert "its report was not written" in ran.out
    assert 2 == len(place.run("drill", "list", "--json").document["drills"])


def test_a_drill_that_was_killed_leaves_nothing_for_long(place: Place) -> None:
    """After ``kill -9`` the next start, of a drill or of the daemon, removes what it had restored."""
    place.run("backup")
    with (place.home / "covenant.toml").open("a") as toml:
        app = 'command = ["sleep", "60"]\nurl = "http://127.0.0.1:8178/"\n'
        toml.write(f'[[sources.photos.probes]]\nkind = "http"\n{app}')
    boxes = place.home / "state" / "sandboxes"
    words = ("-c", place.home / "covenant.toml", "drill", "run", "monthly")
    process = started(place.home, *words, variables={"COVENANT_STATE_DIR": str(place.home / "state")})
    until(lambda: list(boxes.glob("covenant-sandbox-*/**/one.raw")))

    process.kill()
    process.communicate()
    assert list(boxes.glob("covenant-sandbox-*/**/one.raw"))
    place.run("run", "--once")

    assert [] == list(boxes.iterdir())


@pytest.mark.soak
def test_whenever_a_drill_is_killed_the_next_one_leaves_nothing(place: Place) -> None:
    """Killed at many moments, in a restore, a probe or a planting: nothing stays, and nothing is hurt."""
    for number in range(50):
        (place.home / "photos" / f"{number}.raw").write_bytes(b"more" * 50_000)
    place.run("backup")
    boxes = place.home / "state" / "sandboxes"
    words = ("-c", place.home / "covenant.toml", "drill", "run", "monthly")
    for number in range(30):
        process = started(place.home, *words, variables={"COVENANT_STATE_DIR": str(place.home / "state")})
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.4 + number * 0.05)
        process.kill()
        process.communicate()

        assert 0 == place.run("drill", "run", "monthly").code
        assert [] == list(boxes.iterdir())
    assert 0 == place.run("check", "--read-data").code
