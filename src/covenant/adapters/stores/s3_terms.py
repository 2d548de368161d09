"""A bucket with object lock: what is put there is under a term from its first moment, and a delete is honest.

Where a bucket keeps versions, a plain delete only hides an object behind a marker and says that it is done. Here a
delete removes the very versions, so that the store can refuse, and what it refuses stays in sight. ``boto3`` asks for
that; the library that carries the rest of our data cannot.

    config, keys, data, snapshots    put under a term
    index                            not: it is rebuilt from the packs, and a prune must be able to write it anew
    locks                            not: they come and go

Options: ``immutable`` (``object-lock``), ``immutable_mode`` (``compliance``, the default: nobody lifts a term;
``governance``: an administrator may), ``immutable_term`` (``30d``: the term of what is put).

A term is counted on the store's clock, read from its answers: a machine whose clock is wrong neither shortens a term
nor believes that one has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from covenant.adapters.stores.boto import answered, client
from covenant.adapters.stores.location import Location, parse_location
from covenant.adapters.stores.naming import checked
from covenant.adapters.stores.objects import CONTENT_TAG, LEAST_APART, ObjectStore
from covenant.adapters.stores.os_errors import missing
from covenant.kernel.clock import Clock, SystemClock
from covenant.kernel.durations import parse_interval
from covenant.kernel.errors import StoreDenied, UsageError
from covenant.vault.names import CONFIG, DATA, KEYS, LOCKS, SNAPSHOTS
from covenant.vault.ports import Buffer

_MODES = ("compliance", "governance")


class ObjectLockStore(ObjectStore):
    """A ``Store`` whose objects are under terms, and the ``TermStore`` that extends them. Made by ``open``."""

    _clock: Clock
    _mode: str
    _term: timedelta | None
    _location: Location
    _once: Any
    _patient: Any
    _ahead: timedelta | None = None

    @classmethod
    def open(cls, url: str, options: Mapping[str, str], clock: Clock | None = None) -> ObjectLockStore:
        """The store at ``url``, without asking it anything yet. Raises ``UsageError``."""
        store = super().open(url, options)
        assert isinstance(store, cls)
        store._clock = clock or SystemClock()
        store._mode = _mode(options)
        store._term = _term(options)
        store._location = parse_location(url)
        # A put that the library repeats by itself can meet its own first success; whatever else is asked may repeat.
        store._once = client(store._location, options, attempts=1)
        store._patient = client(store._location, options, attempts=6)
        return store

    def put(self, name: str, data: Buffer) -> None:
        if self._term is None or not name.startswith((f"{DATA}/", f"{SNAPSHOTS}/")):
            super().put(name, data)
            if self._term is not None and (name == CONFIG or name.startswith(f"{KEYS}/")):
                self.extend(name, self._now() + self._term)
            return
        self._put_locked(name, data, self._term, {})

    def put_content(self, name: str, data: Buffer) -> None:
        if self._term is None:
            super().put_content(name, data)
            return
        said: dict[str, str] = {}
        if self._apart.storage_class and len(data) >= LEAST_APART:
            said["StorageClass"] = self._apart.storage_class
        if self._apart.tagged and len(data) >= LEAST_APART:
            said["Tagging"] = "=".join(CONTENT_TAG)
        self._put_locked(name, data, self._term, said)

    def _put_locked(self, name: str, data: Buffer, term: timedelta, said: Mapping[str, str]) -> None:
        self._ask(
            self._once.put_object,
            name,
            Body=bytes(data),
            IfNoneMatch="*",
            ObjectLockMode=self._mode,
            ObjectLockRetainUntilDate=_whole_seconds(self._now() + term),
            **said,
        )

    def delete(self, name: str) -> None:
        versions, markers = self._versions(checked(name))
        if not versions or any(marker["IsLatest"] for marker in markers):
            raise missing(name, self.url)
        try:
            # The oldest first: where that one is under a term, nothing has changed when we are told.
            for version in [*reversed(versions), *markers]:
                self._ask(self._patient.delete_object, name, VersionId=version["VersionId"])
        except StoreDenied as refusal:
            if not name.startswith(f"{LOCKS}/"):
                raise self._refused(name, refusal) from refusal
            super().delete(name)  # a bucket with a term for everything: hidden is as good as gone, for a lock

    def term(self, name: str) -> datetime | None:
        """Until when nobody deletes the object; ``None`` where the store's clock says that it may go."""
        head = self._ask(self._patient.head_object, name)
        until: datetime | None = head.get("ObjectLockRetainUntilDate")
        return until if until is not None and until > self._now() else None

    def extend(self, name: str, until: datetime) -> None:
        """Let nobody delete the object until then. A term that lasts longer stays as it is."""
        head = self._ask(self._patient.head_object, name)
        held: datetime | None = head.get("ObjectLockRetainUntilDate")
        if held is not None and held >= until:
            return
        mode = "COMPLIANCE" if head.get("ObjectLockMode") == "COMPLIANCE" else self._mode
        self._ask(
            self._patient.put_object_retention,
            name,
            VersionId=head["VersionId"],
            Retention={"Mode": mode, "RetainUntilDate": _whole_seconds(until)},
        )

    def _refused(self, name: str, refusal: StoreDenied) -> StoreDenied:
        """Why a delete was refused, as far as the store tells: a term and wrong credentials are answered alike."""
        until = self.term(name)
        if until is None:
            return refusal
        return StoreDenied(f"'{name}' in {self.url} is locked until {until:%Y-%m-%d %H:%M:%S}", "It may go after that.")

    def _versions(self, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every version of an object, the newest first, and every marker that hides it."""
        key = self._key(name)
        answer = answered(self._patient.list_object_versions, name, self.url, Bucket=key["Bucket"], Prefix=key["Key"])
        found = (answer.get("Versions", ()), answer.get("DeleteMarkers", ()))
        versions, markers = ([one for one in some if one["Key"] == key["Key"]] for some in found)
        return versions, markers

    def _key(self, name: str) -> dict[str, str]:
        prefix = self._location.path
        return {"Bucket": self._location.bucket, "Key": f"{prefix}/{name}" if prefix else name}

    def _ask(self, question: Callable[..., Any], name: str, **about: Any) -> Any:
        answer = answered(question, name, self.url, **self._key(checked(name)), **about)
        self._learn(answer)
        return answer

    def _now(self) -> datetime:
        """What time it is in the store."""
        if self._ahead is None:
            bucket = self._location.bucket
            self._learn(answered(self._patient.get_object_lock_configuration, "", self.url, Bucket=bucket))
        return self._clock.now() + (self._ahead or timedelta())

    def _learn(self, answer: Mapping[str, Any]) -> None:
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if said:
            self._ahead = parsedate_to_datetime(said).astimezone(UTC) - self._clock.now()


def _whole_seconds(moment: datetime) -> datetime:
    """The next full second: a store drops the rest, and a term must not become shorter by it."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def _mode(options: Mapping[str, str]) -> str:
    mode = options.get("immutable_mode", "compliance")
    if mode not in _MODES:
        raise UsageError(f"option immutable_mode is {mode!r}", "Write 'compliance' or 'governance'.")
    return mode.upper()


def _term(options: Mapping[str, str]) -> timedelta | None:
    text = options.get("immutable_term")
    if not text:
        return None
    try:
        return parse_interval(text)
    except ValueError as error:
        raise UsageError(f"option immutable_term: {error}", "Write a length of time such as '30d'.") from error
