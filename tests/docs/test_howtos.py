"""The pages that tell how to do one thing work, each on a studio of its own that was kept before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Reader, Written, steps
from tests.servers.postgres import PostgresServer, postgres_18

__all__ = ["postgres_18"]

PAGES = (
    "ask-what-was-restored",
    "drills-and-reports",
    "evidence",
    "leave-with-restic",
    "passwords",
    "policy",
    "recover-from-damage",
    "recover-from-nothing",
    "recovery-kit",
    "regions",
    "restore-one-file",
    "verification",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(operator: Reader, page: str) -> None:
    """Whoever types what the page says sees what the page shows."""
    typed = operator.follow((DOCS / "howto" / f"{page}.md").read_text())

    assert typed > 5


def test_the_page_about_alerts_does_what_it_says(operator: Reader) -> None:
    """Its channels can be followed, and a channel that cannot be reached is told as the page shows."""
    typed = operator.follow((DOCS / "howto" / "alerts-and-metrics.md").read_text())

    assert 4 == typed


def test_the_page_about_running_does_what_it_says(operator: Reader) -> None:
    """What is due is done by one command, and how things stand is shown by another."""
    typed = operator.follow((DOCS / "howto" / "run-it.md").read_text())

    assert 5 == typed


def test_the_page_about_postgresql_does_what_it_says(reader: Reader, postgres_18: PostgresServer) -> None:
    """A server is kept as the page says, and the stock restic brings back a data directory."""
    reader.type("(umask 077; echo 'correct horse' > /root/vault.key)")
    reader.type(f"export ACCOUNTS_URL={postgres_18.managed_url()}")
    reader.at("covenant.toml").write_text(
        reader.on_page('[vault]\nurl = "/srv/vault"\npassword = { file = "/root/vault.key" }\n')
    )
    reader.type("covenant init")

    typed = reader.follow((DOCS / "howto" / "keep-postgresql.md").read_text())

    assert typed > 5


def test_the_page_about_a_server_of_ones_own_does_what_it_says(
    tmp_path: Path, environment: dict[str, str], postgres_18: PostgresServer
) -> None:
    """What a server would hand over is kept, the same again is done already, and it comes back as it was."""
    postgres_18.run("SELECT pg_switch_wal()")
    page = (DOCS / "howto" / "log-of-your-own-server.md").read_text()
    with Reader(tmp_path, {**environment, "ACCOUNTS_URL": postgres_18.managed_url()}, folder="/srv") as someone:
        config = next(step for step in steps(page) if isinstance(step, Written))
        someone.at("covenant.toml").write_text(someone.on_page(config.text))
        for line in (
            "(umask 077; echo 'correct horse' > /root/vault.key)",
            f"ln -s {postgres_18.data} pgdata",
            "covenant init",
        ):
            code, out = someone.type(line)
            assert 0 == code, out

        typed = someone.follow(page)

    assert typed > 8
