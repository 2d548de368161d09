"""The server's manifest of a base backup: every file with its size and SHA-256, and the log that belongs to it.

    { "PostgreSQL-Backup-Manifest-Version": 2, "System-Identifier": N,
    "Files": [ { "Path": …, "Size": N, "Last-Modified": …, "Checksum-Algorithm": "SHA256", "Checksum": … }, … ],
    "WAL-Ranges": [ { "Timeline": N, "Start-LSN": …, "End-LSN": … } ],
    "Manifest-Checksum": SHA-256 of everything before this line }

A path that is no UTF-8 stands as ``Encoded-Path``, in hexadecimal. Of a file that was put together from blocks nobody
has read the whole, so it stands without a checksum, which the format allows.
(PostgreSQL manual, "Backup Manifest Format")
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Self

from covenant.kernel.errors import DamageError

NAME = "backup_manifest"
_HINT = "Run the backup again."


class Seen(NamedTuple):
    """What arrived of a file: its size and SHA-256, in hexadecimal; ``""`` where nobody has read the whole."""

    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that is what its server wrote."""

    document: Mapping[str, Any]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read one. Raises ``DamageError`` where its own checksum does not hold."""
        body = text[: text.rfind(b'"Manifest-Checksum"')]
        try:
            document = json.loads(text)
            checksum, files = document["Manifest-Checksum"], document["Files"]
        except (ValueError, KeyError, TypeError) as error:
            raise DamageError("the server's manifest cannot be read", _HINT) from error
        if checksum != sha256(body).hexdigest() or not isinstance(files, list):
            raise DamageError("the server's manifest is not what the server wrote", _HINT)
        return cls(document)

    @property
    def files(self) -> dict[str, Seen]:
        """Every file that it names."""
        return {_path(entry): Seen(entry["Size"], entry.get("Checksum", "")) for entry in self.document["Files"]}

    def differences(self, arrived: Mapping[str, Seen]) -> Iterator[str]:
        """What arrived otherwise than it names it, or not at all; and what it does not name."""
        named = self.files
        for path, seen in named.items():
            if path not in arrived:
                yield f"{path} did not arrive"
            elif arrived[path] != seen:
                yield f"{path} did not arrive as it was sent"
        yield from (f"{path} was not sent" for path in arrived.keys() - named.keys())

    def as_whole(self, changed: Mapping[str, tuple[str, Seen]]) -> bytes:
        """The manifest of the backup that came of an incremental one.

        ``changed`` is, for each path that differs, under which path the file lies there, and what it is.
        """
        files = []
        for entry in self.document["Files"]:
            path = _path(entry)
            renamed, seen = changed.get(path, (path, Seen(entry["Size"], entry.get("Checksum", ""))))
            files.append(_line(renamed, seen, entry["Last-Modified"]))
        head = {key: value for key, value in self.document.items() if key not in ("Files", "Manifest-Checksum")}
        ranges = json.dumps(head.pop("WAL-Ranges"))
        begin = json.dumps(head)[:-1]
        text = f'{begin},\n"Files": [\n' + ",\n".join(files) + f'\n],\n"WAL-Ranges": {ranges},\n'
        return f'{text}"Manifest-Checksum": "{sha256(text.encode()).hexdigest()}"}}\n'.encode()


def _path(entry: Mapping[str, Any]) -> str:
    if "Encoded-Path" in entry:
        return os.fsdecode(bytes.fromhex(entry["Encoded-Path"]))
    return str(entry["Path"])


def _line(path: str, seen: Seen, modified: str) -> str:
    try:
        path.encode()
        named = {"Path": path}
    except UnicodeEncodeError:
        named = {"Encoded-Path": os.fsencode(path).hex()}
    proof = {"Checksum-Algorithm": "SHA256", "Checksum": seen.checksum} if seen.checksum else {}
    return json.dumps({**named, "Size": seen.size, "Last-Modified": modified, **proof}, ensure_ascii=False)
