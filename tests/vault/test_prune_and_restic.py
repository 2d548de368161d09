"""The program restic and Covenant take turns on one vault: both take away, neither loses anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import VaultLocked
from covenant.kernel.keep import Keep
from covenant.protect.backup import Settings
from covenant.safeguard import forget, prune, rewrite, tag
from covenant.vault.check.inspection import check
from covenant.vault.check.subset import All
from covenant.vault.copy import copy
from covenant.vault.lock import Locks
from covenant.vault.passwords import add_password, change_password, list_passwords, remove_password
from covenant.vault.vault import Vault, open_vault
from tests.small_worlds import contents, noise
from tests.vaults import CHEAP, OWNER, a_store, a_vault, back_up

PASSWORD = "correct horse"
THOROUGH = prune.PruneOptions(max_unused=0)


@dataclass(frozen=True, slots=True)
class Ground:
    """A repository and a folder that is backed up into it."""

    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def init(self, version: str = "2") -> None:
        """Have restic make a repository; its password hash is made a cheap one, or every command takes a second."""
        self.restic("init", "--repository-version", version)
        store, vault = self.open()
        change_password(vault, store, PASSWORD, CHEAP, created=datetime.now(UTC), username="u", hostname="h")

    def restic(self, *words: str, repository: Path | None = None, password: str = PASSWORD) -> str:
        """What restic prints for these words."""
        done = subprocess.run(
            ["restic", "--no-cache", "-r", str(repository or self.repository), *words],
            env=os.environ | {"RESTIC_PASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def change(self, day: int) -> None:
        """Another day's work: some files are new, some are changed, one is gone."""
        for n in range(day % 3, 9, 3):
            (self.source / f"{n}.raw").write_bytes(noise(f"{day} {n}", 60_000))
        (self.source / f"notes {day}").write_bytes(b"words " * 5000)
        (self.source / f"notes {day - 2}").unlink(missing_ok=True)

    def open(self) -> tuple[PosixStore, Vault]:
        """The vault as we see it."""
        store = PosixStore(self.repository)
        return store, open_vault(store, PASSWORD)

    def prune(self) -> prune.PrunePlan:
        """Prune it thoroughly."""
        store, vault = self.open()
        with Locks(vault, store, OWNER, SystemClock()).exclusive():
            plan = prune.plan_prune(vault, THOROUGH)
            prune.apply_prune(plan, vault, store)
        return plan

    def sound(self) -> bool:
        """Whether both programs find it so."""
        assert "no errors were found" in self.restic("check", "--read-data")
        _, vault = self.open()
        return check(vault, SystemClock(), read_data=All()).sound

    def restored(self, snapshot: str, into: str) -> dict[str, bytes]:
        """What restic restores."""
        target = self.folder / into
        self.restic("restore", snapshot, "--target", str(target))
        found = target / self.source.relative_to("/")
        return {str(path.relative_to(found)): path.read_bytes() for path in found.rglob("*") if path.is_file()}

    def files(self) -> dict[str, bytes]:
        """What is in the source now."""
        return {path.name: path.read_bytes() for path in self.source.iterdir()}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """An empty folder to back up, and nothing else yet."""
    assert shutil.which("restic"), "the program restic is missing: apt-get install restic"
    (tmp_path / "source").mkdir()
    return Ground(tmp_path)


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_prune_one_vault_in_turn(ground: Ground, version: str) -> None:
    """restic writes and prunes, then we, then restic: what is kept restores, and both find the vault sound."""
    ground.init(version)
    for day in range(3):
        ground.change(day)
        ground.restic("backup", str(ground.source))
    ground.restic("forget", "--keep-last", "2", "--prune")
    store, vault = ground.open()
    back_up(vault, store, ground.source, settings=Settings(lanes=1))
    ground.change(3)
    back_up(vault, store, ground.source, settings=Settings(lanes=1))
    forget.apply(forget.plan(vault.snapshots(), Keep(last=1), now=datetime.now(UTC)), vault, store)

    plan = ground.prune()

    assert plan.totals.repack + plan.totals.remove > 0
    assert ground.sound()
    assert ground.files() == ground.restored("latest", "after ours")
    ground.change(4)
    ground.restic("backup", str(ground.source))
    ground.restic("forget", "--keep-last", "1", "--prune", "--max-unused", "0")
    assert ground.sound()
    assert ground.files() == ground.restored("latest", "after theirs")
    assert ground.prune().empty


def test_what_we_prune_restic_has_nothing_to_add_to(ground: Ground) -> None:
    """After a thorough prune of ours, restic finds no unused blob and no pack to remove."""
    ground.init()
    for day in range(4):
        ground.change(day)
        ground.restic("backup", str(ground.source))
    ground.restic("forget", "--keep-last", "2")
    ground.prune()

    told = ground.restic("prune", "--dry-run", "--max-unused", "0")

    assert re.search(r"total prune: +0 blobs / 0 B\n", told)
    assert ground.sound()


def test_restic_reads_what_we_rewrote_tagged_and_copied(ground: Ground) -> None:
    """Version 1 goes into version 2, tags and original ids are shown, dropped files are gone, the check passes."""
    ground.init("1")
    ground.change(0)
    ground.restic("backup", str(ground.source), "--tag", "raw")
    _, vault = ground.open()
    target_store = a_store(ground.folder / "target")
    target = a_vault(target_store)
    (first,) = vault.snapshots()

    copied = copy(vault, target, target_store, [first]).copied
    tagged = tag.apply(tag.plan(copied, add=["legal"]), target, target_store)
    rewrite.apply(rewrite.plan(target, tagged, ["*.raw"], forget=True), target, target_store)

    elsewhere = ground.folder / "target"
    (told,) = json.loads(ground.restic("snapshots", "--json", repository=elsewhere))
    assert ["raw", "legal"] == told["tags"]
    assert tagged[0].id == told["original"]
    assert "no errors were found" in ground.restic("check", "--read-data", repository=elsewhere)
    assert "notes 0" in ground.restic("ls", "latest", repository=elsewhere)
    assert ".raw" not in ground.restic("ls", "latest", repository=elsewhere)
    (last,) = target.snapshots()
    assert {str(ground.source / "notes 0").lstrip("/")} == contents(target, last).keys()


def test_restic_copies_nothing_that_we_have_copied(ground: Ground) -> None:
    """It recognises our copy as one of its own."""
    ground.init()
    ground.change(0)
    ground.restic("backup", str(ground.source))
    _, vault = ground.open()
    target_store = a_store(ground.folder / "target")
    copy(vault, a_vault(target_store), target_store, vault.snapshots())
    secret = ground.folder / "password"
    secret.write_text(PASSWORD)

    from_there = ["copy", "--from-repo", str(ground.repository), "--from-password-file", str(secret)]
    ground.restic(*from_there, repository=ground.folder / "target")

    assert 1 == len(json.loads(ground.restic("snapshots", "--json", repository=ground.folder / "target")))


def test_passwords_are_shared(ground: Ground) -> None:
    """One that we add opens the vault for restic, one that restic adds does for us, and we remove either."""
    ground.init()
    store, vault = ground.open()
    ours = add_password(vault, store, "ours", CHEAP, created=datetime.now(UTC), username="u", hostname="h")
    theirs = ground.folder / "theirs"
    theirs.write_text("theirs")

    ground.restic("key", "add", "--new-password-file", str(theirs), password="ours")

    (added,) = (each.id for each in list_passwords(vault) if each.id not in (ours, vault.key_id))
    assert vault.master == open_vault(store, "theirs").master
    remove_password(vault, store, added)
    assert 2 == len(json.loads(ground.restic("key", "list", "--json", password="ours")))


def test_a_lock_of_ours_keeps_restic_out(ground: Ground) -> None:
    """While we hold the vault alone, restic neither writes nor prunes; while we only add, it does not prune."""
    ground.init()
    ground.change(0)
    store, vault = ground.open()
    locks = Locks(vault, store, OWNER, SystemClock())

    with locks.exclusive():
        refused = [_refused(ground, "backup", str(ground.source)), _refused(ground, "prune")]
    with locks.shared() as held:
        held.confirm()
        ground.restic("backup", str(ground.source))
        refused.append(_refused(ground, "prune"))

    assert [True] * 3 == refused
    ground.restic("prune")


def _refused(ground: Ground, *words: str) -> bool:
    """Whether restic finds the vault locked."""
    done = subprocess.run(
        ["restic", "--no-cache", "-r", str(ground.repository), *words],
        env=os.environ | {"RESTIC_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode != 0 and "already locked" in done.stderr


def test_a_lock_of_restics_keeps_us_out(ground: Ground) -> None:
    """While restic is in the middle of a backup, we may add and not take away; once it is gone, we may."""
    ground.init()
    store, vault = ground.open()
    locks = Locks(vault, store, OWNER, SystemClock())

    with _restic_at_work(ground), pytest.raises(VaultLocked, match="for adding"), locks.exclusive():
        pass

    with locks.exclusive():
        assert plan_is_empty(vault)


def plan_is_empty(vault: Vault) -> bool:
    """Whether there is nothing to prune."""
    return prune.plan_prune(vault, THOROUGH).empty


@contextmanager
def _restic_at_work(ground: Ground) -> Iterator[None]:
    """A real restic that holds its lock: it waits for the end of what it backs up."""
    process = subprocess.Popen(
        ["restic", "--no-cache", "-r", str(ground.repository), "backup", "--stdin"],
        env=os.environ | {"RESTIC_PASSWORD": PASSWORD},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    deadline = time.monotonic() + 20
    while not list((ground.repository / "locks").iterdir()):
        assert time.monotonic() < deadline, "restic took no lock"
        time.sleep(0.05)
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(20)


def test_a_lock_that_is_still_being_written_is_none_yet(ground: Ground) -> None:
    """restic writes an object under another name first; that is no object, and no reason to stop."""
    ground.init()
    (ground.repository / "locks" / f"{'ab' * 32}-tmp-1234").write_bytes(b"")
    store, vault = ground.open()
    locks = Locks(vault, store, OWNER, SystemClock())

    with locks.exclusive():
        assert 1 == len(locks.list())
