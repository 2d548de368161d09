"""A base backup that is damaged, broken off or killed leaves no snapshot behind, and nothing on the server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from covenant.kernel.errors import CovenantError, DamageError, SourceError, SourceUnavailable
from tests.adapters.sources.postgres.keeping import kept, name_of, nobody_is_sent_to, with_accounts
from tests.cli.running import started
from tests.servers.meddling import Meddle, between, flip_at, hang_up_at
from tests.servers.postgres import PostgresServer, postgres_18, postgres_server
from tests.vaults import PASSWORD, a_store, a_vault

__all__ = ["postgres_18", "postgres_server"]

PLACE = 5_000_001


@pytest.mark.parametrize(
    ("meddle", "error", "said"),
    [
        (flip_at(PLACE), DamageError, "did not arrive as it was sent"),
        (hang_up_at(PLACE), SourceUnavailable, "broke off"),
    ],
    ids=["a bit turned", "cut off"],
)
def test_what_does_not_arrive_as_it_was_sent_makes_no_snapshot(
    postgres_server: PostgresServer, meddle: Meddle, error: type[CovenantError], said: str
) -> None:
    """A bit that turned on the way is found by the server's own manifest, an early end by us; nothing is kept of it."""
    with_accounts(postgres_server)
    direct = postgres_server.managed_url()
    with kept(postgres_server) as shop, between(postgres_server.port, meddle) as port:
        with pytest.raises(error, match=said):
            shop.backup(url=direct.replace(str(postgres_server.port), str(port)))

        assert [] == list(shop.vault.snapshots())
        assert nobody_is_sent_to(postgres_server, within=20)


def test_killed_in_the_middle_it_leaves_no_slot(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """SIGKILL at any moment: the server drops what it held for us, and the next backup is as any other."""
    with_accounts(postgres_server)
    a_vault(a_store(tmp_path / "vault"))
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "covenant.toml").write_text(
        '[vault]\nurl = "vault"\npassword = { file = "password" }\n'
        '[sources.shop]\nkind = "postgres"\nurl = { env = "SHOP" }\nclass = "operational"\nmax_rate = "2MiB/s"\n'
    )
    variables = {"SHOP": postgres_server.managed_url()}

    process = started(tmp_path, "-c", tmp_path / "covenant.toml", "backup", "shop", variables=variables)
    under_way = "SELECT count(*) FROM pg_replication_slots WHERE temporary"
    assert until(lambda: postgres_server.run(under_way) == [(1,)], process)
    process.kill()
    process.communicate()

    assert nobody_is_sent_to(postgres_server, within=20)


def test_a_damaged_page_is_named_and_never_kept(postgres_18: PostgresServer) -> None:
    """Where the server's own checksums tell that a block is damaged, no snapshot is made, and it is said which."""
    database = name_of(postgres_18.new_database())
    postgres_18.run("CREATE TABLE songs AS SELECT generate_series(1, 1000) AS n", database)
    ((path,),) = postgres_18.run("SELECT pg_relation_filepath('songs')", database)
    postgres_18.run("CHECKPOINT")
    with (postgres_18.data / path).open("r+b") as file:
        file.seek(8192 + 4000)
        file.write(b"damage")
    with kept(postgres_18) as shop:
        with pytest.raises(SourceError, match=f'checksum verification failed in file ".*{path}", block 1') as caught:
            shop.backup()
        postgres_18.run("DROP TABLE songs", database)

        assert "Its data are damaged" in caught.value.hint
        assert [] == list(shop.vault.snapshots())


def until(wanted: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Whether it comes to that while the process runs."""
    while not (came := wanted()) and process.poll() is None:
        time.sleep(0.02)
    return came
