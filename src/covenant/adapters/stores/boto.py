"""Asking an S3 server what only its administration knows: versions, retention, locks.

``boto3`` is an extra of the installation and slow to load, so it is imported where it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from covenant.adapters.stores.location import Location
from covenant.adapters.stores.object_errors import object_error
from covenant.adapters.stores.os_errors import missing, taken
from covenant.kernel.errors import CovenantError, StoreUnavailable, UsageError

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"}
_NO_LOCK = {"ObjectLockConfigurationNotFoundError", "InvalidBucketState"}


def client(location: Location, options: Mapping[str, str], attempts: int) -> Any:
    """A client for the bucket's server that asks so many times. Raises ``UsageError`` where there is none."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise UsageError(
            "object lock needs boto3, which is not installed", "Install 'memory-covenant[administration]'."
        ) from error
    return boto3.client(
        "s3",
        endpoint_url=location.endpoint or options.get("endpoint"),
        region_name=options.get("region") or options.get("default_region") or "us-east-1",
        aws_access_key_id=options.get("access_key_id"),
        aws_secret_access_key=options.get("secret_access_key"),
        aws_session_token=options.get("session_token"),
        verify=options.get("ca_file"),
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, max_pool_connections=32),
    )


def answered(question: Callable[..., Any], name: str, url: str, **about: Any) -> Any:
    """What the server answers. Raises the errors that a store raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return question(**about)
    except ClientError as error:
        raise _told(error.response, name, url) from error
    except BotoCoreError as error:
        where = f"'{name}' in {url}" if name else url
        raise StoreUnavailable(f"{where} does not answer: {type(error).__name__}", "Check the network.") from error


def _told(response: Mapping[str, Any], name: str, url: str) -> CovenantError:
    said = response.get("Error", {})
    code = str(said.get("Code", ""))
    if code in _MISSING:
        return missing(name, url)
    if code == "PreconditionFailed":
        return taken(name, url)
    if code in _NO_LOCK:
        return UsageError(f"the bucket of {url} has no object lock", "Make a bucket with object lock, and move there.")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    told = f"status code: {status} <Code>{code}</Code><Message>{said.get('Message', '')}</Message>"
    return object_error(Exception(told), name, url)
