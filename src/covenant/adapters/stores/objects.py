"""Buckets as stores: S3 and whatever speaks it (R2, …), Google Cloud Storage, Azure Blob Storage.

A put is one request that creates or fails, so an object is whole or not there. A pack of 16 to 20 MiB goes up in one
piece, copied once: memory is bounded by the number of threads that put. There is no retrying in here; that is
``RetryingStore``'s, which also knows what to think of a put whose answer was lost.

Options are those of the provider's configuration in ``obstore`` (``endpoint``, ``region``, ``access_key_id``,
``secret_access_key``, ``session_token``, ``account_name``, ``account_key``, ``service_account``, …) and ours:

    conditional_put   "on" (default) or "off": for a server that cannot create without writing over. Then we look
                      before we put, and two writers at the same moment could write over one another's ``config``
    timeout           seconds for one request, 300 by default: 20 MiB at 0.6 Mbit/s
    ca_file           a PEM file with the authority that signed the server's certificate
    storage_class     the provider's own name of a class ("STANDARD_IA"), for packs that hold content of files alone
    archive_after     the age at which such packs go to the class ``archive_class``, as ``s3_lifecycle`` tells
    immutable         "object-lock": objects are put under terms, as ``s3_terms`` tells;
                      "bucket-lock": the bucket has rules by prefix, as ``r2_rules`` tells

Credentials that are not given are looked for where the provider's own tools look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from covenant.adapters.stores.location import parse_location
from covenant.adapters.stores.naming import checked, folder, is_name
from covenant.adapters.stores.object_connection import Bucket, connect
from covenant.adapters.stores.object_errors import no_condition, object_error
from covenant.adapters.stores.os_errors import taken
from covenant.kernel.errors import DamageError, StoreError, UsageError
from covenant.vault.ports import Buffer, Listed

_LIBRARY_ERRORS = (BaseError, FileNotFoundError)
_LISTED_AT_ONCE = 1000
_PROVING_LIMIT = 64 * 1024
LEAST_APART = 128 << 10
"""Cheaper classes bill every object as if it had at least so many bytes: what is smaller stays in the usual one."""
CONTENT_TAG = ("covenant", "content")
"""By this tag a bucket's lifecycle rule tells content of files from everything that must stay at hand."""


class Apart(NamedTuple):
    """How packs of files' content are put: in which class of storage, and whether with the tag for the lifecycle."""

    storage_class: str = ""
    tagged: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Apart:
        """As the options of a store say."""
        return cls(options.get("storage_class", ""), bool(options.get("archive_after")))

    def headers(self) -> dict[str, Any]:
        """The same in the words of the library."""
        said: dict[str, Any] = {"attributes": {"Storage-Class": self.storage_class}} if self.storage_class else {}
        return {**said, "tags": dict([CONTENT_TAG])} if self.tagged else said


_AS_USUAL = Apart()


class ObjectStore:
    """A ``Store`` in a bucket, below a prefix. Made by ``open``."""

    def __init__(self, bucket: Bucket, url: str, conditional: bool, apart: Apart = _AS_USUAL) -> None:
        self._bucket = bucket
        self._apart = apart
        self._url = url
        self._conditional = conditional
        self._deletes_what_is_missing = isinstance(bucket, S3Store)
        self._proven = not conditional
        self._proving = threading.Lock()

    @classmethod
    def open(cls, url: str, options: Mapping[str, str]) -> ObjectStore:
        """The store at ``url``, without asking it anything yet. Raises ``UsageError``."""
        location = parse_location(url)
        conditional = options.get("conditional_put", "on")
        if conditional not in ("on", "off"):
            raise UsageError("option conditional_put is neither 'on' nor 'off'", "Leave it out unless you need it.")
        return cls(connect(location, options), url, conditional == "on", Apart.of(options))

    @property
    def url(self) -> str:
        return self._url

    def get(self, name: str) -> bytes:
        try:
            return bytes(obstore.get(self._bucket, checked(name)).bytes())
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        if length == 0:
            return self._nothing(name, offset)
        try:
            data = bytes(obstore.get_range(self._bucket, checked(name), start=offset, length=length))
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error
        if len(data) != length:
            raise DamageError(f"'{name}' in {self.url} ends before byte {offset + length}")
        return data

    def size(self, name: str) -> int:
        try:
            return obstore.head(self._bucket, checked(name))["size"]
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error

    def stored_at(self, name: str) -> datetime:
        """When the object was stored, by the server's clock. Raises ``ObjectMissing``."""
        try:
            return obstore.head(self._bucket, checked(name))["last_modified"]
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error

    def list(self, prefix: str) -> Iterator[Listed]:
        return self._listed(folder(prefix))

    def put(self, name: str, data: Buffer) -> None:
        self._put(name, data, {})

    def put_content(self, name: str, data: Buffer) -> None:
        self._put(name, data, self._apart.headers() if len(data) >= LEAST_APART else {})

    def _put(self, name: str, data: Buffer, headers: dict[str, Any]) -> None:
        checked(name)
        if not self._conditional:
            self._put_after_a_look(name, data, headers)
            return
        self._create(name, data, headers)
        if not self._proven and len(data) <= _PROVING_LIMIT:
            self._prove(name, data)

    def overwrite(self, name: str, data: Buffer) -> None:
        """Put over whatever is there. No port has this: it is for measuring immutability, and nothing else."""
        self._overwrite(name, data, {})

    def _overwrite(self, name: str, data: Buffer, headers: dict[str, Any]) -> None:
        try:
            obstore.put(self._bucket, checked(name), data, mode="overwrite", use_multipart=False, **headers)
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error

    def delete(self, name: str) -> None:
        if self._deletes_what_is_missing:
            self.size(name)
        try:
            obstore.delete(self._bucket, checked(name))
        except _LIBRARY_ERRORS as error:
            raise object_error(error, name, self.url) from error

    def _create(self, name: str, data: Buffer, headers: dict[str, Any]) -> None:
        try:
            obstore.put(self._bucket, name, data, mode="create", use_multipart=False, **headers)
        except AlreadyExistsError as error:
            self._proven = True
            raise object_error(error, name, self.url) from error
        except _LIBRARY_ERRORS as error:
            if "501 Not Implemented" in str(error) and "tags" in headers:
                raise StoreError(
                    f"{self.url} takes no tags", "Leave out archive_after: it archives by a tag."
                ) from error
            if "501 Not Implemented" in str(error):
                raise no_condition(self.url) from error
            raise object_error(error, name, self.url) from error

    def _prove(self, name: str, data: Buffer) -> None:
        """Create a first, small object a second time, which must fail; some servers ignore the condition in silence.

        Where it does not fail nothing is lost: the object is written over with its own bytes.
        """
        with self._proving:
            if self._proven:
                return
            try:
                obstore.put(self._bucket, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                self._proven = True
                return
            except _LIBRARY_ERRORS:
                return  # the object is stored; the next put asks again
            raise no_condition(self.url)

    def _put_after_a_look(self, name: str, data: Buffer, headers: dict[str, Any]) -> None:
        try:
            obstore.head(self._bucket, name)
        except FileNotFoundError:
            self._overwrite(name, data, headers)
        except BaseError as error:
            raise object_error(error, name, self.url) from error
        else:
            raise taken(name, self.url)

    def _nothing(self, name: str, offset: int) -> bytes:
        if self.size(name) < offset:
            raise DamageError(f"'{name}' in {self.url} ends before byte {offset}")
        return b""

    def _listed(self, below: str) -> Iterator[Listed]:
        try:
            for some in obstore.list(self._bucket, below or None, chunk_size=_LISTED_AT_ONCE):
                for found in some:
                    if is_name(found["path"]):
                        yield Listed(found["path"], found["size"])
        except FileNotFoundError as error:
            raise object_error(error, "", self.url) from error
        except BaseError as error:
            raise object_error(error, below, self.url) from error
