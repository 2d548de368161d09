"""Snapshots: one moment of one source, and which tree it had.

    {"time", "parent"?, "tree", "paths", "hostname"?, "username"?, "uid"?, "gid"?, "excludes"?, "tags"?,
     "original"?, "program_version"?, "summary"?}

(restic ``doc/design.rst``, "Snapshots"). What Covenant adds it says in tags, which every restic keeps:
``covenant:source=<name>``, ``covenant:kind=full|incremental|differential|archive|log``,
``covenant:position=<position>``, ``covenant:until=<moment>``, ``covenant:file-size=<bytes>``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from covenant.kernel.errors import DamageError
from covenant.vault.gotext import time_nanoseconds, time_text, valid_text

SOURCE_TAG = "covenant:source="
KIND_TAG = "covenant:kind="
POSITION_TAG = "covenant:position="
UNTIL_TAG = "covenant:until="
FILE_SIZE_TAG = "covenant:file-size="
FILE_SIZE = 16 << 20
"""The size of a log's files where a piece says nothing else."""
LOG = "log"
"""The kind of a snapshot that holds a piece of a change log, and not the state of its source."""

_NANO = 1_000_000_000


class Snapshot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One snapshot. ``id`` is the name under which it is stored, and not part of its text."""

    time_: str = msgspec.field(name="time")
    parent: str | None = None
    tree: str
    paths: list[str] | None = msgspec.field(default_factory=list)
    hostname: str = ""
    username: str = ""
    uid: int = 0
    gid: int = 0
    excludes: list[str] | None = None
    tags_: list[str] | None = msgspec.field(default=None, name="tags")
    original: str | None = None
    program_version: str = ""
    summary: dict[str, Any] | None = None
    id: str = ""

    @property
    def time(self) -> datetime:
        """When it was taken, to the microsecond: aware, in the zone in which it was recorded.

        The zone matters: a calendar day of retention is a day where the source lives.
        """
        nanoseconds = time_nanoseconds(self.time_)
        moment = datetime.fromtimestamp(nanoseconds // _NANO, UTC).replace(microsecond=nanoseconds % _NANO // 1000)
        zone = self.time_[-6:]
        if zone[0] not in "+-":
            return moment
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        return moment.astimezone(timezone(shift if zone[0] == "+" else -shift))

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        return tuple(self.tags_ or ())

    @property
    def short_id(self) -> str:
        """The eight digits that people use."""
        return self.id[:8]

    @property
    def source(self) -> str:
        """The source it was taken of, or ``""`` where no source was named."""
        return _tagged(self.tags, SOURCE_TAG)

    @property
    def kind(self) -> str:
        """``full``, ``incremental``, ``differential``, ``archive`` or ``log``; ``""`` for what another program took."""
        return _tagged(self.tags, KIND_TAG)

    @property
    def position(self) -> str:
        """Which state of its source it holds, in the source's own words; ``""`` where the source has none."""
        return _tagged(self.tags, POSITION_TAG)

    @property
    def until(self) -> str:
        """Of a piece of a log: the moment, by its source's own clock, up to which nothing is missing."""
        return _tagged(self.tags, UNTIL_TAG)

    @property
    def file_size(self) -> int:
        """Of a piece of a log: how many bytes each of its files has when it is full."""
        said = _tagged(self.tags, FILE_SIZE_TAG)
        return int(said) if said.isdecimal() and int(said) else FILE_SIZE


def _tagged(tags: tuple[str, ...], prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def snapshot_time(moment: datetime) -> str:
    """A moment as a snapshot records it. A naive one is a mistake of the caller."""
    if moment.tzinfo is None:
        raise ValueError("a snapshot's time must be aware")
    seconds = moment.replace(microsecond=0).timestamp()
    return time_text(int(seconds) * _NANO + moment.microsecond * 1000)


_decoder = msgspec.json.Decoder(Snapshot)


def decode_snapshot(raw: bytes, snapshot_id: str) -> Snapshot:
    """Read a snapshot's JSON. Raises ``DamageError``."""
    try:
        snapshot = _decoder.decode(raw)
        time_nanoseconds(snapshot.time_)
    except msgspec.MsgspecError as error:
        raise DamageError(f"snapshot {snapshot_id[:8]} is not readable: {error}") from error
    snapshot.id = snapshot_id
    return snapshot


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The JSON of a snapshot. A path that is not valid UTF-8 has U+FFFD there, as in restic; its tree has the bytes."""
    content = msgspec.to_builtins(snapshot)
    content.pop("id", None)
    content["paths"] = snapshot.paths and [valid_text(path) for path in snapshot.paths]
    return msgspec.json.encode(content)
