"""A vault of three regions, with the commands and the covenant.toml that users have."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from covenant.vault.vault import create_vault
from tests.cli.running import Ran, here
from tests.replicate.worlds import regional
from tests.servers.seaweedfs import SeaweedServer, s3_server
from tests.small_worlds import restic
from tests.vaults import CHEAP, CLOCK, a_store

__all__ = ["s3_server"]

TOML = """
[vault]
password = {{ file = "{home}/password" }}
acknowledge = {acknowledge}

[vault.regions.home]
url = "{home}/a"

[vault.regions.attic]
url = "{home}/b"

[vault.regions.cloud]
{cloud}

[sources.photos]
kind = "files"
path = "{home}/photos"
class = "important"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Three regions and something to keep."""

    home: Path

    def run(self, *words: object) -> Ran:
        variables = {"COVENANT_STATE_DIR": str(self.home / "state")}
        return here("-c", self.home / "covenant.toml", "--cache-dir", self.home / "cache", *words, variables=variables)

    def well(self, *words: object) -> Ran:
        ran = self.run(*words)
        assert 0 == ran.code, ran.out + ran.err
        return ran

    def packs(self, region: str) -> list[Path]:
        return sorted(path for path in (self.home / region / "data").rglob("*") if path.is_file())


def made(home: Path, acknowledge: str = '"all"', cloud: str = "") -> Place:
    """A vault with one backup."""
    (home / "password").write_text("correct horse\n")
    (home / "photos").mkdir()
    (home / "photos" / "one.raw").write_bytes(b"one" * 5000)
    at_home = cloud or f'url = "{home}/c"'
    (home / "covenant.toml").write_text(TOML.format(home=home, acknowledge=acknowledge, cloud=at_home))
    place = Place(home)
    if cloud:
        place.well("init")
    else:  # the same, with a password hash that costs nothing
        create_vault(regional(*(a_store(home / name) for name in "abc")), "correct horse", CHEAP, CLOCK)
    place.well("backup")
    return place


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def harmed(path: Path) -> None:
    """Other bytes, of the same length."""
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:50] + bytes(byte ^ 1 for byte in data[50:150]) + data[150:])


def test_every_command_works_over_folders_and_a_bucket(tmp_path: Path, s3_server: SeaweedServer) -> None:
    """Init, backup, check, restore, forget and prune; each region by itself is a vault that restic finds sound."""
    options = s3_server.options()
    (tmp_path / "secret").write_text(options.pop("secret_access_key"))
    said = ", ".join(f'{key} = "{value}"' for key, value in options.items())
    secret = f'secret_access_key = {{ file = "{tmp_path}/secret" }}'
    place = made(tmp_path, cloud=f'url = "{s3_server.new_url()}"\noptions = {{ {said}, {secret} }}')
    (tmp_path / "photos" / "two.raw").write_bytes(b"two" * 5000)
    place.well("backup", "--full")

    for words in (
        ("check", "--read-data"),
        ("verify",),
        ("restore", "latest", "--target", tmp_path / "out"),
        ("forget", "--keep-last", "1", "--prune"),
        ("check", "--read-data"),
        ("region", "status"),
    ):
        place.well(*words)

    assert b"two" * 5000 == next((tmp_path / "out").rglob("two.raw")).read_bytes()
    for region in "ab":
        done = restic(tmp_path / region, "check", "--read-data")
        assert "no errors were found" in done.stdout, done


def test_a_destroyed_region_is_red_then_green(tmp_path: Path) -> None:
    """Status ends with 1 while a region is gone; made and synced, it has every byte again."""
    place = made(tmp_path, acknowledge="2")
    shutil.rmtree(tmp_path / "b" / "snapshots")
    behind = place.run("region", "status", "--json")
    shutil.rmtree(tmp_path / "b")
    red = place.run("region", "status", "--json")
    place.well("backup", "--full")

    place.well("region", "sync", "--make", "attic")

    lag = {standing["region"]: standing["oldest_missing"] for standing in behind.document["standings"]}
    assert {"home": True, "attic": False, "cloud": True} == {name: since is None for name, since in lag.items()}
    assert (1, "quorum") == (red.code, red.document["promise"])
    green = place.well("region", "status", "--json")
    assert "all" == green.document["promise"]
    assert contents_of(tmp_path / "a") == contents_of(tmp_path / "b")


def test_status_knows_what_was_counted_by_hand(tmp_path: Path) -> None:
    """What 'region status' and 'region heal' counted is what 'status' goes by."""
    place = made(tmp_path)
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "b").mkdir()

    place.run("region", "status")
    red = place.run("--json", "status").document["vaults"][0]["regions"]
    place.well("region", "heal")
    green = place.run("--json", "status").document["vaults"][0]["regions"]

    assert [True, False, True] == [bool(region["objects"]) for region in red]
    assert [True, True, True] == [bool(region["objects"]) for region in green]


@pytest.mark.parametrize("words", [("check", "--read-data"), ("restore", "latest", "--target", "out")])
def test_damage_in_the_nearest_region_is_a_finding(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A check and a restore succeed from another copy, say which copy is damaged, and heal knows it."""
    place = made(tmp_path)
    for region in "ab":  # whichever of the three is nearest
        for pack in place.packs(region):
            harmed(pack)
    target = [str(tmp_path / word) if word == "out" else word for word in words]

    ran = place.run(*target)

    assert 1 == ran.code, ran.out + ran.err
    assert "copy-damaged" in ran.err
    assert "blob" not in ran.err
    if words[0] == "restore":
        assert b"one" * 5000 == next((tmp_path / "out").rglob("one.raw")).read_bytes()


def test_heal_mends_what_was_met(tmp_path: Path) -> None:
    """Without reading everything, the copies that a check met are replaced byte for byte."""
    place = made(tmp_path)
    for region in "ab":
        for pack in place.packs(region):
            harmed(pack)

    place.well("region", "heal", "--verify")

    contents = [[pack.read_bytes() for pack in place.packs(region)] for region in "abc"]
    assert contents[0] == contents[1] == contents[2]
    place.well("check", "--read-data")


def test_the_primary_lost_another_takes_over_and_it_returns(tmp_path: Path) -> None:
    """Read-only with the way out named, then writing under the next epoch, then back after a sync."""
    place = made(tmp_path, acknowledge="2")
    (tmp_path / "a").rename(tmp_path / "gone")
    refused = place.run("backup", "--full")
    planned = place.well("region", "failover", "attic", "--dry-run")
    place.well("region", "failover", "attic")
    place.well("backup", "--full")
    (tmp_path / "gone").rename(tmp_path / "a")
    early = place.run("region", "failback", "home")

    place.well("region", "sync")
    place.well("region", "failback", "home")

    assert 27 == refused.code, refused.err
    assert "covenant region failover" in refused.err
    assert "record epoch 1" in planned.out
    assert 22 == early.code, early.err
    document = place.well("region", "status", "--json").document
    assert (2, "home", "all") == (document["epoch"], document["primary"], document["promise"])
    place.well("backup", "--full")


def test_nothing_is_forgotten_while_a_region_is_away(tmp_path: Path) -> None:
    """Forget and prune refuse with 22, and every region keeps what it has."""
    place = made(tmp_path, acknowledge="2")
    place.well("backup", "--full")
    (tmp_path / "c").rename(tmp_path / "gone")

    ran = place.run("forget", "--keep-last", "1", "--prune")

    assert 22 == ran.code, ran.err
    assert 2 == len(list((tmp_path / "a" / "snapshots").iterdir()))


def test_with_one_region_left_it_is_read_without_a_lock(tmp_path: Path) -> None:
    """Two of three destroyed: a restore says how, and then brings everything back."""
    place = made(tmp_path)
    for region in "ab":
        shutil.rmtree(tmp_path / region)
    refused = place.run("restore", "latest", "--target", tmp_path / "out")

    ran = place.run("--no-lock", "restore", "latest", "--target", tmp_path / "out")

    assert "--no-lock" in refused.err
    assert 0 == ran.code, ran.err
    assert b"one" * 5000 == next((tmp_path / "out").rglob("one.raw")).read_bytes()
    place.well("region", "sync", "--make", "home", "--make", "attic")
    place.well("check", "--read-data")


def test_a_fail_over_brings_what_is_lacking_first(tmp_path: Path) -> None:
    """The new primary has all that any region has which answers, before it is the primary."""
    place = made(tmp_path, acknowledge="2")
    for pack in place.packs("b"):
        pack.unlink()
    (tmp_path / "a").rename(tmp_path / "gone")

    ran = place.well("region", "failover", "attic")

    assert "brought region 'attic'" in ran.out
    assert [path.name for path in place.packs("c")] == [path.name for path in place.packs("b")]


def test_a_fail_over_that_may_lose_something_asks(tmp_path: Path) -> None:
    """Where as many regions are away as acknowledge a write, it is refused until that is accepted, and the snapshots
    that are known and out of reach are named; when the region returns they are back."""
    place = made(tmp_path, acknowledge="1")
    (tmp_path / "photos" / "two.raw").write_bytes(b"two" * 5000)
    place.well("region", "status")
    late = place.well("backup", "--json").document["snapshot_id"]
    place.well("catalog", "rebuild")
    for region in "bc":
        (tmp_path / region / "snapshots" / late).unlink(missing_ok=True)
    (tmp_path / "a").rename(tmp_path / "gone")

    refused = place.run("region", "failover", "attic")
    place.well("region", "failover", "attic", "--accept-loss")
    (tmp_path / "gone").rename(tmp_path / "a")
    place.well("region", "sync")

    assert 22 == refused.code, refused.out
    assert f"1 snapshot: {late[:8]}" in refused.out
    assert "--accept-loss" in refused.err
    assert all((tmp_path / region / "snapshots" / late).is_file() for region in "abc")


def test_a_single_named_region_knows_of_epochs(tmp_path: Path) -> None:
    """A region that is alone in covenant.toml, because the others were taken out, does not write while one of them is
    the primary: it says so, and how to make it the primary; and then it goes on."""
    place = made(tmp_path)
    written = (tmp_path / "covenant.toml").read_text()
    place.well("region", "failover", "attic")
    alone = "\n".join(
        block for block in written.split("\n\n") if "regions.attic" not in block and "regions.cloud" not in block
    )
    (tmp_path / "covenant.toml").write_text(alone)

    refused = place.run("backup", "--full")
    seen = place.run("snapshots")
    place.well("region", "failover", "home")
    place.well("backup", "--full")
    status = place.well("region", "status", "--json").document

    assert 20 == refused.code, refused.err
    assert "the primary is region 'attic', which is not among ours" in refused.err
    assert 0 == seen.code
    assert ("home", {"1"}) == (status["primary"], set(status["copies"]))
