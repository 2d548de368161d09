"""Sandboxes: bounded, watched, and gone afterwards, whatever happened to who made them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from covenant.kernel.errors import TargetError
from covenant.prove.processes import Process, this_process
from covenant.prove.sandbox import PREFIX, Sandboxes
from tests.cli.running import ROOT, clean_environment

MIB = 1 << 20


@pytest.fixture
def sandboxes(tmp_path: Path) -> Sandboxes:
    """With room for a mebibyte each."""
    return Sandboxes(tmp_path / "boxes", tmp_path / "ledger", MIB)


def lies(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_sandbox_is_gone_when_it_was_used(sandboxes: Sandboxes) -> None:
    """With everything in it, also what its owner may not even list, and its line in the ledger."""
    with sandboxes.open(10) as sandbox:
        closed = sandbox.folder / "a" / "b"
        closed.mkdir(parents=True)
        (closed / "file").write_text("x")
        (sandbox.folder / "link").symlink_to("/")
        closed.chmod(0)
        assert [sandbox.folder.name] == lies(sandboxes.folder)
        assert [f"{sandbox.folder.name}.json"] == lies(sandboxes.ledger)

    assert ([], []) == (lies(sandboxes.folder), lies(sandboxes.ledger))


def test_a_sandbox_is_gone_when_its_use_failed(sandboxes: Sandboxes) -> None:
    """An error in the middle leaves no more behind than a good end."""

    def use() -> None:
        with sandboxes.open(10) as sandbox:
            (sandbox.folder / "half").write_text(str(1 // 0))

    with pytest.raises(ZeroDivisionError):
        use()

    assert ([], []) == (lies(sandboxes.folder), lies(sandboxes.ledger))


def test_what_is_too_large_is_refused_before_anything_is_written(sandboxes: Sandboxes) -> None:
    """By the bound that was set, and by the room that the disk has; nothing is even made."""
    boundless = replace(sandboxes, room=None)

    with pytest.raises(TargetError, match="a sandbox may have 1,048,576"), sandboxes.open(MIB + 1):
        pass
    with pytest.raises(TargetError, match="has room for"), boundless.open(1 << 60):
        pass

    assert ([], []) == (lies(sandboxes.folder), lies(sandboxes.ledger))


def test_what_outgrows_its_sandbox_is_stopped(sandboxes: Sandboxes) -> None:
    """A snapshot that claimed to be small gets no more than was allowed."""
    with sandboxes.open(10) as sandbox:
        sandbox.take(MIB)

        with pytest.raises(TargetError, match="outgrows its sandbox"):
            sandbox.take(1)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file in its place is a reason with a hint, and no traceback."""
    (tmp_path / "boxes").write_text("x")

    with (
        pytest.raises(TargetError, match="no sandbox can be made"),
        Sandboxes(tmp_path / "boxes", tmp_path / "l").open(1),
    ):
        pass


def test_what_a_killed_drill_left_is_swept(sandboxes: Sandboxes) -> None:
    """After ``kill -9`` the next start removes the sandbox and its line; that of who still works stays."""
    program = (
        "import time\n"
        "from pathlib import Path\n"
        "from covenant.prove.sandbox import Sandboxes\n"
        f"boxes = Sandboxes(Path({str(sandboxes.folder)!r}), Path({str(sandboxes.ledger)!r}))\n"
        "with boxes.open(1) as box:\n"
        "    (box.folder / 'secret').write_text('x')\n"
        "    print('there', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=clean_environment(ROOT), text=True
    )
    assert process.stdout is not None
    assert "there\n" == process.stdout.readline()
    assert () == sandboxes.sweep()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with sandboxes.open(1) as ours:
        left = set(lies(sandboxes.folder)) - {ours.folder.name}

        swept = sandboxes.sweep()

        assert left == {folder.name for folder in swept}
        assert [ours.folder.name] == lies(sandboxes.folder)
        assert [f"{ours.folder.name}.json"] == lies(sandboxes.ledger)


@pytest.mark.parametrize(
    "gone",
    [{"boot": "another"}, {"began": this_process().began + 1}, {"pid": 2**22 + 1}],
    ids=lambda gone: next(iter(gone)),
)
def test_an_owner_is_known_by_more_than_its_number(sandboxes: Sandboxes, gone: dict[str, object]) -> None:
    """After a restart, or once another process has the number, a sandbox is nobody's."""
    owner = this_process()
    stranger = Process(**{"boot": owner.boot, "pid": owner.pid, "began": owner.began, **gone})  # type: ignore[arg-type]
    folder = sandboxes.folder / f"{PREFIX}{'0' * 32}"
    folder.mkdir(parents=True)
    sandboxes.ledger.mkdir()
    line = {"folder": str(folder), "owner": {"boot": stranger.boot, "pid": stranger.pid, "began": stranger.began}}
    (sandboxes.ledger / f"{folder.name}.json").write_text(json.dumps(line))

    assert (folder,) == sandboxes.sweep()
    assert ([], []) == (lies(sandboxes.folder), lies(sandboxes.ledger))


def test_a_sweep_removes_nothing_but_sandboxes(sandboxes: Sandboxes, tmp_path: Path) -> None:
    """Whatever a line says: a folder of another name, and a link, are left; a line that is no line is dropped."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo").write_text("x")
    link = tmp_path / f"{PREFIX}{'1' * 32}"
    link.symlink_to(tmp_path / "precious")
    sandboxes.ledger.mkdir()
    for number, place in enumerate((tmp_path / "precious", link)):
        line = {"folder": str(place), "owner": {"boot": "gone", "pid": 1, "began": 1}}
        (sandboxes.ledger / f"{PREFIX}{number}.json").write_text(json.dumps(line))
    (sandboxes.ledger / f"{PREFIX}torn.json").write_text('{"folder": "/et')

    sandboxes.sweep()

    assert ["photo"] == lies(tmp_path / "precious")
    assert os.path.islink(link)
    assert f"{PREFIX}torn.json" not in lies(sandboxes.ledger)
