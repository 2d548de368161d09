"""A vault whose bucket is locked by rules by prefix: from covenant.toml to the rules that stand, and the loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.adapters.stores.stopped_clock import StoppedClock
from tests.cli.conftest import Studio
from tests.cli.running import Ran, here
from tests.servers.archive import ArchiveServer, archiving
from tests.servers.r2_api import ACCOUNT, TOKEN, R2Api, keeping_rules

POLICY = """
[vault]
password = {{ file = "{home}/password" }}

[vault.regions.safe]
url = "{url}"
immutable = "bucket-lock"

[vault.regions.safe.options]
region = "us-east-1"
access_key_id = "{key}"
secret_access_key = {{ env = "SECRET" }}
account_id = "{account}"
api_token = {{ env = "TOKEN" }}
api_endpoint = "{endpoint}"

[classes.legal]
rpo = "24h"
rto = "72h"
immutable = "30d"

[sources.photos]
kind = "files"
paths = ["{home}/photos"]
class = "legal"
"""


class Ruled:
    """The studio's vault in a bucket, its ``covenant.toml``, and the API that keeps the bucket's rules."""

    def __init__(self, studio: Studio, server: ArchiveServer, api: R2Api) -> None:
        self.studio, self.server, self.api = studio, server, api
        server.now, server.locked = datetime.now(UTC), self.locks
        self.token = TOKEN
        self.written = studio.home / "covenant.toml"
        url = f"s3:{server.endpoint}/{api.bucket}/vault"
        self.written.write_text(
            POLICY.format(home=studio.home, url=url, key="anyone", account=ACCOUNT, endpoint=api.http.endpoint)
        )

    def locks(self, key: str, stored_at: datetime, now: datetime) -> bool:
        """What the bucket's rules hold, as the service says that it does."""
        for rule in self.api.rules:
            condition = rule["condition"]
            if rule["enabled"] and key.startswith(rule["prefix"]):
                if condition["type"] == "Age" and stored_at + timedelta(seconds=condition["maxAgeSeconds"]) > now:
                    return True
                if condition["type"] == "Date" and datetime.fromisoformat(condition["date"]) > now:
                    return True
        return False

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules of the vault, without that of the canary."""
        return [rule for rule in self.api.rules if "canary" not in rule["prefix"]]

    def __call__(self, *words: object) -> Ran:
        home = self.studio.home
        variables = {"SECRET": "anything", "TOKEN": self.token, "XDG_STATE_HOME": str(home / "state")}
        return here("-c", self.written, "--cache-dir", home / "cache", *words, variables=variables)


@pytest.fixture
def covenant(studio: Studio) -> Iterator[Ruled]:
    """A vault that was made, in a bucket that follows its rules, which are kept by another server on loopback."""
    with keeping_rules("vaults") as api, archiving() as server:
        ruled = Ruled(studio, server, api)
        made = ruled("init")
        assert 0 == made.code, made.err
        yield ruled


def test_the_whole_round(covenant: Ruled) -> None:
    """Shown as not locked, planned, set, then shown as locked; done again it asks for nothing to be changed."""
    kept = covenant("backup", "photos", "--json")
    assert 0 == kept.code, kept.err
    unlocked = covenant("lock", "show", "--json")

    planned = covenant("lock", "extend", "--dry-run", "--json")
    before = covenant.rules
    extended = covenant("lock", "extend", "--json")
    again = covenant("lock", "extend", "--json")
    shown = covenant("lock", "show", "--json")

    assert (1, 1) == (unlocked.code, unlocked.document["short"])
    assert [] == before
    assert ["add"] * 7 == [step["action"] for step in planned.document["rules"]["safe"]]
    assert 0 == extended.code, extended.err
    assert {step["id"] for step in planned.document["rules"]["safe"]} == {rule["id"] for rule in covenant.rules}
    assert {"vault/data/", "vault/snapshots/", "vault/keys/", "vault/config"} == {
        rule["prefix"] for rule in covenant.rules
    }
    assert {"keep"} == {step["action"] for step in again.document["rules"]["safe"]}
    assert 2 == covenant.api.puts  # the canary's, and these
    assert (0, 0) == (shown.code, shown.document["short"]), shown.out
    assert "governance" in shown.document["immutability"]["safe"]


def test_people_are_told_rule_by_rule(covenant: Ruled) -> None:
    """A dry run for people names each prefix, how long, and why."""
    told = covenant("lock", "extend", "--dry-run")

    assert 0 == told.code, told.err
    assert "vault/snapshots/" in told.out
    assert "the term of source 'photos'" in told.out
    assert "would set 4 lock rules" in told.out


def test_the_loop_sets_them(covenant: Ruled) -> None:
    """The chore ``lock`` of the loop sets what is promised."""
    ran = covenant("run", "--once", "--json")

    assert 0 == ran.code, ran.out + ran.err
    assert {"vault/data/", "vault/snapshots/", "vault/keys/", "vault/config"} == {
        rule["prefix"] for rule in covenant.rules
    }


def test_a_server_that_lies_is_a_failure(covenant: Ruled) -> None:
    """A rule that was accepted and is not kept is never called set, and no token is told."""
    covenant.api.mood = "lying"

    ran = covenant("lock", "extend")

    assert 0 != ran.code
    assert "does not keep" in ran.err
    assert TOKEN not in ran.out + ran.err


def test_a_wrong_token_sets_nothing(covenant: Ruled) -> None:
    """What the account refuses is an error with its code, and backups go on without that token."""
    covenant.token = "of somebody else"

    ran = covenant("lock", "extend")
    kept = covenant("backup", "photos")

    assert 26 == ran.code, ran.err
    assert "of somebody else" not in ran.out + ran.err
    assert 0 == kept.code, kept.err


def test_letting_go_leaves_what_the_rules_hold(covenant: Ruled) -> None:
    """What a rule of the bucket holds is neither forgotten nor pruned, and says until when: nothing is begun that the
    bucket would refuse half-way."""
    snapshot = covenant("backup", "photos", "--json").document["snapshot_id"]
    assert 0 == covenant("lock", "extend").code

    forgotten = covenant("forget", snapshot, "--json")
    (covenant.studio.photos / "cover.jpg").unlink()
    assert 0 == covenant("backup", "photos").code
    covenant.api.rules = [rule for rule in covenant.api.rules if rule["prefix"] != "vault/snapshots/"]
    freed = covenant("forget", snapshot, "--json")
    pruned = covenant("prune", "--json")

    assert (1, 0) == (forgotten.code, forgotten.document["forgotten"])
    assert "immutable until" in str(forgotten.document["findings"])
    assert 1 == freed.document["forgotten"], freed.err
    assert 0 == pruned.code, pruned.err
    assert pruned.document["totals"]["bytes_held"] > 0
    assert 0 == pruned.document["totals"]["remove"]


def test_rules_are_measured_before_a_vault_is_made(studio: Studio) -> None:
    """A bucket that keeps rules and does not follow them is no place for such a vault; the label of one that does is
    what was measured: an administrator can lift it."""
    with keeping_rules("vaults") as api, archiving() as server:
        ruled = Ruled(studio, server, api)
        made = ruled("init", "--json")
        shown = ruled("lock", "show", "--json")
        server.objects.clear()
        server.locked = lambda key, stored_at, now: False
        refused = here("-c", ruled.written, "init", variables={"SECRET": "x", "TOKEN": TOKEN}, clock=StoppedClock())

    assert {"safe": "governance"} == made.document["immutability"], made.err
    assert {"safe": "governance"} == shown.document["immutability"]
    assert 22 == refused.code
    assert "measured it is 'none'" in refused.err
    assert not [key for key in server.objects if key.endswith("config")]
