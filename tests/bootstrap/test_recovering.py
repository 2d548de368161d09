"""An empty machine gets everything back from any one region."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.bootstrap import opener
from covenant.bootstrap.recovering import Bare, recover_bare
from covenant.kernel.answers import Result
from covenant.kernel.errors import Interrupted
from covenant.prove.recovery import Recovery
from tests.bootstrap.bare_worlds import TOML, World, a_split_kit, a_world
from tests.cli.running import ROOT, clean_environment
from tests.clocks import FrozenClock
from tests.vaults import CLOCK, PASSWORD

ALL = ("bookings", "films", "albums")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A studio that was kept in two regions, made once."""
    return a_world(tmp_path_factory.mktemp("studio"))


@pytest.fixture
def world(kept: World, tmp_path: Path) -> World:
    """The same, to be ruined."""
    return kept.copied(tmp_path)


@pytest.mark.parametrize("region", ["near", "far"])
def test_everything_comes_back_from_one_region_alone(world: World, region: str) -> None:
    """A password and any one region bring every byte back, within the RTO, and every question is answered right."""
    before = world.lose_everything(but=region)

    ran = world.recover(region)

    assert 0 == ran.code, ran.err
    assert before == world.recovered(*ALL)
    assert "passed" == ran.document["result"]
    assert str(world.region(region)) == ran.document["region"]
    assert all(source["rto"]["result"] == "passed" for source in ran.document["sources"])


def test_what_comes_back_is_asked_what_the_policy_asks(world: World) -> None:
    """Every byte is compared, and the vault's own policy says what more is asked, also of several sources together."""
    world.lose_everything(but="far")

    bookings = world.recover("far").document["sources"][0]

    assert [
        ("Did all of it come back?", "passed"),
        ("Is every file as it was when it was kept?", "passed"),
        ("Does SQLite find the database sound?", "passed"),
        ("Are all bookings there?", "passed"),
        ("Is every film there?", "passed"),
    ] == [(answer["question"], answer["result"]) for answer in bookings["answers"]]


def test_sources_come_back_in_the_order_of_the_policy_which_the_vault_kept(world: World) -> None:
    """The rank in [restoration] goes before the priority, and both are known to a machine without covenant.toml."""
    world.lose_everything(but="far")

    ran = world.recover("far")

    assert [*ALL] == [source["source"] for source in ran.document["sources"]]
    assert TOML == (world.target / "covenant.toml").read_text()


def test_the_catalog_comes_back(world: World) -> None:
    """What was done before is known again: the rebuilt catalog has every snapshot."""
    world.lose_everything(but="near")
    world.recover("near")
    (world.target / "covenant.toml").write_text(TOML + '[catalog]\npath = "catalog.db"\n')

    shown = World(world.target, world.kept_as).covenant("--json", "catalog", "show")

    assert 3 == shown.document["counts"]["snapshots"]


KILLED = """
import os, signal, sys
from pathlib import Path
from covenant.bootstrap import opener
from covenant.bootstrap.recovering import Bare, recover_bare
from covenant.kernel.clock import SystemClock
region, target, password = sys.argv[1:]
def die(returned):
    if returned.source.source == "films":
        os.kill(os.getpid(), signal.SIGKILL)
recover_bare(Bare(opener=opener(region, {}), password=password, target=Path(target), clock=SystemClock(), told=die))
"""


def test_a_recovery_that_was_killed_goes_on_with_the_same_snapshots(world: World) -> None:
    """kill -9 in the middle costs only what was not done; what is there stays, and nothing newer is mixed in."""
    given = (world.region("far"), world.target, (world.root / "key").read_text().strip())
    words = [sys.executable, "-c", KILLED, *map(str, given)]
    killed = subprocess.run(words, env=clean_environment(world.root), cwd=ROOT, check=False)
    assert -signal.SIGKILL == killed.returncode
    began = json.loads((world.target / "recovery.json").read_text())
    there = {path: path.stat().st_ino for path in (world.target / "sources").rglob("*.raw")}
    (world.studio / "albums" / "2026" / "newer.raw").write_bytes(b"newer")
    assert 0 == world.covenant("backup").code

    ran = world.recover("far")

    assert ran.code in (0, 3), ran.err
    assert ran.document["resumed"]
    assert 5 == len(there)
    assert there == {path: path.stat().st_ino for path in there}
    assert began["chosen"] == {source["source"]: source["snapshot_id"] for source in ran.document["sources"]}
    assert not list((world.target / "sources").rglob("newer.raw"))


class Stopping:
    """Progress that asks the work to stop after so many steps of it."""

    def __init__(self, after: int, stop: threading.Event) -> None:
        self.left, self.stop = after, stop

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        """How much it will be does not matter."""

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        """Count down."""
        self.left -= 1
        if self.left <= 0:
            self.stop.set()


def stopped_after(world: World, steps: int) -> Recovery:
    """Recover, and be asked to stop after so many steps. Raises ``Interrupted``."""
    stop = threading.Event()
    watching = Stopping(steps, stop)
    region = opener(str(world.region("near")), {})
    bare = Bare(opener=region, password=PASSWORD, target=world.target, clock=CLOCK, stop=stop)
    return recover_bare(replace(bare, progress=lambda title: nullcontext(watching)))


@pytest.mark.parametrize("steps", [1, 2])
def test_a_recovery_that_is_stopped_anywhere_goes_on_to_the_end(world: World, steps: int) -> None:
    """Stopped again and again, each time a little later, it ends with every byte there."""
    before = world.lose_everything(but="near")
    stops = 0
    while True:
        try:
            done = stopped_after(world, steps + stops)
            break
        except Interrupted:
            stops += 1

    assert stops >= 1
    assert Result.PASSED == done.result
    assert before == world.recovered(*ALL)


def test_a_folder_that_holds_something_is_refused(world: World) -> None:
    """Nothing is mixed in with what lies there, unless it is said that it may."""
    world.target.mkdir()
    (world.target / "mine.txt").write_text("mine")

    assert 22 == world.recover("near").code
    assert 0 == world.recover("near", "--overwrite").code
    assert "mine" == (world.target / "mine.txt").read_text()


def test_a_source_that_cannot_come_back_is_said_and_stops_no_other(world: World) -> None:
    """A promised source without a snapshot could not be verified; the others are back all the same."""
    toml = world.root / "covenant.toml"
    toml.write_text(TOML + '[sources.never]\nkind = "files"\npath = "studio/never"\nclass = "critical"\n')
    world.covenant("backup", "films")
    before = world.lose_everything(but="near")

    ran = world.recover("near")

    assert 3 == ran.code
    assert before == world.recovered(*ALL)
    assert "could not verify" == ran.document["result"]
    assert ["never"] == [source["source"] for source in ran.document["sources"] if source["why_not"]]


def test_damage_is_never_taken_for_a_recovery(world: World) -> None:
    """Where a region lost a pack, the source that lay in it has failed, and the exit code says so."""
    world.lose_everything(but="near")
    for pack in (world.region("near") / "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 2000:
            pack.write_bytes(b"\0" * pack.stat().st_size)

    ran = world.recover("near")

    assert 1 == ran.code
    assert "failed" == ran.document["result"]


def test_a_vault_without_a_policy_comes_back_by_name(world: World) -> None:
    """What was promised is lost, and said to be; the data is not, and no promise is called kept."""
    before = world.lose_everything(but="near")
    for page in (world.region("near") / "covenant" / "policy").iterdir():
        page.unlink()

    ran = world.recover("near")

    assert 3 == ran.code
    assert before == world.recovered(*ALL)
    assert "policy-missing" in [finding["kind"] for finding in ran.document["findings"]]
    assert "could not verify" == ran.document["result"]
    assert {"could not verify"} == {source["rto"]["result"] for source in ran.document["sources"]}


def test_only_what_is_wanted_comes_back(world: World) -> None:
    """A source that is named comes back alone, and one that nobody knows is named in the refusal."""
    world.lose_everything(but="near")

    assert 2 == world.recover("near", "--source", "nothing").code
    assert ["films"] == [source["source"] for source in world.recover("near", "--source", "films").document["sources"]]


def test_the_policy_is_kept_once_until_it_changes(world: World) -> None:
    """A backup adds a page when the policy has changed, and none when it has not."""
    pages = world.region("near") / "covenant" / "policy"
    world.covenant("backup", "--no-cache", "films")
    once = len(list(pages.iterdir()))
    (world.root / "covenant.toml").write_text(TOML + "# changed\n")
    world.covenant("backup", "films")

    assert (1, 2) == (once, len(list(pages.iterdir())))


@pytest.mark.parametrize("persons", [(0, 1), (0, 2), (1, 2)])
def test_any_two_of_three_shares_of_the_kit_recover_everything(world: World, persons: tuple[int, ...]) -> None:
    """Two of three people, one region of two, and nothing else: every byte is back, and the lost region is told."""
    shares = a_split_kit(world)
    before = world.lose_everything(but="far")

    ran = world.recover_by_kit([shares[person] for person in persons])

    assert ran.code in (0, 1), ran.err
    assert before == world.recovered(*ALL)
    assert "passed" == ran.document["result"]
    assert 3 == len(ran.document["sources"])


def test_one_share_of_three_opens_nothing(world: World) -> None:
    """One person alone is refused, and nothing is written."""
    shares = a_split_kit(world)

    assert 22 == world.recover_by_kit(shares[:1]).code
    assert not world.target.exists()


def test_damage_in_one_region_is_passed_over_where_the_kit_names_another(world: World) -> None:
    """A kit opens all regions at once: what is damaged in one comes from the next, and is told."""
    shares = a_split_kit(world)
    before = world.lose_everything(but="near")
    shutil.copytree(world.region("near"), world.region("far"))
    for pack in (world.region("near") / "data").rglob("*"):
        if pack.is_file():
            pack.write_bytes(b"\0" * pack.stat().st_size)

    ran = world.recover_by_kit(shares[1:])

    assert before == world.recovered(*ALL)
    assert "passed" == ran.document["result"]
    assert 1 == ran.code


def test_what_was_kept_by_hand_comes_back_too_whatever_it_is_called(world: World) -> None:
    """Snapshots that name no source come back by their machine and paths, below a folder whose name is plain."""
    odd = os.fsdecode(b"caf\xe9 ../..")
    folder = world.root / "by-hand"
    folder.mkdir()
    (folder / odd.replace("/", "_")).mkdir()
    (folder / odd.replace("/", "_") / "letter.txt").write_text("dear")
    assert 0 == world.covenant("backup", "--path", folder / odd.replace("/", "_")).code
    world.lose_everything(but="near")

    ran = world.recover("near")

    last = ran.document["sources"][-1]
    (letter,) = (world.target / "sources").rglob("letter.txt")
    assert 4 == len(ran.document["sources"])
    assert "caf\ufffd" in last["source"]
    assert ["passed", "passed"] == [answer["result"] for answer in last["answers"]]
    assert letter.relative_to(world.target / "sources").parts[0].startswith("unnamed-")


def test_a_snapshot_from_the_future_comes_back_and_no_promise_is_called_kept(world: World) -> None:
    """A machine whose clock is behind loses nothing by it: the newest comes back, and how old it is is not known."""
    before = world.lose_everything(but="near")
    clock = FrozenClock(CLOCK.now() - timedelta(days=400))

    ran = world.recover("near", clock=clock)

    assert before == world.recovered(*ALL)
    assert 3 == ran.code
    assert ["dated-ahead"] * 3 == [finding["kind"] for finding in ran.document["findings"]]
    assert {"could not verify"} == {source["rpo"]["result"] for source in ran.document["sources"]}


def test_a_clock_that_ran_ahead_does_not_decide_which_policy_holds(world: World) -> None:
    """The policy that was written last comes back, whatever the clock said when another one was written."""
    toml = world.root / "covenant.toml"
    toml.write_text(TOML + "# from a clock that is ahead\n")
    world.covenant("backup", "films", clock=FrozenClock(CLOCK.now() + timedelta(days=400)))
    toml.write_text(TOML + "# the last word\n")
    world.covenant("backup", "albums")
    world.lose_everything(but="near")

    world.recover("near")

    assert (world.target / "covenant.toml").read_text().endswith("# the last word\n")


def test_a_region_that_sync_filled_is_enough_too(world: World) -> None:
    """A region that was made anew has everything that an empty machine needs, the policy among it."""
    shutil.rmtree(world.region("far"))
    assert 0 == world.covenant("region", "sync", "--make", "far").code
    before = world.lose_everything(but="far")

    ran = world.recover("far")

    assert 0 == ran.code, ran.err
    assert before == world.recovered(*ALL)
    assert TOML == (world.target / "covenant.toml").read_text()
