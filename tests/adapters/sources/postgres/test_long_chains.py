"""Long chains of backups under load: after each of them the server comes back with every sum right."""

from __future__ import annotations

import random
import threading

import pytest

from covenant.kernel.errors import Interrupted
from covenant.protect.parenthood import choose_parent
from tests.adapters.sources.postgres.keeping import SUMS, Kept, kept, name_of, with_accounts
from tests.servers.postgres import PostgresServer, postgres_18, postgres_server

__all__ = ["postgres_18", "postgres_server"]

CHECKED = (
    "SELECT count(bt_index_check(c.oid, true)) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE {which}"
)
WHICH = "relam = 403 AND indrelid::regclass::text LIKE 'pgbench%'"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
def test_any_chain_of_kinds_comes_back(postgres_server: PostgresServer, postgres_18: PostgresServer, seed: int) -> None:
    """Whatever kinds follow one another, stopped now and then, each snapshot starts, and its indexes fit its tables."""
    dice = random.Random(seed)
    for server in (postgres_server, postgres_18):
        url = with_accounts(server, scale=20)
        server.run("CREATE EXTENSION IF NOT EXISTS amcheck", name_of(url))
        with kept(server) as shop:
            load = server.workload(url, seconds=600)
            for turn in range(6):
                kind = dice.choice(["incremental", "differential"]) if turn else "full"
                if dice.random() < 0.3:
                    stopped(shop, dice)
                parent = choose_parent(kind, shop.vault.snapshots(), source="shop", hostname="studio", paths=("/shop",))
                snapshot = shop.backup(parent, kind=kind).snapshot
                data = shop.by_restic(snapshot) if turn % 2 else shop.by_us(snapshot)
                assert shop.verified(data)
                with shop.started(data) as restored:
                    (sums,) = restored.run(SUMS, name_of(url))
                    assert 1 == len(set(sums))
                    ((indexes,),) = restored.run(CHECKED.format(which=WHICH), name_of(url))
                    assert indexes == 3
            load.kill()
            load.wait()
            assert shop.restic().sound()


def stopped(shop: Kept, dice: random.Random) -> None:
    """Begin a backup, and give it up."""
    stop = threading.Event()
    threading.Timer(dice.uniform(0.1, 1.5), stop.set).start()
    with pytest.raises(Interrupted):
        shop.backup(max_rate=32 << 20, stop=stop)
