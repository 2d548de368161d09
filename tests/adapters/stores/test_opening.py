"""Addresses as people write them, and what they open."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from covenant.adapters.stores.location import Location, parse_location
from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.objects import ObjectStore
from covenant.adapters.stores.opening import StoreSpec, open_store
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.errors import UsageError

KEYS = {"access_key_id": "someone", "secret_access_key": "very-secret"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/srv/vault", Location("folder", "/srv/vault")),
        ("vault", Location("folder", "vault")),
        ("./a b/c:d", Location("folder", "./a b/c:d")),
        ("local:/srv/vault", Location("folder", "/srv/vault")),
        ("local:some:where", Location("folder", "some:where")),
        ("file:///srv/my%20vault", Location("folder", "/srv/my vault")),
        ("file://localhost/srv", Location("folder", "/srv")),
        ("memory:", Location("memory", "")),
        ("memory:scratch", Location("memory", "scratch")),
        ("s3://bucket", Location("s3", "", "bucket")),
        ("s3://bucket/a/prefix/", Location("s3", "a/prefix", "bucket")),
        ("s3://dotted.bucket.name/x", Location("s3", "x", "dotted.bucket.name")),
        ("s3:http://127.0.0.1:9000/bucket/x", Location("s3", "x", "bucket", "http://127.0.0.1:9000")),
        ("s3:https://host.example/bucket", Location("s3", "", "bucket", "https://host.example")),
        ("s3:host.example/bucket/x", Location("s3", "x", "bucket", "https://host.example")),
        ("s3:s3.amazonaws.com/bucket/x", Location("s3", "x", "bucket")),
        ("s3://s3.amazonaws.com/bucket/x", Location("s3", "x", "bucket")),
        (
            "s3:s3.eu-central-1.amazonaws.com/bucket",
            Location("s3", "", "bucket", "https://s3.eu-central-1.amazonaws.com"),
        ),
        ("s3://127.0.0.1:9000/bucket/x", Location("s3", "x", "bucket", "https://127.0.0.1:9000")),
        ("S3://bucket", Location("s3", "", "bucket")),
        ("gs://bucket/x/y", Location("gs", "x/y", "bucket")),
        ("gs:bucket:/x/y", Location("gs", "x/y", "bucket")),
        ("az://container/x", Location("az", "x", "container")),
        ("azure:container:/x", Location("az", "x", "container")),
    ],
)
def test_addresses_are_understood(url: str, expected: Location) -> None:
    """Our spelling and restic's both say where a store is."""
    assert expected == parse_location(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "local:",
        "file://other.host/srv",
        "sftp:user@host:/srv",
        "s3://",
        "s3:",
        "s3:http://host",
        "s3:http://host/",
        "s3:ftp://host/bucket",
        "s3://bucket/x?region=eu",
        "gs:",
        "az://",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """What names no store is refused with a hint, before anything is touched."""
    with pytest.raises(UsageError) as caught:
        parse_location(url)
    assert caught.value.hint


@pytest.mark.parametrize(
    "url", ["s3:https://someone:very-secret@host/bucket", "s3://someone:very-secret@bucket", "gs://very-secret@bucket"]
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    """Credentials are options; an address with some in it is refused without showing them."""
    with pytest.raises(UsageError) as caught:
        parse_location(url)
    assert "very-secret" not in str(caught.value)


def test_each_kind_is_opened(tmp_path: Path) -> None:
    """An address opens the store that its kind says, and nothing is asked of it yet."""
    assert isinstance(open_store(str(tmp_path / "vault"), {}), PosixStore)
    assert isinstance(open_store("memory:", {}), MemoryStore)
    assert isinstance(open_store("s3://bucket/x", {"region": "eu-central-1", **KEYS}), ObjectStore)
    assert isinstance(open_store("gs://bucket", {"bearer_token": "t"}), ObjectStore)
    assert isinstance(open_store("az://box", {"account_name": "a", "account_key": "a2V5"}), ObjectStore)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("/srv/vault", {"region": "x"}),
        ("memory:", {"region": "x"}),
        ("s3://bucket", {"regoin": "x"}),
        ("s3://bucket", {"conditional_put": "maybe"}),
        ("s3://bucket", {"timeout": "soon"}),
        ("s3://bucket", {"timeout": "0"}),
        ("s3://bucket", {"ca_file": "/no/such/file"}),
        ("s3://bucket", {"endpoint": "http://192.0.2.1:9000"}),
        ("s3:http://storage.example/bucket", {}),
        ("s3://bucket", {"endpoint": "https://someone:very-secret@host"}),
    ],
)
def test_options_that_cannot_be_followed_are_refused(url: str, options: dict[str, str]) -> None:
    """A wrong option stops us at once, and plain HTTP is for loopback alone."""
    with pytest.raises(UsageError) as caught:
        open_store(url, options)
    assert "very-secret" not in str(caught.value)


def test_a_spec_shows_no_option() -> None:
    """However a spec gets into a log, what its options hold does not."""
    spec = StoreSpec("s3://bucket", KEYS)

    assert "StoreSpec('s3://bucket', {access_key_id=…, secret_access_key=…})" == repr(spec)
    assert "very-secret" not in f"{spec} {[spec]}"


def test_a_spec_travels_to_a_worker(tmp_path: Path) -> None:
    """Pickled and unpickled, a spec opens the same store."""
    PosixStore(tmp_path).put("config", b"x")

    spec = pickle.loads(pickle.dumps(StoreSpec(str(tmp_path))))  # noqa: S301 (our own bytes)

    assert StoreSpec(str(tmp_path)) == spec
    assert b"x" == spec.open().get("config")


def test_a_folder_is_opened_without_the_object_library() -> None:
    """Who keeps a vault on a disk does not wait for the library that speaks to buckets."""
    code = "import sys; import covenant.adapters.stores.opening; sys.exit('obstore' in sys.modules)"
    import covenant

    path = str(Path(covenant.__path__[0]).parent)
    assert 0 == subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=False).returncode
