"""A user's application, started on restored data: asked, and ended with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest

from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import SystemClock
from covenant.prove.asking import ask
from covenant.prove.ports import Restored
from covenant.prove.probes.application import Application
from covenant.prove.probes.isolated import may_leave_network
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.cli.running import ROOT, clean_environment

URL = "http://127.0.0.1:8179/hello"
SERVER = """
import functools, http.server, os
serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=os.environ["DATA"])
http.server.HTTPServer(("127.0.0.1", 8179), serve).serve_forever()
"""


@pytest.fixture
def restored(tmp_path: Path) -> Restored:
    """One page."""
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "hello").write_text("good morning")
    return Restored("site", tmp_path, cast(Vault, None), cast(Snapshot, None))


def asked(restored: Restored, program: str, *more: str, **named: object) -> Answer:
    """What an application written in Python answers."""
    application = Application(
        (sys.executable, "-c", program, *more),
        URL,
        places={"DATA": ("site", "/srv")},
        source="site",
        **named,  # type: ignore[arg-type]
    )
    return ask(application, restored, SystemClock())


def test_an_application_that_works_passes(restored: Restored) -> None:
    """It finds the restored data by its environment, and has no network but its own."""
    answer = asked(restored, SERVER, text="morning")

    assert Result.PASSED is answer.result, answer.detail
    assert f"its network {'was' if may_leave_network() else 'could not be'} switched off" in answer.detail


@pytest.mark.parametrize(
    ("expected", "said"),
    [({"text": "good night"}, "does not contain 'good night': good morning"), ({"status": 204}, "expected status 204")],
)
def test_an_application_that_answers_wrongly_fails(restored: Restored, expected: dict[str, object], said: str) -> None:
    """A wrong text or status is a failure, with what it said instead."""
    answer = asked(restored, SERVER, **expected)

    assert Result.FAILED is answer.result
    assert said in answer.detail


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit('no disk')", "ended with 1, having said: no disk"),
        ("import time; time.sleep(60)", "no answer in time"),
    ],
)
def test_an_application_that_does_not_answer_could_not_be_asked(restored: Restored, program: str, said: str) -> None:
    """It ended, or it never listened: nothing is known of the data."""
    answer = asked(restored, program, within=1.5)

    assert Result.COULD_NOT_VERIFY is answer.result
    assert said in answer.detail


def test_a_program_that_is_not_there_could_not_be_asked(restored: Restored) -> None:
    """The name is said to be wrong, and not the data."""
    answer = ask(Application(("/nowhere/app",), URL), restored, SystemClock())

    assert Result.COULD_NOT_VERIFY is answer.result
    assert "cannot be started" in answer.detail


def test_the_application_reaches_nobody(restored: Restored) -> None:
    """A restored system that could reach the world would send its mails twice."""
    program = (
        "import socket, http.server\n"
        "class Page(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        try: socket.create_connection(('192.0.2.1', 9), 1); said = b'reached'\n"
        "        except OSError as error: said = str(error).encode()\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(said)\n"
        "http.server.HTTPServer(('127.0.0.1', 8179), Page).serve_forever()\n"
    )

    answer = asked(restored, program, text="Network is unreachable")

    assert Result.PASSED is answer.result or "its network could not be switched off" in answer.detail


def test_it_sees_nothing_of_our_environment(restored: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in our environment is none of its business."""
    monkeypatch.setenv("COVENANT_PASSWORD", "hush")

    answer = asked(restored, "import os; raise SystemExit(sorted(set(os.environ) - {'LC_CTYPE'}))", within=2.0)

    assert "['DATA']" in answer.detail


def test_everything_that_it_started_ends_with_it(restored: Restored) -> None:
    """A child that it left running is not left running."""
    child = "import subprocess, sys, pathlib; c = subprocess.Popen(['sleep', '60']); "
    child += "pathlib.Path(sys.argv[1]).write_text(str(c.pid))\n"
    note = restored.folder / "pid"

    asked(restored, child + SERVER, str(note))

    assert_gone(int(note.read_text()))


def test_it_ends_when_we_are_killed(restored: Restored) -> None:
    """After ``kill -9`` of the drill the application does not go on by itself."""
    note = restored.folder / "pid"
    app = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    drill = (
        "import pathlib\n"
        "from covenant.prove.ports import Restored\n"
        "from covenant.prove.probes.application import Application\n"
        f"restored = Restored('s', pathlib.Path({str(restored.folder)!r}), None, None)\n"
        f"Application(({sys.executable!r}, '-c', {app!r}), {URL!r}).ask(restored, lambda: None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", drill], env=clean_environment(ROOT))
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert_gone(int(note.read_text()))


def assert_gone(pid: int) -> None:
    """That no such process runs, at most a moment later."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
