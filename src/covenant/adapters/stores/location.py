"""Where a store is, read from what people write.

    /srv/vault   vault   local:/srv/vault   file:///srv/vault      a folder
    s3://bucket/prefix                                             endpoint and region come as options
    s3:https://host/bucket/prefix   s3:host/bucket/prefix          as restic writes it
    gs://bucket/prefix   gs:bucket:/prefix                         Google Cloud Storage
    az://container/prefix   azure:container:/prefix                Azure Blob Storage
    memory:name                                                    for trying things out

No address holds a secret: one with a user's name or a password in it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from covenant.kernel.errors import UsageError

Kind = Literal["folder", "memory", "s3", "gs", "az"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_OBJECTS: dict[str, Kind] = {"s3": "s3", "gs": "gs", "az": "az", "azure": "az"}
_HINT = "Write a folder's path, or s3:, gs:, az: and where the objects lie; 'local:' goes before a path with a colon."


@dataclass(frozen=True, slots=True)
class Location:
    """A store's place, taken apart.

    ``path`` is the folder, the memory's name, or the prefix in the bucket without outer slashes; ``endpoint`` is
    ``""`` where the provider's own is meant.
    """

    kind: Kind
    path: str
    bucket: str = ""
    endpoint: str = ""


def parse_location(url: str) -> Location:
    """Take an address apart. Raises ``UsageError``."""
    match = _SCHEME.fullmatch(url)
    if match is None:
        return _folder(url, url)
    scheme, rest = match[1].lower(), match[2]
    match scheme:
        case "local":
            return _folder(rest, url)
        case "file":
            return _folder(_file_path(url), url)
        case "memory":
            return Location("memory", rest)
        case "s3":
            return _s3(rest, url)
        case "gs" | "az" | "azure":
            return _bucket(_OBJECTS[scheme], rest, url)
    raise UsageError(f"'{_shown(url)}' is no kind of store that is known here", _HINT)


def _folder(path: str, url: str) -> Location:
    if not path or "\0" in path:
        raise UsageError(f"'{url}' names no folder", _HINT)
    return Location("folder", path)


def _file_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"'{_shown(url)}' is on another machine", "Write file:/// and the path, with three slashes.")
    return unquote(parts.path)


def _s3(rest: str, url: str) -> Location:
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        if not _is_host(host):
            return _placed("s3", "", host, path, url)
        rest = rest[2:]
    scheme, mark, after = rest.partition("://")
    if not mark:
        scheme, after = "https", rest
    if scheme not in ("http", "https"):
        raise UsageError(f"'{_shown(url)}' is reached by neither http nor https", _HINT)
    host, _, path = after.partition("/")
    bucket, _, prefix = path.partition("/")
    endpoint = "" if host == "s3.amazonaws.com" else f"{scheme}://{host}"
    return _placed("s3", endpoint, bucket, prefix, url)


def _is_host(text: str) -> bool:
    """Whether the first part of ``s3://…`` is a server, which restic allows, and not a bucket."""
    return ":" in text or text.endswith(".amazonaws.com")


def _bucket(kind: Kind, rest: str, url: str) -> Location:
    if rest.startswith("//"):
        bucket, _, prefix = rest[2:].partition("/")
    else:
        bucket, _, prefix = rest.partition(":")
    return _placed(kind, "", bucket, prefix, url)


def _placed(kind: Kind, endpoint: str, bucket: str, prefix: str, url: str) -> Location:
    if "@" in endpoint or "@" in bucket:
        raise UsageError(f"'{_shown(url)}' holds credentials", "Give them as options of the store, never in its URL.")
    if not bucket or ":" in bucket or "?" in prefix or "#" in prefix:
        raise UsageError(f"'{_shown(url)}' names no bucket", _HINT)
    return Location(kind, prefix.strip("/"), bucket, endpoint)


def _shown(url: str) -> str:
    """The address without what stands before an ``@``, which may be a secret."""
    return re.sub(r"//[^/@]*@", "//…@", url)
