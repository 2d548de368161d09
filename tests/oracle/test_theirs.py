"""What restic writes, we read: both versions of its format, several keys, tags, prunes; and go on from there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.errors import WrongPassword
from covenant.vault.keys import list_keys
from covenant.vault.names import DATA
from covenant.vault.pack import read_entries
from covenant.vault.vault import Vault, open_vault
from tests.oracle.program import Restic
from tests.protect.counted import files, keep, not_the_same, settle
from tests.small_worlds import damage
from tests.trees import as_restic_can, nasty_tree
from tests.vaults import PASSWORD

SECOND = "second password: ünïcode"


@dataclass(frozen=True, slots=True)
class World:
    """A repository by restic with a history, and the tree that its newest snapshot holds."""

    restic: Restic
    store: PosixStore
    tree: Path
    version: int

    def opened(self, password: str = PASSWORD) -> Vault:
        return open_vault(self.store, password)


@pytest.fixture(params=[1, 2], scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three snapshots with tags, one of them forgotten and pruned away, and a second key."""
    place = tmp_path_factory.mktemp(f"restic{request.param}")
    restic = Restic(place / "r", PASSWORD)
    restic.init(request.param)
    second = place / "second"
    second.write_text(SECOND)
    restic.run("key", "add", "--new-password-file", str(second))
    restic.make_cheap(SECOND)
    tree = as_restic_can(nasty_tree(place / "tree"))
    for number in range(3):
        (tree / "small.txt").write_bytes(os.urandom(200_000) + bytes([number]))
        settle()
        restic.run("backup", "--tag", f"n{number},all", str(tree))
    restic.run("forget", "--keep-tag", "n0", "--keep-tag", "n2", "--prune", "--max-unused", "0")
    return World(restic, PosixStore(place / "r"), tree, request.param)


def test_each_password_opens_it(world: World) -> None:
    """Either key gives the same vault; a wrong password gives none."""
    assert world.opened(PASSWORD).master == world.opened(SECOND).master
    assert 2 == len(list_keys(world.store))
    assert world.version == world.opened().config.version
    with pytest.raises(WrongPassword):
        world.opened("neither")


def test_its_snapshots_are_listed(world: World) -> None:
    """Tags, host and paths as restic has them, without the one that was forgotten."""
    listed = sorted(world.opened().snapshots(), key=lambda snapshot: snapshot.time)

    theirs = [one for one in listed if not one.kind]
    assert [{"n0", "all"}, {"n2", "all"}] == [set(snapshot.tags) for snapshot in theirs]
    assert [[str(world.tree)]] * 2 == [snapshot.paths for snapshot in theirs]


def test_every_file_comes_back_exactly(world: World, tmp_path: Path) -> None:
    """The newest snapshot is the tree, in every byte and attribute; and our own check finds nothing wrong."""
    vault = world.opened(SECOND)
    newest = max((one for one in vault.snapshots() if "n2" in one.tags), key=lambda snapshot: snapshot.time)

    assert [] == not_the_same(vault, newest, world.tree, tmp_path / "out")
    assert [] == damage(world.store)


def test_we_go_on_from_its_snapshot(world: World, tmp_path: Path) -> None:
    """An incremental of ours on a parent of restic's reads what changed alone, and restic still finds all sound."""
    vault = world.opened()
    parent = max(vault.snapshots(), key=lambda snapshot: snapshot.time)
    (world.tree / "added by us").write_bytes(b"some text that would compress well. " * 1000)
    settle()
    source = files(world.tree)

    done = keep(vault, world.store, source, parent=parent)

    assert ["added by us"] == source.read
    assert 1 == done.added.data_blobs
    assert [] == not_the_same(vault, done.snapshot, world.tree, tmp_path / "out")
    assert world.restic.sound()
    theirs = world.restic.backup("--parent", done.snapshot.id, str(world.tree))
    assert (0, 0) == (theirs["files_new"], theirs["files_changed"])
    (world.tree / "added by us").unlink()


def test_version_one_stays_version_one(world: World, tmp_path: Path) -> None:
    """In a repository of version 1 nothing of ours is compressed, for an older restic could not read it."""
    vault = world.opened()
    before = {listed.name for listed in world.store.list(DATA)}
    tree = tmp_path / "text"
    tree.mkdir()
    (tree / "text").write_bytes(b"some other text that would compress well. " * 1000)

    done = keep(vault, world.store, files(tree))

    new = [listed.name for listed in world.store.list(DATA) if listed.name not in before]
    entries = [entry for name in new for entry in read_entries(vault.sealer, world.store.get(name))]
    compressed = [entry for entry in entries if entry.plain_length]
    assert entries
    assert (world.version == 2) == bool(compressed)
    snapshot_file = world.store.get(f"snapshots/{done.snapshot.id}")
    assert (world.version == 1) == vault.sealer.open(snapshot_file).startswith(b"{")
    assert world.restic.sound()
