"""Archival classes of an S3 bucket: what lies in one, having it thawed, and the rule by which a bucket fills it.

A pack goes to its archival class by the bucket's own lifecycle, not by us: that costs no request of ours, makes no new
version, and goes on while we do not run. The rule concerns what bears the tag ``covenant=content`` below the vault's
``data/``, which is put on packs that hold content of files and no tree; so the directories, the index, the snapshots
and the keys stay at hand, and a vault can be listed, checked in its structure and added to without thawing anything.

    x-amz-storage-class   of an object; absent for ``STANDARD``
    x-amz-restore         ongoing-request="true", or ongoing-request="false", expiry-date="<RFC 1123>"
    POST ?restore         asks for a copy that can be read for some days
    GET, PUT ?lifecycle   the rules of the bucket, all at once: those of others are put back as they were

(Amazon S3 API reference: ``RestoreObject``, ``HeadObject``, ``PutBucketLifecycleConfiguration``.) ``boto3`` asks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any

from covenant.adapters.stores.boto import answered, client
from covenant.adapters.stores.location import Location, parse_location
from covenant.adapters.stores.naming import checked
from covenant.adapters.stores.objects import CONTENT_TAG, LEAST_APART
from covenant.kernel.durations import parse_interval
from covenant.kernel.errors import ObjectArchived, StoreError, UsageError
from covenant.recover.ports import Lying, Speed
from covenant.vault.names import DATA

ARCHIVAL = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes from which nothing is read before it was thawed. ``GLACIER_IR`` is not one of them."""

_TIERS: dict[Speed, str] = {"expedited": "Expedited", "standard": "Standard", "bulk": "Bulk"}
_EXPIRES = re.compile(r'expiry-date="([^"]+)"')


class S3Archive:
    """The ``Archive`` in a bucket, and its lifecycle rule. Made by ``open``."""

    def __init__(self, location: Location, url: str, options: Mapping[str, str]) -> None:
        self._location = location
        self._url = url
        self._options = options
        self._client = client(location, options, attempts=6)

    @classmethod
    def open(cls, url: str, options: Mapping[str, str]) -> S3Archive:
        """That of the store at ``url``, without asking yet. Raises ``UsageError``."""
        location = parse_location(url)
        if location.kind != "s3":
            raise UsageError(f"the store '{url}' archives nothing that we could have thawed", "Name a bucket on S3.")
        return cls(location, url, options)

    # -- one object -----------------------------------------------------------------------------------------------

    def look(self, name: str) -> Lying:
        """How an object lies now."""
        head = self._ask(self._client.head_object, name, **self._key(name))
        size, kind, said = head["ContentLength"], head.get("StorageClass", "STANDARD"), head.get("Restore", "")
        if kind not in ARCHIVAL and "ArchiveStatus" not in head:
            return Lying(size, kind, "at hand")
        if 'ongoing-request="true"' in said:
            return Lying(size, kind, "thawing")
        expires = _EXPIRES.search(said)
        if 'ongoing-request="false"' in said:
            return Lying(size, kind, "at hand", parsedate_to_datetime(expires[1]) if expires else None)
        return Lying(size, kind, "frozen")

    def thaw(self, name: str, speed: Speed, days: int) -> None:
        """Ask for a copy that can be read for so many days."""
        asked = {"Days": days, "GlacierJobParameters": {"Tier": _TIERS[speed]}}
        try:
            self._ask(self._client.restore_object, name, **self._key(name), RestoreRequest=asked)
        except ObjectArchived:
            return  # it is at hand: the store refuses to thaw what is not frozen
        except StoreError as error:
            if "RestoreAlreadyInProgress" not in error.message:
                raise

    # -- the rule -------------------------------------------------------------------------------------------------

    def promise(self) -> bool:
        """See to it that the bucket archives as the options say; whether it had to be told. Others' rules stay.

        Raises ``StoreError`` where the bucket does not keep what it was told.
        """
        wanted, standing = self._wanted(), self._rules()
        if wanted in standing:
            return False
        others = [rule for rule in standing if rule.get("ID") != wanted["ID"]]
        self._ask(
            self._client.put_bucket_lifecycle_configuration,
            "",
            Bucket=self._location.bucket,
            LifecycleConfiguration={"Rules": [*others, wanted]},
        )
        if wanted not in self._rules():
            raise StoreError(
                f"the bucket of {self._url} was told to archive and does not keep the rule as it was told",
                "Look at the lifecycle rules of the bucket; leave out archive_after where it knows no such classes.",
            )
        return True

    def _wanted(self) -> dict[str, Any]:
        """Our rule: whole days, never fewer than were said."""
        days = math.ceil(parse_interval(self._options["archive_after"]).total_seconds() / 86400)
        prefix = f"{self._location.path}/{DATA}/" if self._location.path else f"{DATA}/"
        key, value = CONTENT_TAG
        return {
            "ID": f"covenant-{sha256(prefix.encode()).hexdigest()[:16]}",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": prefix,
                    "Tags": [{"Key": key, "Value": value}],
                    "ObjectSizeGreaterThan": LEAST_APART - 1,
                }
            },
            "Transitions": [{"Days": days, "StorageClass": self._options.get("archive_class", "GLACIER")}],
        }

    def _rules(self) -> list[dict[str, Any]]:
        try:
            asked = self._client.get_bucket_lifecycle_configuration
            return list(self._ask(asked, "", Bucket=self._location.bucket).get("Rules", ()))
        except StoreError as error:
            if "NoSuchLifecycleConfiguration" in error.message:
                return []
            raise

    def _key(self, name: str) -> dict[str, str]:
        prefix = self._location.path
        return {"Bucket": self._location.bucket, "Key": f"{prefix}/{checked(name)}" if prefix else checked(name)}

    def _ask(self, question: Callable[..., Any], name: str, **about: Any) -> Any:
        return answered(question, name, self._url, **about)
