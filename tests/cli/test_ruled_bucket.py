"""A vault whose bucket is locked by rules by prefix: from covenant.toml to the rules that stand, and the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import Ran, here
from tests.servers.r2_api import ACCOUNT, TOKEN, R2Api, keeping_rules
from tests.servers.seaweedfs import ADMIN, SeaweedServer, s3_server

__all__ = ["s3_server"]

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

    def __init__(self, studio: Studio, server: SeaweedServer, api: R2Api) -> None:
        self.studio, self.api = studio, api
        self.token = TOKEN
        self.written = studio.home / "covenant.toml"
        url = f"s3:{server.endpoint}/{api.bucket}/vault"
        self.written.write_text(
            POLICY.format(home=studio.home, url=url, key=ADMIN.key, account=ACCOUNT, endpoint=api.http.endpoint)
        )

    def __call__(self, *words: object) -> Ran:
        home = self.studio.home
        variables = {"SECRET": ADMIN.secret, "TOKEN": self.token, "XDG_STATE_HOME": str(home / "state")}
        return here("-c", self.written, "--cache-dir", home / "cache", *words, variables=variables)


@pytest.fixture
def covenant(studio: Studio, s3_server: SeaweedServer) -> Iterator[Ruled]:
    """A vault that was made, in a bucket whose rules are kept by a server on loopback."""
    with keeping_rules(s3_server.new_bucket()) as api:
        ruled = Ruled(studio, s3_server, api)
        made = ruled("init")
        assert 0 == made.code, made.err
        yield ruled


def test_the_whole_round(covenant: Ruled) -> None:
    """Shown as not locked, planned, set, then shown as locked; done again it asks for nothing to be changed."""
    kept = covenant("backup", "photos", "--json")
    assert 0 == kept.code, kept.err
    unlocked = covenant("lock", "show", "--json")

    planned = covenant("lock", "extend", "--dry-run", "--json")
    before = list(covenant.api.rules)
    extended = covenant("lock", "extend", "--json")
    again = covenant("lock", "extend", "--json")
    shown = covenant("lock", "show", "--json")

    assert (1, 1) == (unlocked.code, unlocked.document["short"])
    assert [] == before
    assert ["add"] * 7 == [step["action"] for step in planned.document["rules"]["safe"]]
    assert 0 == extended.code, extended.err
    assert {step["id"] for step in planned.document["rules"]["safe"]} == {rule["id"] for rule in covenant.api.rules}
    assert {"vault/data/", "vault/snapshots/", "vault/keys/", "vault/config"} == {
        rule["prefix"] for rule in covenant.api.rules
    }
    assert {"keep"} == {step["action"] for step in again.document["rules"]["safe"]}
    assert 1 == covenant.api.puts
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
        rule["prefix"] for rule in covenant.api.rules
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
