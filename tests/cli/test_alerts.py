"""``covenant alerts``: what is wrong and who was told, and whether people can be reached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from covenant.bootstrap import telling
from covenant.bootstrap.telling import Lookout, Seen
from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.history import History
from covenant.kernel.standing import Standing, Verdict
from covenant.settings.secrets import SecretEnv
from covenant.settings.values import Alerts, Channel
from tests.cli.running import here
from tests.clocks import FrozenClock
from tests.respond.telling_by_hand import NOON
from tests.respond.test_telling import RPO, a_source
from tests.servers.scripted import Answer, answering

TOML = """\
[vault]
url = "vault"
[alerts.channels.mail]
url = { env = "MAIL_URL" }
[alerts.channels.phone]
url = { env = "PHONE_URL" }
severity = "critical"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A ``covenant.toml`` with two channels."""
    path = tmp_path / "covenant.toml"
    path.write_text(TOML)
    return path


def test_a_test_message_arrives(toml: Path) -> None:
    """``alerts test CHANNEL`` sends one message to that channel alone, and says that it was taken."""
    with answering(lambda asked: Answer(200)) as server:
        address = f"json://127.0.0.1:{server.port}/hook"
        ran = here("-c", toml, "alerts", "test", "mail", variables={"MAIL_URL": address})

    assert (0, "mail: taken\n") == (ran.code, ran.out)
    assert b"Nothing is wrong" in server.asked[0].body


def test_a_channel_that_cannot_be_reached_is_said(toml: Path) -> None:
    """Each channel is tried though another fails; the failure has an exit code, and no address is shown."""
    with answering(lambda asked: Answer(500)) as server:
        variables = {"MAIL_URL": f"json://127.0.0.1:{server.port}/hook-secret"}
        ran = here("-c", toml, "alerts", "test", variables=variables)

    assert 35 == ran.code
    assert "mail: not taken: the server answered 500\n" in ran.out
    assert "phone: not taken: the secret in environment variable PHONE_URL" in ran.out
    assert "hook-secret" not in ran.out + ran.err


def test_a_channel_that_is_not_there_is_named(toml: Path) -> None:
    """A slip of the finger is answered with the channels that there are."""
    ran = here("-c", toml, "alerts", "test", "fax")

    assert 2 == ran.code
    assert "'mail', 'phone'" in ran.err


def a_lookout(catalog: Catalog, state: Path, address: str, log: list[str], verdict: Verdict) -> Lookout:
    """What looks beside the loop, at one source that is as bad as said."""
    source = a_source("orders", RPO) if verdict is Verdict.BROKEN else a_source("orders")
    standing = Standing(at=NOON, verdict=verdict, sources=(source,))
    return Lookout(
        see=lambda: Seen(standing, (), History()),
        alerts=lambda: Alerts({"mail": Channel("mail", SecretEnv("MAIL_URL"))}),
        leading=lambda: True,
        catalog=catalog,
        kept=telling.memory(state, catalog),
        clock=FrozenClock(NOON + timedelta(hours=1)),
        variables={"MAIL_URL": address},
        log=log.append,
    )


def test_what_is_wrong_is_shown_with_who_was_told(toml: Path, tmp_path: Path) -> None:
    """After a look, ``alerts show`` names the condition, since when, who was told, and what to do; and ends with 1."""
    variables, log = {"COVENANT_STATE_DIR": str(tmp_path / "state")}, list[str]()
    before = here("-c", toml, "alerts", "show", variables=variables)
    place = next((tmp_path / "state").glob("*.db"))
    with answering(lambda asked: Answer(200)) as server, open_catalog(place) as catalog:
        address = f"json://127.0.0.1:{server.port}/hook"
        lookout = a_lookout(catalog, tmp_path / "state", address, log, Verdict.BROKEN)
        lookout.look(at_once=True)

    ran = here("-c", toml, "alerts", "show", variables=variables)
    document = here("-c", toml, "alerts", "show", "--json", variables=variables).document

    assert (0, "nobody has looked yet: 'covenant run' looks\n") == (before.code, before.out)
    assert 1 == ran.code
    assert "CRITICAL source 'orders': 6h may be lost, 1h was promised" in ran.out
    assert "mail at " in ran.out
    assert "HINT: Run 'covenant backup orders'." in ran.out
    assert [["log", "mail"]] == [sorted(each["told"]) for each in document["alerts"]]
    assert log[0].startswith("CRITICAL: source 'orders'\n")
    assert 1 == len(server.asked)
    assert 'covenant_verdict{class="critical",source="orders",vault="main",verdict="broken"} 1.0' in lookout.scrape()


def test_only_who_leads_tells(tmp_path: Path) -> None:
    """A daemon that does not lead shows numbers and wakes nobody."""
    log = list[str]()
    with open_catalog(tmp_path / "catalog.db") as catalog:
        lookout = a_lookout(catalog, tmp_path, "json://127.0.0.1:9", log, Verdict.BROKEN)
        lookout.leading = lambda: False

        lookout.look(at_once=True)

    assert [] == log
    assert "covenant_promise_kept" in lookout.scrape()


def test_a_take_over_elsewhere_tells_nobody_twice(tmp_path: Path) -> None:
    """A daemon with a state folder of its own goes on from what another told that has the same catalog."""
    first, second = list[str](), list[str]()
    with open_catalog(tmp_path / "catalog.db") as catalog, answering(lambda asked: Answer(200)) as server:
        address = f"json://127.0.0.1:{server.port}/hook"
        a_lookout(catalog, tmp_path / "here", address, first, Verdict.BROKEN).look(at_once=True)

        a_lookout(catalog, tmp_path / "there", address, second, Verdict.BROKEN).look(at_once=True)

    assert (1, 0, 1) == (len(first), len(second), len(server.asked))
