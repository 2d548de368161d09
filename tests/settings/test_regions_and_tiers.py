"""Regions, chores, tiers, alerts and the rest of what runs Covenant become plain values."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from covenant.kernel.durations import Span
from covenant.kernel.errors import ConfigError
from covenant.kernel.schedule import Schedule, parse_blackout
from covenant.settings import defaults
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.settings.secrets import SecretEnv, SecretRef
from covenant.settings.values import Alerts, Channel, Planned, Postgres, Region
from tests.settings.documents import MINIMAL, written

REGIONS = """\
[vault]
acknowledge = 2
[vault.regions.near]
url = "near"
immutable = "object-lock"
[vault.regions.far]
url = "s3://bucket/far"
options = { region = "eu", secret_access_key = { env = "FAR" } }
storage_class = "STANDARD_IA"
[vault.chores]
prune = "never"
check = "0 9 * * Mon"
zone = "Europe/Berlin"
blackouts = ["Mon-Fri 10:00-12:00"]
"""

REST = """\
[catalog]
url = { env = "CATALOG_URL" }
[metrics]
listen = "[::1]:9464"
[limits]
concurrent = 3
bandwidth = "20MiB/s"
[alerts]
repeat = "2h"
[alerts.channels.pager]
url = { env = "PAGER" }
classes = ["critical"]
severity = "critical"
after = "30m"
[dunning]
grace = "7d"
erase_on_day = 60
[communication.users]
who = "users"
how = "status page"
"""

TIERS = """\
[tiers.enterprise]
window = "90d"
retention = { keep_within = "90d" }
[sources.orders]
kind = "postgres"
url = { env = "ORDERS" }
class = "critical"
tier = "enterprise"
rpo = "5m"
[sources.orders.schedule]
log = "every 1m"
incremental = "never"
zone = "Europe/Berlin"
"""


def test_regions_keep_their_order_and_their_own_credentials(tmp_path: Path) -> None:
    """The first region that is written is the primary, whose address is the vault's."""
    vault = load(written(tmp_path, REGIONS)).vaults["default"]

    told = {"immutable": "object-lock"}  # what opens the store must know it as well
    near = Region("near", str(tmp_path / "near"), told, immutable="object-lock")
    options: dict[str, str | SecretRef] = {"storage_class": "STANDARD_IA", "region": "eu"}
    options["secret_access_key"] = SecretEnv("FAR")
    assert (near, Region("far", "s3://bucket/far", options, "STANDARD_IA")) == vault.regions
    assert (near.url, near.options, 2) == (vault.url, vault.options, vault.acknowledge)


def test_a_vault_with_one_address_has_one_region(tmp_path: Path) -> None:
    """It is called default, and every write must reach it."""
    vault = load(written(tmp_path, '[vault]\nurl = "v"\n')).vaults["default"]

    assert (Region("default", str(tmp_path / "v")),) == vault.regions
    assert 1 == vault.acknowledge


def test_every_region_acknowledges_unless_fewer_are_said(tmp_path: Path) -> None:
    """Where nothing is said, a write must be durable everywhere."""
    vault = load(written(tmp_path, REGIONS.replace("acknowledge = 2\n", ""))).vaults["default"]

    assert 2 == vault.acknowledge


def test_chores_are_as_usual_where_nothing_is_said(tmp_path: Path) -> None:
    """A chore can be moved or left out, and the hours hold for all of them."""
    chores = load(written(tmp_path, REGIONS)).vaults["default"].chores

    blackouts = (parse_blackout("Mon-Fri 10:00-12:00"),)
    assert "prune" not in chores
    assert Schedule(cron="0 9 * * Mon", zone="Europe/Berlin", blackouts=blackouts) == chores["check"]
    assert chores["sync"].every == defaults.CHORES["sync"].every


def test_a_vault_tells_its_policy(tmp_path: Path) -> None:
    """The policy names regions in order, how many acknowledge, and where terms can be set."""
    vault = policy_of(load(written(tmp_path, REGIONS))).vaults["default"]

    assert (("near", "far"), {"near": "object-lock"}) == (vault.regions, vault.immutable_by)
    assert (2, "covenant.toml:2") == (vault.acknowledge.value, vault.acknowledge.origin)
    assert "covenant.toml:12" == vault.chores["check"].origin
    assert "default" == vault.chores["sync"].origin


def test_what_runs_covenant_is_read(tmp_path: Path) -> None:
    """The catalog, the metrics, the limits and the alerts arrive as plain values."""
    settings = load(written(tmp_path, REST))

    assert SecretEnv("CATALOG_URL") == settings.catalog
    assert ("::1", 9464) == settings.metrics
    assert (3, 20 << 20) == (settings.limits.concurrent, settings.limits.bandwidth)
    pager = Channel("pager", SecretEnv("PAGER"), ("critical",), "critical", timedelta(minutes=30))
    assert Alerts({"pager": pager}, timedelta(minutes=1), timedelta(hours=2)) == settings.alerts


def test_commitments_are_kept_as_they_are_said(tmp_path: Path) -> None:
    """Each sentence arrives as a value and as a commitment with its line and its promise; silence is left out."""
    settings = load(written(tmp_path, REST))

    assert {"grace": timedelta(days=7), "erase_on_day": 60} == settings.commitments["dunning"]
    commitments = {each.name: each for each in policy_of(settings).commitments}
    assert ("60", ("S16",), "covenant.toml:17", False) == (
        commitments["dunning.erase_on_day"].text,
        commitments["dunning.erase_on_day"].promises,
        commitments["dunning.erase_on_day"].origin,
        commitments["dunning.erase_on_day"].covered,
    )
    assert ("M25",) == commitments["communication.users.how"].promises


def test_a_tier_is_laid_over_the_class_and_the_source_over_both(tmp_path: Path) -> None:
    """Each value comes from the last place that says it, and says which that is."""
    source = policy_of(load(written(tmp_path, TIERS))).sources["orders"]

    assert (timedelta(minutes=5), "covenant.toml:9 (source orders)") == (source.rpo.value, source.rpo.origin)
    assert (timedelta(days=90), "covenant.toml:2 (tier enterprise)") == (source.window.value, source.window.origin)
    assert (timedelta(hours=1), "default (class critical)") == (source.rto.value, source.rto.origin)
    assert source.keep is not None
    assert (Span(days=90), 12) == (source.keep.within, source.keep.monthly)
    assert "covenant.toml:3 (tier enterprise)" == source.keep_origins["within"]
    assert {"full", "differential", "log", "archive"} == set(source.schedules)
    assert {"Europe/Berlin"} == {each.value.zone for each in source.schedules.values()}


def test_a_kind_that_cannot_be_kept_is_read_all_the_same(tmp_path: Path) -> None:
    """What it says of its system is there, and it is not covered."""
    said = 'kind = "d1"\naccount = "a"\ndatabase = "d"\nclass = "important"\n'
    settings = load(written(tmp_path, f"{MINIMAL}\n[sources.edge]\n{said}"))

    edge = settings.sources["edge"]
    assert Planned("d1", {"account": "a", "database": "d"}) == edge.system
    assert ("d1", False) == (edge.kind, edge.covered)
    assert not policy_of(settings).sources["edge"].covered


def test_a_postgresql_server_is_read(tmp_path: Path) -> None:
    """Its address stays a reference; slot, interval and rate arrive as said, or by default."""
    said = 'kind = "postgres"\nurl = { env = "SHOP" }\nclass = "important"\n'
    text = f"{MINIMAL}\n[sources.Shop-1]\n{said}\n[sources.ledger]\n{said}"
    sources = load(written(tmp_path, text + 'max_rate = "20MiB/s"\nslot = "ours"\nlog_interval = "5s"\n')).sources

    assert Postgres(SecretEnv("SHOP"), "covenant_shop_1_274ed63e") == sources["Shop-1"].system
    ledger = Postgres(SecretEnv("SHOP"), "ours", log_interval=timedelta(seconds=5), max_rate=20 << 20)
    assert ledger == sources["ledger"].system
    assert "postgres" == sources["ledger"].kind


def test_a_rate_that_no_server_sends_at_is_refused(tmp_path: Path) -> None:
    """A ``max_rate`` outside of what PostgreSQL accepts is named before anything is asked of the server."""
    said = 'kind = "postgres"\nurl = { env = "SHOP" }\nclass = "important"\nmax_rate = "2GiB/s"\n'

    with pytest.raises(ConfigError, match="no server sends at that rate"):
        load(written(tmp_path, f"{MINIMAL}\n[sources.shop]\n{said}"))


def test_a_vault_that_only_the_environment_names_is_in_the_policy(tmp_path: Path) -> None:
    """A source's vault is never missing from a policy."""
    policy = policy_of(load(written(tmp_path, MINIMAL)))

    assert (("default",), 1) == (policy.vaults["default"].regions, policy.vaults["default"].acknowledge.value)


def test_content_goes_to_an_archive_at_its_age(tmp_path: Path) -> None:
    """A bucket is told at which age to archive what; 'GLACIER' where the class is not said."""
    document = '[vault]\nurl = "s3://bucket/vault"\narchive_after = "90d"\n' + MINIMAL

    (region,) = load(written(tmp_path, document)).vaults["default"].regions

    assert (timedelta(days=90), "GLACIER") == (region.archive_after, region.archive_class)
    assert {"archive_after": "90d", "archive_class": "GLACIER"} == region.options


@pytest.mark.parametrize(
    ("url", "said", "key"),
    [
        ("vault", 'storage_class = "STANDARD_IA"', "storage_class"),
        ("gs://bucket/vault", 'archive_after = "90d"', "archive_after"),
        ("az://bucket/vault", 'storage_class = "Archive"', "storage_class"),
        ("s3://bucket/vault", 'archive_class = "GLACIER"', "archive_class"),
    ],
)
def test_a_class_that_a_store_does_not_have_is_refused(tmp_path: Path, url: str, said: str, key: str) -> None:
    """What a store cannot do is told before anything is kept there."""
    with pytest.raises(ConfigError, match=f"cannot follow {key}"):
        load(written(tmp_path, f'[vault]\nurl = "{url}"\n{said}\n{MINIMAL}'))
