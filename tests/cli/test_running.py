"""``covenant run`` and those who look at it: real vaults of several regions, and processes of their own."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from covenant.cli.keeping_on import Followed
from covenant.cli.output import Output
from covenant.cli.session import Session
from covenant.kernel.clock import SystemClock
from covenant.vault.vault import create_vault
from tests.cli.running import Ran, clean_environment, ended, here, started
from tests.clocks import FrozenClock
from tests.replicate.worlds import regional
from tests.servers.scripted import Answer, answering
from tests.vaults import CHEAP, CLOCK, PASSWORD, a_store

TOML = """\
[vault]
password = { file = "password" }
acknowledge = 1

[vault.regions.home]
url = "a"

[vault.regions.attic]
url = "b"

[vault.regions.cellar]
url = "c"

[sources.photos]
kind = "files"
path = "photos"
class = "important"
copies = 3
"""


@dataclass(slots=True)
class Place:
    """Three regions, something to keep, and a clock that is moved."""

    home: Path
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(SystemClock().now()))

    @property
    def toml(self) -> Path:
        return self.home / "covenant.toml"

    @property
    def variables(self) -> dict[str, str]:
        return {"COVENANT_STATE_DIR": str(self.home / "state")}

    def run(self, *words: object) -> Ran:
        """Run a command at the clock's moment."""
        return here("-c", self.toml, "--no-cache", *words, variables=self.variables, clock=self.clock)

    def ran_once(self) -> set[tuple[str, str, str]]:
        """What ``run --once`` did now: subjects, kinds and states."""
        before = len(self.runs())
        self.run("run", "--once")
        return {
            (str(run["subject"]), str(run["kind"]), str(run["state"]))
            for run in self.runs()[: len(self.runs()) - before]
        }

    def runs(self, *words: str) -> list[dict[str, object]]:
        """What the catalog knows of runs, the newest first."""
        found = self.run("runs", "--limit", 1000, "--json", *words)
        return list(found.document["runs"])

    def objects(self, region: str) -> set[str]:
        """Everything a region holds but for locks."""
        files = {
            str(path.relative_to(self.home / region)) for path in (self.home / region).rglob("*") if path.is_file()
        }
        return {name for name in files if not name.startswith("locks")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A vault of three regions, and photos that nobody kept yet."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.raw").write_bytes(b"one" * 5000)
    (tmp_path / "covenant.toml").write_text(TOML)
    create_vault(regional(*(a_store(tmp_path / name) for name in "abc")), PASSWORD, CHEAP, CLOCK)
    return Place(tmp_path)


def within(seconds: float, happened: Callable[[], bool]) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.1)
    return False


def test_a_look_backs_up_and_does_the_chores(place: Place) -> None:
    """``run --once`` backs up into every region and does the chores, the lock with nothing to extend; right after it
    nothing is due any more."""
    first = place.ran_once()
    again = place.ran_once()

    assert ("photos", "archive", "done") in first  # the most thorough that is due
    assert {("default", kind, "done") for kind in ("sync", "forget", "lock", "check", "verify")} <= first
    assert set() == again
    assert ["extended 0 terms"] == [run["message"] for run in place.runs() if run["kind"] == "lock"]
    assert place.objects("a") == place.objects("b") == place.objects("c")


def test_every_region_is_read_back_in_spare_time(place: Place) -> None:
    """The daemon reads every region back hour by hour: nothing waits for longer than promised, and ``status`` shows it;
    when the time has passed without a reading, the promise is broken."""
    text = place.toml.read_text()
    place.toml.write_text(text.replace("acknowledge = 1", 'acknowledge = 1\nverify_within = "10h"'))
    place.ran_once()
    begun = place.run("status", "--json").document["vaults"][0]["regions"]
    for _ in range(12):
        place.clock.sleep(timedelta(hours=1).total_seconds())
        place.run("run", "--once")

    read = place.run("status", "--json").document["vaults"][0]["regions"]
    shown = place.run("status")
    place.clock.sleep(timedelta(hours=11).total_seconds())
    late = place.run("status")

    assert all(region["proved"] < 1 for region in begun)
    assert all(region["proved"] > 0.5 for region in read)
    assert 3 == shown.out.count(" %, oldest ")
    assert "region cellar holds what was not read back for" not in shown.out
    assert "region cellar holds what was not read back for" in late.out
    assert 1 == late.code


def test_an_emptied_region_is_filled_again_when_the_sync_falls_due(place: Place) -> None:
    """What a region lost is brought back by the next sync that falls due, and not before; the copies count again."""
    place.ran_once()
    whole = place.objects("b")
    for folder in ("data", "snapshots", "index"):
        shutil.rmtree(place.home / "b" / folder)

    early = place.ran_once()
    emptied = place.objects("b")
    place.clock.sleep(timedelta(minutes=16).total_seconds())
    late = place.ran_once()

    assert set() == early
    assert emptied < whole
    assert ("default", "sync", "done") in late
    assert whole <= place.objects("b")
    regions = place.run("status", "--json").document["vaults"][0]["regions"]
    assert [0, 0, 0] == [region["missing"] for region in regions]


def test_a_backup_made_by_hand_counts(place: Place) -> None:
    """``status`` knows of a snapshot that a person took, and the daemon's next look need not tell it."""
    place.run("backup")

    shown = place.run("status", "--json").document["sources"][0]

    assert 0 == shown["rpo_reached"]


def test_status_is_green_and_red_and_the_runs_say_why(place: Place) -> None:
    """While all is kept ``status`` ends with 0; when the source was gone for longer than promised it ends with 1, and
    ``runs --failed`` and ``run show`` name the reason."""
    place.ran_once()
    green = place.run("status")
    (place.home / "photos").rename(place.home / "elsewhere")
    place.clock.sleep(timedelta(hours=30).total_seconds())

    place.ran_once()

    red = place.run("status")
    failed = place.runs("--failed")
    shown = place.run("run", "show", failed[0]["id"])
    listed = place.run("runs", "--failed")
    assert (0, 1) == (green.code, red.code), green.out + red.out
    assert "in all: kept" in green.out
    assert "photos: broken: the newest backup is 1d6h old" in red.out
    assert {("photos", "failed")} == {(run["subject"], run["state"]) for run in failed}
    assert str(place.home / "photos") in shown.out
    assert "HINT: " in shown.out
    assert "photos" in listed.out
    assert 2 == place.run("run", "show", 4711).code


@contextmanager
def on_a_terminal(home: Path, *words: object, **variables: str) -> Iterator[tuple[int, int]]:
    """The program on a pseudo-terminal, as the process that Ctrl-C reaches: its id, and our end of the terminal."""
    environment = clean_environment(home, TERM="xterm", COLUMNS="120", **variables)
    process, terminal = pty.fork()
    if not process:
        os.chdir(home)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever began these tests may ignore it
        os.execve(sys.executable, [sys.executable, "-m", "covenant", *map(str, words)], environment)
    try:
        yield process, terminal
    finally:
        os.close(terminal)


def ended_within(seconds: float, process: int, terminal: int) -> int | None:
    """The exit code of a child of ours that ends in time; one that does not is killed. What it writes is read."""
    status: list[int] = []

    def over() -> bool:
        with suppress(OSError):
            os.read(terminal, 65536)
        found, how = os.waitpid(process, os.WNOHANG)
        status.extend([how] if found else [])
        return bool(found)

    if within(seconds, over):
        return os.waitstatus_to_exitcode(status[0])
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def read_until(terminal: int, words: str, seconds: float) -> str:
    """What a terminal shows until it shows these words, or time is up."""
    os.set_blocking(terminal, False)
    shown = bytearray()

    def arrived() -> bool:
        try:
            shown.extend(os.read(terminal, 65536))
        except (BlockingIOError, OSError):
            pass
        return words in re.sub(r"\s+", " ", shown.decode(errors="replace"))

    within(seconds, arrived)
    return re.sub(r"\s+", " ", shown.decode(errors="replace"))


def test_a_watch_shows_what_another_process_does_and_ends_on_ctrl_c(place: Place) -> None:
    """``status --watch`` on a terminal shows the run of a daemon while it is at work; Ctrl-C ends it with 0."""
    (place.home / "photos" / "large.raw").write_bytes(Random(1).randbytes(4_000_000))
    place.toml.write_text(TOML + '[limits]\nbandwidth = "256KiB/s"\npack_size = "4MiB"\n')
    words = ("-c", place.toml, "--no-cache")
    daemon = started(place.home, *words, "run", variables=place.variables)
    try:
        with on_a_terminal(place.home, *words, "status", "--watch", **place.variables) as (watcher, terminal):
            shown = read_until(terminal, "archive of photos is at work", 30)
            os.write(terminal, b"\x03")
            code = ended_within(20, watcher, terminal)
    finally:
        daemon.kill()
        ran = ended(daemon)

    assert "archive of photos is at work" in shown, shown + ran.err
    assert 0 == code


@pytest.mark.soak
def test_settings_that_cannot_be_followed_are_told_and_the_old_ones_kept(place: Place) -> None:
    """A covenant.toml that becomes invalid under the daemon changes nothing but that people are told; when it can be
    followed again, it is."""
    fine = TOML + '[alerts]\ngroup_for = "1s"\n[alerts.channels.hook]\nurl = { env = "HOOK_URL" }\n'
    place.toml.write_text(fine)
    with answering(lambda asked: Answer(200)) as server:
        variables = {**place.variables, "HOOK_URL": f"json://127.0.0.1:{server.port}/hook"}
        daemon = started(place.home, "-c", place.toml, "--no-cache", "run", variables=variables)

        def told(words: str) -> bool:
            return any(words in json.loads(asked.body)["message"] for asked in server.asked)

        try:
            began = within(20, lambda: any((place.home / "a" / "snapshots").glob("*")))
            place.toml.write_text(fine + "[sources.photos2]\nkind = 'no such kind'\n")
            refused = within(60, lambda: told("the old ones stay in force"))
            place.toml.write_text(fine)
            time.sleep(17)  # the loop looks every fifteen seconds
        finally:
            daemon.send_signal(signal.SIGTERM)
            ran = ended(daemon)

    assert began, ran.err
    assert refused, ran.out + ran.err
    assert "config-refused" in ran.out
    assert "config-read" in ran.out
    assert 0 == ran.code


def test_settings_are_followed_when_they_can_be(place: Place) -> None:
    """The daemon's look at a covenant.toml: one that became invalid changes nothing and is a trouble to be told, and
    when it can be followed again it is, and the trouble is over."""
    out = io.StringIO()
    session = Session(Output(out=out, err=io.StringIO()), place.clock)
    session.said = replace(session.said, config=place.toml)
    followed = Followed(session)
    before = followed.look()

    place.toml.write_text(TOML + "[sources.photos2]\nkind = 'no such kind'\n")
    refused, troubles = followed.look(), followed.troubles()
    place.toml.write_text(TOML.replace("copies = 3", "copies = 2"))
    after = followed.look()

    assert before is refused
    assert ["settings/refused"] == [trouble.key for trouble in troubles]
    assert "photos2" in troubles[0].text
    assert 2 == after.sources["photos"].copies.value
    assert () == followed.troubles()
    assert ["config-refused", "config-read"] == re.findall("config-[a-z]+", out.getvalue())
