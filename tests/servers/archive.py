"""A server of ours that speaks as much of S3 as a vault needs, and really archives: what lies in an archival class is
refused until it was restored, and a lifecycle rule moves what has a tag and an age.

No server at hand does that, so this one was written from the protocol's description: storage classes, tags, lifecycle
rules, ``restore-object`` and what ``head-object`` says of it. Nothing is signed, and time is what the test makes of it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

ARCHIVAL = ("GLACIER", "DEEP_ARCHIVE")
_NS = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(slots=True)
class Stored:
    """One object. ``thaws`` is when a restore that was asked for is done, ``until`` when its copy goes again."""

    data: bytes
    storage_class: str
    tags: str
    at: datetime
    thaws: datetime | None = None
    until: datetime | None = None
    tier: str = ""


@dataclass(slots=True)
class ArchiveServer:
    """A running server with one bucket, ``vaults``."""

    httpd: ThreadingHTTPServer
    now: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    objects: dict[str, Stored] = field(default_factory=dict)
    lifecycle: bytes = b""
    asked: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    thaw_time: timedelta = timedelta(hours=5)
    locked: Callable[[str, datetime, datetime], bool] = lambda key, stored_at, now: False
    """Whether an object may be neither deleted nor written over: its key, when it was stored, and the time now."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.httpd.server_port}"

    def options(self) -> dict[str, str]:
        """The options with which our stores reach this server."""
        keys = {"access_key_id": "anyone", "secret_access_key": "anything"}
        return {"endpoint": self.endpoint, "region": "us-east-1", **keys}

    def pass_on(self, length: timedelta) -> None:
        """Let time pass: lifecycle rules are followed, and restored copies go when their days are over."""
        with self.lock:
            self.now += length
            for rule in self.rules():
                for key, stored in self.objects.items():
                    meant = key.startswith(rule["prefix"]) and rule["tag"] in ("", stored.tags)
                    if meant and self.now - stored.at >= rule["age"] and stored.storage_class not in ARCHIVAL:
                        stored.storage_class = rule["storage_class"]

    def rules(self) -> list[dict[str, Any]]:
        """The lifecycle rules that stand and are enabled."""
        if not self.lifecycle:
            return []
        found = []
        for rule in ElementTree.fromstring(self.lifecycle).findall(f"{{{_NS}}}Rule"):
            said = {element.tag.rpartition("}")[2]: element.text or "" for element in rule.iter()}
            if said["Status"] == "Enabled" and "StorageClass" in said:
                tag = f"{said['Key']}={said['Value']}" if "Key" in said else ""
                age = timedelta(days=int(said["Days"]))
                prefix, kind = said.get("Prefix", ""), said["StorageClass"]
                found.append({"id": said["ID"], "prefix": prefix, "tag": tag, "age": age, "storage_class": kind})
        return found

    def classes(self, folder: str) -> dict[str, str]:
        """The class of each object below a folder."""
        with self.lock:
            return {key: each.storage_class for key, each in self.objects.items() if key.startswith(f"{folder}/")}


class _Asked(BaseHTTPRequestHandler):
    """One request. The server is handed in by a subclass."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: apart, the second waits for an acknowledgement
    disable_nagle_algorithm = True
    archive: ArchiveServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _place(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        key = unquote(parts.path).removeprefix("/vaults").lstrip("/")
        return key, parse_qs(parts.query, keep_blank_values=True)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = _unchunked(body)
        return body

    def do_PUT(self) -> None:
        (key, query), body, archive = self._place(), self._body(), self.archive
        with archive.lock:
            if "lifecycle" in query:
                archive.lifecycle = body
                self._answer(200)
            elif key in archive.objects and self.headers.get("If-None-Match") == "*":
                self._refuse(412, "PreconditionFailed")
            elif self._is_locked(key):
                self._refuse(403, "ObjectLockedByBucketPolicy")
            else:
                kind = self.headers.get("x-amz-storage-class", "STANDARD")
                archive.objects[key] = Stored(body, kind, self.headers.get("x-amz-tagging", ""), archive.now)
                self._answer(200, ETag=_etag(body))

    def do_HEAD(self) -> None:
        self._give(only_said=True)

    def do_GET(self) -> None:
        key, query = self._place()
        if key:
            self._give(only_said=False)
        elif "lifecycle" in query:
            said = self.archive.lifecycle
            self._answer(200, said) if said else self._refuse(404, "NoSuchLifecycleConfiguration")
        else:
            self._list(query.get("prefix", [""])[0], query.get("continuation-token", [""])[0])

    def do_DELETE(self) -> None:
        key, query = self._place()
        with self.archive.lock:
            if self._is_locked(key):
                self._refuse(403, "ObjectLockedByBucketPolicy")
                return
            if "lifecycle" in query:
                self.archive.lifecycle = b""
            self.archive.objects.pop(key, None)
        self._answer(204)

    def _is_locked(self, key: str) -> bool:
        stored = self.archive.objects.get(key)
        return stored is not None and self.archive.locked(key, stored.at, self.archive.now)

    def do_POST(self) -> None:
        (key, query), body, archive = self._place(), self._body(), self.archive
        with archive.lock:
            stored = archive.objects.get(key)
            if "restore" not in query or stored is None:
                self._refuse(404, "NoSuchKey")
            elif stored.storage_class not in ARCHIVAL:
                self._refuse(403, "InvalidObjectState")
            elif stored.thaws is not None and archive.now < stored.thaws:
                self._refuse(409, "RestoreAlreadyInProgress")
            else:
                archive.asked.append(key)
                said = {each.tag.rpartition("}")[2]: each.text or "" for each in ElementTree.fromstring(body).iter()}
                thawed = _thawed(stored, archive.now)
                stored.thaws = archive.now if thawed else archive.now + archive.thaw_time
                stored.until, stored.tier = stored.thaws + timedelta(days=int(said["Days"])), said["Tier"]
                self._answer(200 if thawed else 202)

    def _give(self, *, only_said: bool) -> None:
        key, _ = self._place()
        with self.archive.lock:
            stored, now = self.archive.objects.get(key), self.archive.now
            if stored is None:
                self._refuse(404, "NoSuchKey")
                return
            headers = {"ETag": _etag(stored.data), "Last_Modified": format_datetime(stored.at, usegmt=True)}
            if stored.storage_class != "STANDARD":
                headers["x_amz_storage_class"] = stored.storage_class
            if said := _restore_said(stored, now):
                headers["x_amz_restore"] = said
        if only_said:
            self._answer(200, b"", Content_Length=str(len(stored.data)), **headers)
        elif stored.storage_class in ARCHIVAL and not _thawed(stored, now):
            self._refuse(403, "InvalidObjectState")
        elif found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            start, end = int(found[1]), min(int(found[2]), len(stored.data) - 1)
            part = stored.data[start : end + 1]
            self._answer(206, part, Content_Range=f"bytes {start}-{end}/{len(stored.data)}", **headers)
        else:
            self._answer(200, stored.data, **headers)

    def _list(self, prefix: str, after: str) -> None:
        with self.archive.lock:
            found = sorted(key for key in self.archive.objects if key.startswith(prefix) and key > after)
            rows = "".join(self._row(key) for key in found[:1000])
        more = f"<NextContinuationToken>{escape(found[999])}</NextContinuationToken>" if len(found) > 1000 else ""
        truncated = "true" if more else "false"
        body = (
            f'<ListBucketResult xmlns="{_NS}"><Name>vaults</Name><IsTruncated>{truncated}</IsTruncated>{more}'
            f"<KeyCount>{len(found[:1000])}</KeyCount>{rows}</ListBucketResult>"
        )
        self._answer(200, body.encode())

    def _row(self, key: str) -> str:
        stored = self.archive.objects[key]
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>{stored.at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{escape(_etag(stored.data))}</ETag><Size>{len(stored.data)}</Size>"
            f"<StorageClass>{stored.storage_class}</StorageClass></Contents>"
        )


def _thawed(stored: Stored, now: datetime) -> bool:
    return stored.thaws is not None and stored.until is not None and stored.thaws <= now < stored.until


def _restore_said(stored: Stored, now: datetime) -> str:
    if stored.thaws is None or stored.until is None or now >= stored.until:
        return ""
    if now < stored.thaws:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{format_datetime(stored.until, usegmt=True)}"'


def _etag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def _unchunked(body: bytes) -> bytes:
    """A body that was sent in chunks, each after its length."""
    data = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if not size:
            break
        data, body = data + body[:size], body[size + 2 :]
    return data


@contextmanager
def archiving() -> Iterator[ArchiveServer]:
    """A server that archives, for as long as it is needed."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Asked)
    server = ArchiveServer(httpd)
    httpd.RequestHandlerClass = type("_Bound", (_Asked,), {"archive": server})
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
