"""What goes wrong in real life: each has a message, a hint, an exit code, and harms nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import Ran, apart, clean_environment, ended, here, started
from tests.servers.small_disk import SmallDisk, small_disk
from tests.vaults import PASSWORD, a_store, a_vault

__all__ = ["small_disk"]

MIB = 1 << 20


def test_a_wrong_password_is_told_from_a_missing_vault(studio: Studio) -> None:
    """12 for the password, 10 for the vault, each with what to do."""
    (studio.home / "wrong").write_text("wrong")

    wrong = here("--vault", studio.vault, "--password-file", studio.home / "wrong", "snapshots")
    missing = here("--vault", studio.home / "absent", "--password-file", studio.home / "password", "snapshots")

    assert [12, 10] == [wrong.code, missing.code]
    assert "HINT: " in wrong.err
    assert "covenant init" in missing.err


def test_an_error_is_json_where_json_is_asked_for(studio: Studio) -> None:
    """On stderr, with message, hint, class and exit code; stdout stays empty."""
    ran = here("--vault", studio.home / "absent", "--password-file", studio.home / "password", "snapshots", "--json")

    assert ("", "VaultMissing", 10) == (ran.out, ran.error["class"], ran.error["exit_code"])


@pytest.mark.parametrize(
    "words",
    [
        ("bakcup",),
        ("backup", "--no-such-option"),
        ("--wait-lock", "soon", "snapshots"),
        ("-o", "nothing", "snapshots"),
        ("restore", "latest"),
        ("backup", "--path", "x", "source"),
        ("forget",),
        ("forget", "--keep-last", "1", "0123"),
        ("check", "--read-data-subset", "9/3"),
        ("cat", "blob", "0123"),
        (),
        ("key",),
    ],
)
def test_a_command_line_that_makes_no_sense_is_answered(studio: Studio, words: tuple[str, ...]) -> None:
    """Exit code 2 and a sentence, never a traceback."""
    ran = studio.here(*words)

    assert 2 == ran.code
    assert ran.err
    assert "Traceback" not in ran.err


def test_without_a_password_and_without_a_terminal_nobody_is_asked(studio: Studio) -> None:
    """A script does not hang at a prompt."""
    ran = apart(studio.home, "--vault", studio.vault, "snapshots")

    assert 2 == ran.code
    assert "no password of" in ran.err


def test_an_exclusive_lock_keeps_others_out(studio: Studio) -> None:
    """While someone prunes a backup is refused with 11; with --wait-lock it waits until it may."""
    with_lock = subprocess.Popen(
        ["sleep", "60"], env=clean_environment(studio.home)
    )  # a live process, whose number the lock bears
    try:
        lock = hold_exclusively(studio, with_lock.pid)
        refused = studio.here("backup", "--path", studio.photos)
        waiting = started(studio.home, *studio.before, "--wait-lock", "30s", "backup", "--path", studio.photos)
        time.sleep(1)
        lock.unlink()
        waited = ended(waiting)
    finally:
        with_lock.kill()
        with_lock.wait()

    assert [11, 0] == [refused.code, waited.code], waited.err
    assert "--wait-lock" in refused.err


def hold_exclusively(studio: Studio, pid: int) -> Path:
    """Put an exclusive lock of a process of this machine into the vault; its path."""
    import msgspec

    from covenant.adapters.stores.posix import PosixStore
    from covenant.vault.snapshot import snapshot_time
    from covenant.vault.vault import open_vault
    from tests.vaults import CLOCK

    store = PosixStore(studio.vault)
    lock = {"time": snapshot_time(CLOCK.now()), "exclusive": True, "hostname": os.uname().nodename, "pid": pid}
    lock_id = open_vault(store, PASSWORD).save(store, "locks", msgspec.json.encode(lock))
    return studio.vault / "locks" / lock_id


def test_the_lock_of_a_dead_process_stops_nobody_and_can_be_removed(studio: Studio) -> None:
    """A lock whose process is gone is passed by; unlock removes it."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    hold_exclusively(studio, dead.pid)

    passed = studio.here("backup", "--path", studio.photos)
    removed = studio.here("unlock", "--json")

    assert (0, 1) == (passed.code, removed.document["removed"])
    assert [] == os.listdir(studio.vault / "locks")


def test_two_writers_at_once_both_succeed(studio: Studio) -> None:
    """Two backups side by side, and the vault is whole with both snapshots in it."""
    pair = [started(studio.home, *studio.before, "backup", "--path", studio.photos, "--tag", tag) for tag in "ab"]

    ran = [ended(process) for process in pair]

    assert [0, 0] == [each.code for each in ran], ran
    assert 2 == len(studio.here("snapshots", "--json").document["snapshots"])
    assert 0 == studio.here("check", "--read-data").code


def large_backup(studio: Studio) -> tuple[str, ...]:
    """A backup that takes a while."""
    with open(studio.photos / "film.mov", "wb") as film:
        for _ in range(8):
            film.write(os.urandom(20 * MIB))
    return (*studio.before, "backup", "--path", str(studio.photos), "--json")


def interrupted(studio: Studio, command: tuple[str, ...], number: int) -> Ran:
    """Run a backup, and send it a signal when its first pack is in the vault."""
    process = started(studio.home, *command)
    deadline = time.monotonic() + 30
    while not any((studio.vault / "data").rglob("?" * 64)) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(number)
    return ended(process)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_backup_keeps_what_it_has_read(studio: Studio, number: int, code: int) -> None:
    """No snapshot and no lock are left, and the next backup stores only the rest."""
    command = large_backup(studio)

    stopped = interrupted(studio, command, number)
    again = apart(studio.home, *command)

    assert (code, 0) == (stopped.code, again.code), stopped.err + again.err
    assert "Interrupted" == stopped.error["class"]
    assert again.document["stored_bytes"] < 155 * MIB
    assert 1 == len(studio.here("snapshots", "--json").document["snapshots"])
    assert [] == os.listdir(studio.vault / "locks")


def test_a_killed_backup_leaves_a_vault_that_works(studio: Studio) -> None:
    """After kill -9 the next backup succeeds by itself, and everything in the vault is whole."""
    command = large_backup(studio)

    killed = interrupted(studio, command, signal.SIGKILL)
    again = apart(studio.home, *command)

    assert (-signal.SIGKILL, 0) == (killed.code, again.code), again.err
    assert 0 == studio.here("check", "--read-data").code
    assert 0 == studio.here("unlock").code


def test_a_full_disk_ends_a_backup_and_harms_nothing(studio: Studio, small_disk: SmallDisk) -> None:
    """Exit code 25, the snapshots that were there stay whole, and with room it goes on."""
    vault = small_disk.path / "vault"
    a_vault(a_store(vault))
    before = ("--vault", vault, "--password-file", studio.home / "password", "--no-cache")
    first = here(*before, "backup", "--path", studio.photos)
    (studio.photos / "large.raw").write_bytes(os.urandom(8 * MIB))

    full = here(*before, "backup", "--path", studio.photos)
    (studio.photos / "large.raw").unlink()
    after = here(*before, "check", "--read-data")

    assert [0, 25, 0] == [first.code, full.code, after.code], full.err + after.err
    assert 1 == len(here(*before, "snapshots", "--json").document["snapshots"])


def test_a_vault_that_cannot_be_written_can_be_read(studio: Studio, small_disk: SmallDisk) -> None:
    """Without --no-lock the hint names it; with it everything can be read, and a backup is denied."""
    vault = small_disk.path / "vault"
    a_vault(a_store(vault))
    before = ("--vault", vault, "--password-file", studio.home / "password", "--no-cache")
    here(*before, "backup", "--path", studio.photos)
    small_disk.make_read_only()

    locked = here(*before, "check")
    read = here(*before, "--no-lock", "check", "--read-data")
    denied = here(*before, "backup", "--path", studio.photos)

    assert [26, 0, 26] == [locked.code, read.code, denied.code], read.err
    assert "--no-lock" in locked.err


def test_a_closed_pipe_is_no_error_to_talk_about(studio: Studio) -> None:
    """``covenant snapshots | head -0`` says nothing on stderr."""
    for _ in range(3):
        studio.backed_up()
    words = " ".join([f"{sys.executable} -m covenant", *studio.before, "ls latest --recursive --json"])

    done = subprocess.run(
        f"{{ {words}; echo $? >&2; }} | true",
        shell=True,
        env=clean_environment(studio.home),
        cwd=studio.home,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.strip() in ("0", "141")


def test_a_defect_is_called_one(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends with 70 and a sentence; the traceback only with --verbose."""
    monkeypatch.setattr("covenant.bootstrap.open_vault", lambda *_: 1 / 0)

    short, long = studio.here("snapshots"), studio.here("--verbose", "snapshots")

    assert [70, 70] == [short.code, long.code]
    assert "Traceback" not in short.err
    assert "ZeroDivisionError" in long.err
    assert "Traceback" in long.err


def test_a_service_that_is_stopped_loses_its_workers_and_says_so(studio: Studio) -> None:
    """SIGTERM to the whole group, worker processes included, ends with 143 and a vault that works."""
    for folder in range(16):
        (studio.photos / str(folder)).mkdir()
        for number in range(400):
            (studio.photos / str(folder) / str(number)).write_bytes(os.urandom(512))
    command = (*studio.before, "backup", "--path", studio.photos)
    process = started(studio.home, *command, group=True)
    deadline = time.monotonic() + 30
    while not any((studio.vault / "data").rglob("?" * 64)) and process.poll() is None and time.monotonic() < deadline:
        if len(children(process.pid)) > 2:
            break
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGTERM)

    stopped = ended(process)
    again = apart(studio.home, *command)

    assert (143, 0) == (stopped.code, again.code), stopped.err + again.err
    assert 0 == studio.here("check", "--read-data").code


def children(pid: int) -> list[str]:
    """The processes of a group."""
    listed = subprocess.run(["ps", "-o", "pid=", "-g", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.split()
