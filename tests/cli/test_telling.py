"""The daemon tells people and shows numbers: a real process, a real webhook, a real scrape."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import create_server

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import ended, here, started
from tests.servers.scripted import Answer, answering


def a_free_port() -> int:
    """A port on which nobody listens."""
    with closing(create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


def within(seconds: float, happened: Callable[[], bool]) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.1)
    return False


def scraped(port: int) -> str:
    """What the daemon shows; empty while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, ConnectionError):
        return ""


@pytest.fixture
def toml(studio: Studio) -> Path:
    """A studio that is kept, and a source that is not there to be kept."""
    path = studio.home / "covenant.toml"
    path.write_text(f"""\
[vault]
url = "{studio.vault}"
password = {{ file = "password" }}
[sources.photos]
kind = "files"
path = "photos"
class = "critical"
[sources.lost]
kind = "files"
path = "nowhere"
class = "critical"
[alerts]
group_for = "1s"
[alerts.channels.hook]
url = {{ env = "HOOK_URL" }}
""")
    return path


def test_the_daemon_tells_and_shows(studio: Studio, toml: Path) -> None:
    """A source that cannot be kept is told to the webhook with what to do, and both sources are shown as numbers."""
    port = a_free_port()
    toml.write_text(toml.read_text() + f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
    with answering(lambda asked: Answer(200)) as server:
        variables = {"HOOK_URL": f"json://127.0.0.1:{server.port}/hook"}
        daemon = started(studio.home, "-c", toml, "run", variables=variables)
        try:
            told = within(50, lambda: bool(server.asked))
            shown = scraped(port)
        finally:
            daemon.send_signal(signal.SIGTERM)
            ran = ended(daemon)

    assert told, ran.err
    message = json.loads(server.asked[0].body)
    assert "source 'lost'" in message["message"]
    assert "To do: " in message["message"]
    assert 'covenant_rpo_promised_seconds{class="critical",source="photos",vault="default"}' in shown
    assert 0 == ran.code, ran.err
    assert "/hook" not in ran.out + ran.err


def test_a_run_of_cron_tells_too(studio: Studio, toml: Path) -> None:
    """``run --once`` tells at its end, without waiting for what may come, and ``alerts show`` then shows it."""
    state = {"COVENANT_STATE_DIR": str(studio.home / "state")}
    with answering(lambda asked: Answer(200)) as server:
        variables = {**state, "HOOK_URL": f"json://127.0.0.1:{server.port}/hook"}
        here("-c", toml, "--no-cache", "run", "--once", variables=variables)
        here("-c", toml, "--no-cache", "run", "--once", variables=variables)

    shown = here("-c", toml, "alerts", "show", variables=state)
    assert 1 == len(server.asked)
    assert 1 == shown.code
    assert "source 'lost'" in shown.out
    assert "hook at" in shown.out


def test_status_prints_numbers_for_the_textfile_collector(studio: Studio, toml: Path) -> None:
    """``status --prometheus`` prints the numbers that the daemon shows, and ends with 0."""
    state = {"COVENANT_STATE_DIR": str(studio.home / "state")}
    here("-c", toml, "--no-cache", "run", "--once", variables=state)

    ran = here("-c", toml, "status", "--prometheus", variables=state)

    assert 0 == ran.code, ran.err
    assert 'covenant_promise_kept{class="critical",source="photos",vault="default"} 1.0' in ran.out
    assert re.search(r'covenant_runs_total{kind="\w+",state="done",subject="photos"} 1\.0', ran.out)
