"""Object lock on a real S3-compatible server: nobody deletes what a term protects, and everything goes on around it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from covenant.adapters.stores.objects import ObjectStore
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.s3_terms import ObjectLockStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import ObjectExists, ObjectMissing, StoreDenied, UsageError
from covenant.safeguard import terms
from covenant.safeguard.prune import PruneOptions, apply_prune, plan_prune
from covenant.vault.lock import Locks
from covenant.vault.names import DATA, LOCKS, SNAPSHOTS, object_name
from covenant.vault.ports import Store
from covenant.vault.vault import open_vault
from tests.clocks import FrozenClock
from tests.contracts.store_contract import StoreContract
from tests.servers.seaweedfs import SeaweedServer
from tests.small_worlds import contents, damage, noise, take
from tests.vaults import OWNER, PASSWORD, a_vault

PACK = object_name(DATA, "ab" * 32)
SECONDS = 4


def locked(server: SeaweedServer, mode: str = "compliance", term: str = "1d", clock: Any = None) -> ObjectLockStore:
    """A store in a bucket of its own that honours locks."""
    options = server.options() | {"immutable": "object-lock", "immutable_mode": mode, "immutable_term": term}
    return ObjectLockStore.open(f"s3://{server.new_bucket(object_lock=True)}/vault", options, clock)


class TestObjectLockStore(StoreContract):
    @pytest.fixture
    def store(self, s3_server: SeaweedServer) -> Store:
        options = s3_server.options() | {"immutable": "object-lock"}
        return open_store(f"s3://{s3_server.new_bucket(object_lock=True)}/vault", options)


@pytest.mark.parametrize("mode", ["compliance", "governance"])
def test_nobody_deletes_what_a_term_protects(s3_server: SeaweedServer, mode: str) -> None:
    """From its first moment, and with full credentials: no delete, no overwrite, no shorter term takes it away."""
    store = locked(s3_server, mode)
    store.put(PACK, b"needed")
    client, key = s3_server.client(), {"Bucket": store.url.split("/")[2], "Key": f"vault/{PACK}"}
    version = client.head_object(**key)["VersionId"]

    with pytest.raises(StoreDenied):
        store.delete(PACK)
    with pytest.raises(ObjectExists):
        store.put(PACK, b"other")
    sooner = {"Mode": mode.upper(), "RetainUntilDate": datetime.now(UTC) + timedelta(seconds=1)}
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_object(**key, VersionId=version)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.put_object_retention(**key, VersionId=version, Retention=sooner)
    store.overwrite(PACK, b"other")
    client.delete_object(**key)

    assert b"needed" == client.get_object(**key, VersionId=version)["Body"].read()


def test_an_administrator_may_lift_governance_and_not_compliance(s3_server: SeaweedServer) -> None:
    """What the two modes are worth, as the documentation says."""
    client = s3_server.client()
    survived = []
    for mode in ("compliance", "governance"):
        store = locked(s3_server, mode)
        store.put(PACK, b"needed")
        key = {"Bucket": store.url.split("/")[2], "Key": f"vault/{PACK}"}
        version = client.head_object(**key)["VersionId"]
        try:
            client.delete_object(**key, VersionId=version, BypassGovernanceRetention=True)
        except client.exceptions.ClientError:
            survived.append(mode)

    assert ["compliance"] == survived


def test_a_refused_delete_hides_nothing(s3_server: SeaweedServer) -> None:
    """An object that cannot go stays in sight: no marker is left in front of it."""
    store = locked(s3_server)
    store.put(PACK, b"needed")

    with pytest.raises(StoreDenied, match="is locked until 20"):
        store.delete(PACK)

    assert b"needed" == store.get(PACK)
    assert [PACK] == [name for name, _ in store.list(DATA)]


def test_after_its_term_it_is_gone_for_good(s3_server: SeaweedServer) -> None:
    """The delete removes the version itself, so that it takes no room any more."""
    store = locked(s3_server, term="2s")
    store.put(PACK, b"needed")
    until = store.term(PACK)
    wait_until_free(store, PACK)

    store.delete(PACK)

    assert until is not None
    with pytest.raises(ObjectMissing):
        store.get(PACK)
    left = s3_server.client().list_object_versions(Bucket=store.url.split("/")[2])
    assert [] == [*left.get("Versions", ()), *left.get("DeleteMarkers", ())]


def test_a_term_is_extended_and_never_shortened(s3_server: SeaweedServer) -> None:
    """The later moment holds, whichever is asked last."""
    store = locked(s3_server)
    store.put(PACK, b"needed")
    far = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)

    store.extend(PACK, far)
    store.extend(PACK, far - timedelta(days=5))

    assert far == store.term(PACK)
    with pytest.raises(ObjectMissing):
        store.extend(object_name(DATA, "cd" * 32), far)


@pytest.mark.parametrize("days", [400, -400])
def test_a_wrong_clock_neither_ends_nor_shortens_a_term(s3_server: SeaweedServer, days: int) -> None:
    """A year ahead or behind, what is put is locked from the store's now, and a term is over when the store says so."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(days=days))
    store = locked(s3_server, clock=clock)

    store.put(PACK, b"needed")

    until = store.term(PACK)
    assert until is not None
    assert timedelta(hours=23) < until - datetime.now(UTC) < timedelta(hours=25)
    with pytest.raises(StoreDenied):
        store.delete(PACK)


def test_a_lock_comes_and_goes_where_the_bucket_locks_everything(s3_server: SeaweedServer) -> None:
    """With a default term in the bucket a deleted lock is hidden, not listed, and its name is free."""
    store = locked(s3_server)
    s3_server.client().put_object_lock_configuration(
        Bucket=store.url.split("/")[2],
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    name = object_name(LOCKS, "ab" * 32)
    store.put(name, b"1")

    store.delete(name)

    assert [] == list(store.list(LOCKS))
    with pytest.raises(ObjectMissing):
        store.get(name)
    with pytest.raises(ObjectMissing):
        store.delete(name)
    store.put(name, b"2")
    assert b"2" == store.get(name)


def test_a_bucket_without_lock_is_refused_at_the_first_put(s3_server: SeaweedServer) -> None:
    """Nobody is left believing that something is protected."""
    store = open_store(s3_server.new_url(), s3_server.options() | {"immutable": "object-lock", "immutable_term": "1d"})

    with pytest.raises(UsageError, match="no object lock"):
        store.put(PACK, b"needed")


@pytest.mark.parametrize(
    "options",
    [{"immutable": "magic"}, {"immutable_mode": "soft"}, {"immutable_term": "soon"}],
    ids=lambda options: next(iter(options)),
)
def test_what_makes_no_sense_is_refused(s3_server: SeaweedServer, options: dict[str, str]) -> None:
    """A slip in an option is told before anything is stored."""
    with pytest.raises(UsageError):
        open_store(s3_server.new_url(), s3_server.options() | {"immutable": "object-lock"} | options)


@pytest.mark.parametrize("mode", ["compliance", "governance"])
def test_a_vault_lives_in_a_locked_bucket(s3_server: SeaweedServer, mode: str, tmp_path: Path) -> None:
    """Backups and locks work; a prune carries on around what is locked, and removes it once its term has passed."""
    store = locked(s3_server, mode, f"{SECONDS}s")
    vault = a_vault(store)
    with Locks(vault, store, OWNER, SystemClock(), 0).exclusive(0):
        old = take(vault, store, {"a": noise("a", 9000), "b": noise("b", 9000)})
        new = take(vault, store, {"b": noise("b", 9000)}, day=1)
    wait_until_free(store, object_name(SNAPSHOTS, old.id))
    for name, _ in [*store.list(DATA)]:
        store.extend(name, datetime.now(UTC) + timedelta(seconds=SECONDS))
    store.delete(object_name(SNAPSHOTS, old.id))
    options = PruneOptions(max_unused=0, pack_size=4096)
    vault.forget_index()

    around = plan_prune(vault, options, terms=store)
    apply_prune(around, vault, store)
    size_around = sum(size for _, size in store.list(DATA))
    for name, _ in [*store.list(DATA)]:
        wait_until_free(store, name)
    apply_prune(plan_prune(vault, options, terms=store), vault, store)

    assert around.totals.bytes_held
    assert not around.totals.remove
    assert size_around - 8000 > sum(size for _, size in store.list(DATA))
    fresh = open_vault(store, PASSWORD)
    assert {"b": noise("b", 9000)} == contents(fresh, fresh.load_snapshot(new.id))
    assert [] == damage(store)
    assert [] == list(store.list(LOCKS))


def test_a_thief_with_full_credentials_leaves_what_is_promised(s3_server: SeaweedServer) -> None:
    """Whoever tries to delete every version of every object leaves packs, snapshots, keys and config behind."""
    store = locked(s3_server, term="1d")
    vault = a_vault(store)
    snapshot = take(vault, store, {"a": noise("a", 9000)})
    now = datetime.now(UTC)
    vault.forget_index()
    held = (terms.Promised(snapshot, timedelta(days=2), now + timedelta(days=2)),)
    assert () == terms.apply(terms.plan(vault, held, {}, now=now), store, {})
    before = {name for name, _ in store.list("")}
    client, bucket = s3_server.client(), store.url.split("/")[2]

    refused = 0
    for version in client.list_object_versions(Bucket=bucket)["Versions"]:
        try:
            client.delete_object(
                Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
            )
        except client.exceptions.ClientError:
            refused += 1

    left = {name for name, _ in store.list("")}
    assert refused == len(left)
    assert {name for name in before if not name.startswith("index/")} == left
    until = store.term(object_name(SNAPSHOTS, snapshot.id))
    assert until is not None
    assert until >= now + timedelta(days=2)


def wait_until_free(store: ObjectLockStore, name: str) -> None:
    """Until the store says that the object's term has passed."""
    for _ in range(100):
        if store.term(name) is None:
            return
        time.sleep(0.1)
    raise AssertionError(f"{name} is still locked")


def test_it_is_a_store_like_any_other_bucket() -> None:
    """What measures immutability knows its versions."""
    assert issubclass(ObjectLockStore, ObjectStore)
