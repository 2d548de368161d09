"""What an object store's refusals mean, read from what its library raises.

The library has classes for some answers; the rest is a ``GenericError`` whose text holds the HTTP status and the
provider's error code. The text also holds whole addresses, in which Azure puts a signature, so that no more than
status, code and the provider's own message is shown.
"""

from __future__ import annotations

import re

from obstore.exceptions import (
    AlreadyExistsError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from covenant.adapters.stores.os_errors import missing, taken
from covenant.kernel.errors import (
    CovenantError,
    DamageError,
    ObjectArchived,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,80})</Code>|\(code: (\w{1,80})\)")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_METADATA_HOSTS = ("169.254.169.254", "metadata.google.internal", "169.254.170.2")

_NOT_NOW = {408, 425, 429, 500, 502, 503, 504}
_NOT_NOW_CODES = {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "SlowDown"}
_FULL_CODES = {"QuotaExceeded", "InsufficientStorage", "StorageFull", "XMinioStorageFull", "AccountStorageFull"}
_LOCKED_CODES = {"ObjectLockedByBucketPolicy", "BlobImmutableDueToPolicy"}
_ARCHIVED_CODES = {"InvalidObjectState", "BlobArchived"}

_NO_CONDITION = (
    "Try another server, or set the option conditional_put = 'off' if nobody else ever writes to this vault at the "
    "same time."
)


def object_error(error: Exception, name: str, url: str) -> CovenantError:
    """The error of ours that tells of ``error``, met at object ``name`` (``""``: none) of the store ``url``."""
    text = str(error)
    status, code = _status(text), _code(text)
    where = f"'{name}' in {url}" if name else url
    told = _told(text, status, code)
    if code in _FULL_CODES or status == 507:
        return StoreFull(f"no room for {where}: {told}", "Raise the quota or free some space, then run it again.")
    if code in _ARCHIVED_CODES:
        hint = "Restore with '--thaw standard', which has it thawed; '--dry-run' says how long that takes."
        return ObjectArchived(f"{where} lies in an archival class, from which it cannot be read at once", hint)
    if code in _NOT_NOW_CODES or status in _NOT_NOW:
        return StoreUnavailable(f"{where} is not to be had now: {told}", "Try again later.")
    if code == "NoSuchBucket" or code == "ContainerNotFound":
        return StoreError(f"there is no bucket for {url}", "Create it with the provider's own tools first.")
    if status in (401, 403):
        return denied(error, name, url)
    return _by_class(error, name, url) or _by_text(text, status, where, told)


def _by_class(error: Exception, name: str, url: str) -> CovenantError | None:
    match error:
        case FileNotFoundError():
            return missing(name, url)
        case AlreadyExistsError() | PreconditionError():
            return taken(name, url)
        case PermissionDeniedError() | UnauthenticatedError():
            return denied(error, name, url)
        case NotSupportedError():
            return no_condition(url)
    return None


def _by_text(text: str, status: int, where: str, told: str) -> CovenantError:
    if any(host in text for host in _METADATA_HOSTS):
        return StoreDenied(f"no credentials for {where}", "Give them as options of the store, or in the environment.")
    if "certificate" in text.lower():
        return StoreError(
            f"{where} has a certificate that is not trusted", "Name the authority's certificate as option ca_file."
        )
    if status == 416:
        return DamageError(f"{where} ends before the bytes that were asked for")
    if not status and _is_of_network(text):
        return StoreUnavailable(f"{where} does not answer: {told}", "Check the network and the endpoint.")
    return StoreError(f"{where} failed: {told}")


def denied(error: Exception, name: str, url: str) -> StoreDenied:
    """The store does not let us, and why as far as it says."""
    text = str(error)
    code = _code(text)
    where = f"'{name}' in {url}" if name else url
    hint = "Check the credentials and what they may do."
    if code == "RequestTimeTooSkewed":
        hint = "Set this machine's clock: the server refuses requests that are dated wrongly."
    elif code in _LOCKED_CODES:
        hint = "The object is under a term of immutability."
    return StoreDenied(f"not allowed at {where}: {_told(text, _status(text), code)}", hint)


def no_condition(url: str) -> StoreError:
    """The server writes over what exists, however politely it is asked not to."""
    return StoreError(f"{url} cannot create an object without writing over another", _NO_CONDITION)


def _is_of_network(text: str) -> bool:
    return "HTTP error:" in text or "reqwest::Error" in text or "HttpError" in text


def _status(text: str) -> int:
    found = _STATUS.search(text)
    return int(found[1]) if found else 0


def _code(text: str) -> str:
    found = _CODE.search(text)
    return (found[1] or found[2]) if found else ""


def _told(text: str, status: int, code: str) -> str:
    """Status, code and message in a line, without any address."""
    message = _MESSAGE.search(text)
    parts = [str(status) if status else "", code, message[1].strip().rstrip(".").lower() if message else ""]
    said = " ".join(part for part in parts if part)
    if said:
        return said
    network = re.search(r"HTTP error: ([^\n]{1,120})", text)
    return network[1].split(" for url", 1)[0] if network else "no reason given"
