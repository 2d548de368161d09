"""A base backup as it arrives: every file of every archive where the snapshot has it, and proof that all is there.

    /<source>/data/…                 the data directory, with the log that makes it consistent, and the manifest
    /<source>/tablespaces/<oid>/…    what ``data/pg_tblspc/<oid>`` leads to
    /<source>/backup.json            what it is of: server, timeline, stretch of the log, places of the tablespaces

The links of tablespaces are relative, so that the whole can be restored to any place, by any program, and started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from covenant.adapters.sources.postgres import blocks
from covenant.adapters.sources.postgres.archives import MANIFEST, Messages
from covenant.adapters.sources.postgres.lsn import segment_name
from covenant.adapters.sources.postgres.manifest import NAME, Manifest, Seen
from covenant.adapters.sources.postgres.tar import Member, members
from covenant.adapters.sources.postgres.wal import Segment
from covenant.kernel.errors import DamageError
from covenant.kernel.spans import Span
from covenant.protect.arriving import Arrival, Piece
from covenant.protect.before import Before
from covenant.vault.ports import Buffer
from covenant.vault.tree import owner_text

_LABEL = "backup_label"
_LOG = re.compile("pg_wal/([0-9A-F]{24})")
_NANO = 1_000_000_000
_HINT = "Nothing was kept of it as a snapshot. Run the backup again."


class Receiving:
    """The archives of one base backup. ``before`` is the parent whose blocks it builds on, if it does.

    ``block`` is the size of the server's blocks, ``piece`` that of the pieces that new files are cut into.
    """

    def __init__(self, top: str, messages: Messages, before: Before | None, block: int, piece: int) -> None:
        self._top = top
        self._messages = messages
        self._before = before
        self._block = block
        self._piece = piece
        self._arrived: dict[str, Seen] = {}
        self._whole: dict[str, tuple[str, Seen]] = {}
        self._log: set[str] = set()
        self._with_tablespaces = False
        self._owner = owner_text(0, 0, "", "")
        self._old = Manifest.parse(before.read(f"{top}/data/{NAME}")).files if before else {}
        self._manifest: Manifest | None = None
        self.block_bytes = 0
        """How much of what arrived were changed blocks."""

    def arrivals(self) -> Iterator[Arrival]:
        """Every entry but those of ``closing``. Raises ``DamageError`` where it is not what the server sent."""
        for archive, data in self._messages.archives():
            if archive == MANIFEST:
                self._manifest = Manifest.parse(b"".join(bytes(piece) for piece in data))
                continue
            oid = archive.removesuffix(".tar") if archive != "base.tar" else ""
            for member in members(data):
                yield self._arrival(oid, member)
            if oid:
                yield self._folder(f"{self._top}/tablespaces/{oid}")
            self._with_tablespaces |= bool(oid)
        yield from map(self._folder, (f"{self._top}/data", self._top))
        if self._with_tablespaces:
            yield self._folder(f"{self._top}/tablespaces")
        if self._manifest is None:
            raise DamageError("the server sent no manifest of its backup", _HINT)
        wrong = list(self._manifest.differences(self._arrived))
        if wrong:
            raise DamageError(f"what arrived is not what the server sent: {wrong[0]}, and {len(wrong) - 1} more", _HINT)

    def log(self, segment: Segment, content: Iterator[Buffer], moment_ns: int) -> Arrival:
        """A file of the log that came beside the archives."""
        self._log.add(segment.name)
        path = f"{self._top}/data/pg_wal/{segment.name}"
        return Arrival(path, "file", 0o600, moment_ns, self._owner, segment.size, content)

    def closing(self, position: Span, segment: int, said: Mapping[str, Any]) -> Iterator[Arrival]:
        """The manifest and ``backup.json``, once the server has said where the backup is consistent.

        Raises ``DamageError`` where a piece of the log that it needs is missing.
        """
        assert self._manifest is not None
        for lsn in range(position.begin // segment * segment, position.end, segment):
            if (name := segment_name(position.timeline, lsn, segment)) not in self._log:
                raise DamageError(f"the server did not send the log of its backup: {name} is missing", _HINT)
        document = json.dumps(said, indent=2).encode() + b"\n"
        yield self._written(f"{self._top}/data/{NAME}", self._manifest.as_whole(self._whole))
        yield self._written(f"{self._top}/backup.json", document)

    def _arrival(self, oid: str, member: Member) -> Arrival:
        self._owner = owner_text(member.uid, member.gid, member.user, member.group)
        folder = f"{self._top}/tablespaces/{oid}" if oid else f"{self._top}/data"
        named = f"pg_tblspc/{oid}/{member.name}" if oid else member.name
        inside = member.name.removeprefix("./").rstrip("/")
        if not {"", ".", ".."}.isdisjoint(inside.split("/")):
            raise DamageError(f"the server sent a file of an impossible name: '{member.name}'", _HINT)
        path = f"{folder}/{inside}"
        arrival = Arrival(path, member.kind, member.mode, member.mtime * _NANO, self._owner)
        if member.kind == "symlink":
            return arrival._replace(mode=0o777, target=f"../../tablespaces/{path.rpartition('/')[2]}")
        if member.kind == "dir":
            return arrival
        log = _LOG.fullmatch(named)
        if log:  # which the manifest does not name: it tells the stretch
            self._log.add(log[1])
            return arrival._replace(size=member.size, pieces=member.content)
        content = self._hashed(named, member)
        name = path.rpartition("/")[2]
        if self._before and name.startswith(blocks.PREFIX):
            return self._from_blocks(arrival, named, blocks.Gathered(content), self._before)
        if self._before and named == _LABEL:
            return self._label(arrival, b"".join(bytes(piece) for piece in content))
        return arrival._replace(size=member.size, pieces=content)

    def _hashed(self, named: str, member: Member) -> Iterator[Buffer]:
        """The content, hashed as it passes."""
        digest = sha256()
        for piece in member.content:
            digest.update(piece)
            yield piece
        self._arrived[named] = Seen(member.size, digest.hexdigest())

    def _from_blocks(self, arrival: Arrival, named: str, content: blocks.Gathered, before: Before) -> Arrival:
        """A file of which only the changed blocks came."""
        path, whole = (text.replace(blocks.PREFIX, "") for text in (arrival.path, named))
        held = before.file(path)
        if held is None:
            raise DamageError(f"the parent has no file {path} whose blocks came", "Make a full backup.")
        changed = blocks.read_head(content, self._block)
        size = changed.length * self._block
        same = not changed.numbers and size == held.size
        self._whole[named] = (whole, Seen(size, self._old[whole].checksum if same and whole in self._old else ""))
        self.block_bytes += len(changed.numbers) * self._block
        sizes = [] if same else before.sizes(held)
        pieces = blocks.put_together(changed, content, held, sizes, self._block, self._piece)
        return arrival._replace(path=path, size=size, pieces=_to_the_end(pieces, content))

    def _label(self, arrival: Arrival, text: bytes) -> Arrival:
        """The label of an incremental backup, as that of a whole one: else no server would start from it."""
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith(b"INCREMENTAL FROM")]
        label = b"".join(lines)
        self._whole[_LABEL] = (_LABEL, Seen(len(label), sha256(label).hexdigest()))
        return arrival._replace(size=len(label), pieces=iter([label]))

    def _folder(self, path: str) -> Arrival:
        return Arrival(path, "dir", 0o700, 0, self._owner)

    def _written(self, path: str, content: bytes) -> Arrival:
        return Arrival(path, "file", 0o600, 0, self._owner, len(content), iter([content]))


def _to_the_end(pieces: Iterator[Piece], content: blocks.Gathered) -> Iterator[Piece]:
    """The pieces, and then what is left of the content, so that its hash is that of the whole."""
    yield from pieces
    if content.rest or any(len(piece) for piece in content.content):
        raise DamageError("an incremental file of the server has more blocks than it says", "Make a full backup.")
