"""How a bucket is reached: the provider's library, set up from an address and the options of the store.

The options are listed in ``objects``. Retries of the library are off: a put that it repeats by itself can meet its own
first success, and only ``RetryingStore`` knows how to tell.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import AzureStore, GCSStore, S3Store

from covenant.adapters.stores.location import Location
from covenant.adapters.stores.object_errors import object_error
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig

Bucket: TypeAlias = S3Store | GCSStore | AzureStore

_OURS = ("conditional_put", "timeout", "ca_file", "endpoint", "immutable", "immutable_mode", "immutable_term")
_OF_CLASSES = ("storage_class", "archive_after", "archive_class")
_ONCE: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=1), "backoff": {}}


def connect(location: Location, options: Mapping[str, str]) -> Bucket:
    """The bucket at ``location``, without asking it anything yet. Raises ``UsageError``."""
    endpoint = location.endpoint or options.get("endpoint", "")
    config: Any = {key: value for key, value in options.items() if key not in (*_OURS, *_OF_CLASSES)}
    rest: Any = {
        "prefix": location.path or None,
        "config": config,
        "client_options": _client(endpoint, options),
        "retry_config": _ONCE,
    }
    if endpoint:
        config["base_url" if location.kind == "gs" else "endpoint"] = endpoint
    try:
        return _bucket(location, config, rest)
    except UnknownConfigurationKeyError as error:
        raise UsageError(_unknown_option(str(error)), "See the list of options in the reference.") from error
    except BaseError as error:
        raise object_error(error, "", location.bucket) from error


def _bucket(location: Location, config: dict[str, Any], rest: Any) -> Bucket:
    match location.kind:
        case "s3":
            config["disable_bulk_delete"] = True  # not every server has it, and its refusals say less
            return S3Store(location.bucket, **rest)
        case "gs":
            return GCSStore(location.bucket, **rest)
        case "az":
            return AzureStore(location.bucket, **rest)
    raise UsageError("that address is not of an object store", "Write s3:, gs: or az: and where the objects lie.")


def _unknown_option(text: str) -> str:
    _, _, rest = text.partition("'")
    return f"there is no option '{rest.partition(chr(39))[0]}' of this store"


def _client(endpoint: str, options: Mapping[str, str]) -> ClientConfig:
    client: ClientConfig = {
        "timeout": timedelta(seconds=_seconds(options.get("timeout", "300"))),
        "connect_timeout": timedelta(seconds=10),
        "allow_http": _may_be_plain(endpoint),
    }
    if "ca_file" in options:
        client["root_certificate"] = _certificate(options["ca_file"])
    return client


def _may_be_plain(endpoint: str) -> bool:
    """Whether plain HTTP is fine: on loopback alone. Raises ``UsageError`` for any other plain endpoint."""
    parts = urlsplit(endpoint)
    if "@" in parts.netloc:
        raise UsageError("the endpoint holds credentials", "Give them as options of the store, never in a URL.")
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise UsageError(f"{endpoint} is not encrypted", "Write https://; plain http is for this machine alone.")
    return True


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"option timeout is not a number of seconds: {text!r}", "Write a number such as 300.")
    return seconds


def _certificate(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"option ca_file cannot be read: {path}", "Name a PEM file.") from error
