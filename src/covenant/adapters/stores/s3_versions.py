"""An intruder in an S3 bucket, who knows of versions, retention and how to bypass it.

Where a bucket keeps versions, a delete only hides the object behind a marker and an overwrite only adds a version.
What counts is the version that was stored first: whether it can be read, and whether it can be destroyed. The library
that carries our data cannot ask for that; ``boto3`` can, and is needed for this alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from covenant.adapters.stores.boto import client
from covenant.adapters.stores.immutability import Intruder, NotTried, PlainIntruder
from covenant.adapters.stores.location import Location, parse_location
from covenant.adapters.stores.objects import ObjectStore
from covenant.kernel.errors import ObjectMissing, StoreDenied, StoreError
from covenant.vault.ports import Store

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"}
_DENIED = {"AccessDenied", "AllAccessDisabled", "ObjectLocked", "403"}


def intruder_for(store: Store, url: str, options: Mapping[str, str]) -> Intruder:
    """Who can try the most on the store at ``url``; an administrator's credentials in ``options`` try more."""
    location = parse_location(url)
    if location.kind != "s3" or not isinstance(store, ObjectStore):
        return PlainIntruder(store)
    try:
        import boto3  # noqa: F401
    except ImportError:
        return _Unequipped(store)
    return VersionIntruder(store, client(location, options, attempts=5), location)


class _Unequipped(PlainIntruder):
    """In an S3 bucket without ``boto3``: nothing here can tell a hidden version from a destroyed one."""

    def overwrite(self, name: str, data: bytes) -> None:
        raise NotTried("the bucket may keep versions: install boto3 to see them")

    def delete(self, name: str) -> None:
        raise NotTried("the bucket may keep versions: install boto3 to see them")


class VersionIntruder:
    """What can be tried on the very version that was stored first."""

    def __init__(self, store: ObjectStore, client: Any, location: Location) -> None:
        self._store = store
        self._client = client
        self._location = location
        self._versions: dict[str, dict[str, str]] = {}

    def arrived(self, name: str) -> None:
        head = self._ask(self._client.head_object, **self._key(name))
        version = head.get("VersionId")
        self._versions[name] = {"VersionId": version} if version else {}

    def overwrite(self, name: str, data: bytes) -> None:
        self._store.overwrite(name, data)

    def delete(self, name: str) -> None:
        self._ask(self._client.delete_object, **self._original(name))

    def bypass(self, name: str) -> None:
        self._ask(self._client.delete_object, **self._original(name), BypassGovernanceRetention=True)

    def original(self, name: str) -> bytes:
        answer = self._ask(self._client.get_object, **self._original(name))
        body: bytes = self._ask(answer["Body"].read)
        return body

    def is_for_good(self, name: str) -> bool:
        try:
            answer = self._ask(self._client.get_object_retention, **self._original(name))
        except StoreError:
            return False
        return bool(answer.get("Retention", {}).get("Mode") == "COMPLIANCE")

    def tidy(self, name: str) -> bool:
        try:
            for version in self._all_versions(name):
                self._ask(self._client.delete_object, **self._key(name), VersionId=version)
            return not self._all_versions(name)
        except StoreError:
            return False

    def _all_versions(self, name: str) -> list[str]:
        key = self._key(name)
        answer = self._ask(self._client.list_object_versions, Bucket=key["Bucket"], Prefix=key["Key"])
        return [found["VersionId"] for found in [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]]

    def _key(self, name: str) -> dict[str, str]:
        prefix = self._location.path
        return {"Bucket": self._location.bucket, "Key": f"{prefix}/{name}" if prefix else name}

    def _original(self, name: str) -> dict[str, str]:
        return self._key(name) | self._versions[name]

    def _ask(self, question: Callable[..., Any], **about: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return question(**about)
        except ClientError as error:
            raise self._told(str(error.response.get("Error", {}).get("Code", ""))) from error
        except BotoCoreError as error:
            raise StoreError(f"{self._store.url} cannot be administered: {type(error).__name__}") from error

    def _told(self, code: str) -> StoreError:
        if code in _MISSING:
            return ObjectMissing(f"no such version in {self._store.url}: {code}")
        if code in _DENIED:
            return StoreDenied(f"{self._store.url} refused: {code}")
        return StoreError(f"{self._store.url} failed: {code or 'no code given'}")
