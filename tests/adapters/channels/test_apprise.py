"""Real messages to real servers on loopback, and what becomes of them on bad days."""

from __future__ import annotations

import json
import logging
import time

import pytest

from covenant.adapters.channels.apprise import AppriseChannel
from covenant.kernel.errors import ChannelError, ConfigError
from covenant.respond.condition import Severity
from tests.servers.mail import mail_server, silent_server
from tests.servers.scripted import Answer, answering

SECRET = "hunter2secret"
TITLE, BODY = "CRITICAL: source 'orders'", "the newest backup is 6h old\n  To do: Run 'covenant backup orders'."


def channel(address: str, seconds: float = 20.0) -> AppriseChannel:
    """A channel to an address."""
    return AppriseChannel("pager", lambda: address, seconds)


def failure(address: str, seconds: float = 20.0) -> ChannelError:
    """The error that sending to an address ends in."""
    with pytest.raises(ChannelError) as caught:
        channel(address, seconds).send(TITLE, BODY, Severity.CRITICAL)
    return caught.value


def test_a_webhook_is_told_everything() -> None:
    """A webhook receives the title, the whole text, and how bad it is."""
    with answering(lambda asked: Answer(200)) as server:
        channel(f"json://127.0.0.1:{server.port}/hook").send(TITLE, BODY, Severity.CRITICAL)

    told = json.loads(server.asked[0].body)
    assert ("POST", "/hook") == (server.asked[0].method, server.asked[0].path.rstrip("/"))
    assert (TITLE, BODY, "failure") == (told["title"], told["message"], told["type"])


def test_a_mail_says_what_to_do() -> None:
    """A mail has the title as its subject and the command to run in its text."""
    with mail_server() as server:
        address = f"mailto://127.0.0.1:{server.port}?from=covenant@example.com&to=ops@example.com&mode=insecure"
        channel(address).send(TITLE, BODY, Severity.CRITICAL)

    mail = server.mails[0]
    assert TITLE == mail["Subject"]
    assert "ops@example.com" in mail["To"]
    texts = [part.get_content() for part in mail.walk() if part.get_content_type().startswith("text/")]
    assert any("covenant backup orders" in text for text in texts)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_server_that_answers_with_an_error_has_not_taken_it(status: int) -> None:
    """An answer that is an error means untold, and the error says which answer it was."""
    with answering(lambda asked: Answer(status)) as server:
        error = failure(f"json://127.0.0.1:{server.port}/{SECRET}")

    assert str(status) in error.message
    assert "covenant alerts test pager" in error.hint


def test_a_mail_server_that_refuses_has_not_taken_it() -> None:
    """A mail that is refused is an error, not a message told."""
    with mail_server(refusing=True) as server:
        address = f"mailto://127.0.0.1:{server.port}?from=a@example.com&to=b@example.com&mode=insecure"
        failure(address)

    assert [] == server.mails


def test_a_server_that_is_not_there_is_an_error() -> None:
    """A refused connection means untold."""
    assert "no connection" in failure(f"json://127.0.0.1:9/{SECRET}").message


@pytest.mark.parametrize("kind", ["json", "mailto"])
def test_a_server_that_hangs_is_not_waited_for(kind: str) -> None:
    """A server that never answers costs bounded time, and the message counts as untold."""
    with silent_server() as port:
        rest = "?from=a@example.com&to=b@example.com&mode=insecure" if kind == "mailto" else ""
        began = time.monotonic()
        failure(f"{kind}://127.0.0.1:{port}{rest}", seconds=1.0)

    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "address",
    [
        f"json://user:{SECRET}@127.0.0.1:9/{SECRET}/hook?token={SECRET}",
        f"nosuchservice://{SECRET}",
        f"slack://{SECRET}",
        f"{SECRET}",
        f"mailto://ops:{SECRET}@127.0.0.1:9?from=a@example.com&mode=insecure",
    ],
)
def test_an_address_is_never_shown(
    address: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the error, nor any log however talkative, nor what is printed holds anything of the address."""
    caplog.set_level(logging.DEBUG)

    error = failure(address, seconds=5.0)

    shown = capfd.readouterr()
    said = (str(error), error.hint, repr(error.__cause__), repr(channel(address)), caplog.text, shown.out, shown.err)
    assert not [text for text in said if SECRET in text]


def test_an_address_that_cannot_be_had_is_a_failure_of_the_channel() -> None:
    """A missing secret is told as such, and stops no other channel."""

    def missing() -> str:
        raise ConfigError("the secret in environment variable PAGER is empty or not set", "Put the secret there.")

    with pytest.raises(ChannelError, match="environment variable PAGER"):
        AppriseChannel("pager", missing).send(TITLE, BODY, None)
