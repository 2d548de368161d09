"""What a base backup says of itself, which a recovery needs before anything is restored.

A base backup's folder holds ``data``, ``tablespaces/<oid>`` and ``backup.json``, which names the server's version and
where its tablespaces lay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from covenant.kernel.errors import DamageError, UsageError
from covenant.recover.listing import resolve
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_blob
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class About:
    """What a base backup says of itself. ``tablespaces`` are their places on the server, by number."""

    version: int
    segment_size: int
    tablespaces: dict[str, str] = field(default_factory=dict)

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.version // 10000


class _Document(msgspec.Struct):
    server_version: int
    segment_size: int = 16 << 20
    tablespaces: dict[str, str] = msgspec.field(default_factory=dict)


def about(vault: Vault, snapshot: Snapshot) -> About:
    """What a base backup says of itself. Raises ``UsageError`` for another snapshot, ``DamageError``."""
    try:
        node = resolve(vault, snapshot, f"{top_of(snapshot)}/backup.json")[-1][1]
    except UsageError as error:
        raise UsageError(f"snapshot {snapshot.short_id} is no base backup of PostgreSQL", "Choose another.") from error
    text = b"".join(read_blob(vault, bytes.fromhex(blob), BlobType.DATA) for blob in node.content or ())
    try:
        said = msgspec.json.decode(text, type=_Document)
    except msgspec.MsgspecError as error:
        raise DamageError(f"backup.json of snapshot {snapshot.short_id} cannot be read: {error}") from error
    return About(said.server_version, said.segment_size, said.tablespaces)


def top_of(snapshot: Snapshot) -> str:
    """The folder in the snapshot that holds everything of it."""
    return (snapshot.paths or ["/"])[0].rstrip("/")
