"""The archival classes of a bucket: how an object lies, having it thawed, and the rule by which the bucket archives.

Against a server of ours that archives (``tests.servers.archive``), and as far as it goes against a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from covenant.adapters.stores.guarded import AppendOnlyStore
from covenant.adapters.stores.metered import MeteredStore
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.read_ahead import ReadAheadStore
from covenant.adapters.stores.retrying import RetryingStore
from covenant.adapters.stores.s3_archive import S3Archive
from covenant.adapters.stores.throttled import Bucket, ThrottledStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import ObjectArchived, ObjectMissing, UsageError
from covenant.vault.ports import put_content
from tests.adapters.stores.stopped_clock import StoppedClock
from tests.servers.archive import ArchiveServer, archiving

PACK = b"content" * 30_000
COLD = {"archive_after": "30d", "storage_class": "STANDARD_IA"}


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    """A server that archives."""
    with archiving() as found:
        yield found


def an_archive(server: ArchiveServer, **options: str) -> S3Archive:
    """The archive of a vault in the server's bucket, which was told its rule."""
    archive = S3Archive.open("s3://vaults/one", server.options() | COLD | options)
    archive.promise()
    return archive


def test_content_is_thawed_and_freezes_again(server: ArchiveServer) -> None:
    """An archived object is refused until it was thawed, asked for twice is asked for once, and is at hand for as long
    as was asked; then it is frozen again."""
    archive, store = an_archive(server), open_store("s3://vaults/one", server.options() | COLD)
    put_content(store, "data/pack", PACK)
    server.pass_on(timedelta(days=31))
    states = [archive.look("data/pack").state]
    with pytest.raises(ObjectArchived):
        store.get("data/pack")

    for wait in (timedelta(hours=1), timedelta(hours=4), timedelta(days=3)):
        archive.thaw("data/pack", "bulk", days=2)
        states.append(archive.look("data/pack").state)
        server.pass_on(wait)
        states.append(archive.look("data/pack").state)
        if states[-1] == "at hand":
            break

    assert ["frozen", "thawing", "thawing", "thawing", "at hand"] == states
    assert PACK == store.get("data/pack")
    assert 1 == len(server.asked)
    server.pass_on(timedelta(days=3))
    assert "frozen" == archive.look("data/pack").state


def test_what_is_at_hand_is_not_thawed(server: ArchiveServer) -> None:
    """Asking for an object that lies in no archival class does nothing; one that is not there is said to be missing."""
    archive, store = an_archive(server), open_store("s3://vaults/one", server.options())
    store.put("data/pack", PACK)

    archive.thaw("data/pack", "standard", days=1)

    assert ("STANDARD", "at hand", len(PACK)) == (
        archive.look("data/pack").storage_class,
        archive.look("data/pack").state,
        archive.look("data/pack").size,
    )
    with pytest.raises(ObjectMissing):
        archive.look("data/other")


def test_the_rule_of_others_stays(server: ArchiveServer) -> None:
    """The bucket is told once; a second vault in it has a rule of its own, and what changes replaces only its own."""
    one = an_archive(server)
    again = one.promise()
    other = S3Archive.open(
        "s3://vaults/two", server.options() | {"archive_after": "36h", "archive_class": "DEEP_ARCHIVE"}
    )
    told = other.promise()
    an_archive(server, archive_after="60d")

    rules = {rule["prefix"]: (rule["age"].days, rule["storage_class"]) for rule in server.rules()}

    assert (False, True) == (again, told)
    assert {"one/data/": (60, "GLACIER"), "two/data/": (2, "DEEP_ARCHIVE")} == rules


def test_every_wrapper_passes_content_on(server: ArchiveServer) -> None:
    """Whatever stands before a bucket, content arrives as content: in its class, with its tag. What is too small to be
    cheaper elsewhere, and what is not content, lies in the usual class without a tag."""
    clock, bare = SystemClock(), open_store("s3://vaults/one", server.options() | COLD)
    retrying = RetryingStore(ThrottledStore(bare, Bucket(1 << 30, clock)), StoppedClock(), Random(1))
    store = AppendOnlyStore(MeteredStore(ReadAheadStore(retrying)))

    put_content(store, "data/pack", PACK)
    put_content(store, "data/small", b"small")
    store.put("data/trees", PACK)

    found = {key: (each.storage_class, each.tags) for key, each in server.objects.items()}
    usual = ("STANDARD", "")
    assert {
        "one/data/pack": ("STANDARD_IA", "covenant=content"),
        "one/data/small": usual,
        "one/data/trees": usual,
    } == found


def test_only_a_bucket_on_s3_archives() -> None:
    """An address of another kind is refused before anything is asked."""
    with pytest.raises(UsageError):
        S3Archive.open("gs://bucket/vault", COLD)
