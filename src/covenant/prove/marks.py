"""What was last read when: one file for each region, in forty bytes an object.

    offset  0   "covenant marks 1", 16 bytes
    offset 16   records of 40 bytes, in any order; of several for one object the latest moment counts

    offset  0   id of the object, 32 bytes; of ``config`` all zeros
    offset 32   when it was looked at, Unix seconds, 4 bytes, big-endian
    offset 36   what that came to, 1 byte: 0 first seen, 1 to be thawed first, 2 whole, 3 damaged
    offset 37   the first 3 bytes of the CRC-32 of all before, big-endian

Results are appended while the reading goes on, so that who is killed loses little. Each run first writes the file anew
with what the region holds, and forgets the rest.

An id is the hash of an object's bytes, so a mark never says of one object what was read of another. A file that is lost
or damaged says that nothing was read. Then, too, nobody knows since when: what is not remembered counts as seen at
``floor``, a moment after which everything was read once, if the caller knows of one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from covenant.prove.rolling import Copy, State
from covenant.replicate.holdings import Holdings
from covenant.vault.names import CONFIG, id_of, object_name

_MAGIC = b"covenant marks 1"
_RECORD = 40
_SUMMED = 37


class Mark(NamedTuple):
    """A look at one copy: when, and what it came to."""

    at: int
    state: State


@dataclass(slots=True)
class Marks:
    """The marks of one region, in memory: records by the first byte of their ids, one such slice unpacked at a time."""

    holdings: Holdings
    floor: int
    """When what has no mark counts as first seen."""
    records: dict[int, bytearray] = field(default_factory=dict)

    def copies(self) -> Iterator[Copy]:
        """Every copy that the region holds and that proves itself, and ``config``. Can be asked again and again."""
        known: dict[bytes, Mark] = {}
        of = -1
        for folder, first in sorted(self.holdings.slices(), key=lambda key: (key[1], key[0])):
            if first != of:
                known, of = _unpacked(self.records.get(first, b"")), first
            for object_id, size in self.holdings.unpacked((folder, first)).items():
                mark = known.get(object_id, Mark(self.floor, State.UNREAD))
                yield Copy(object_name(folder, object_id.hex()), size, mark.at, mark.state)
        if CONFIG in self.holdings.others:
            mark = _unpacked(self.records.get(0, b"")).get(_key(CONFIG), Mark(self.floor, State.UNREAD))
            yield Copy(CONFIG, self.holdings.others[CONFIG], mark.at, mark.state)

    def add(self, name: str, mark: Mark) -> None:
        """Take up one more look at an object."""
        key = _key(name)
        self.records.setdefault(key[0], bytearray()).extend(_record(key, mark))


class MarksFile:
    """Where the marks of a region are kept. Several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, holdings: Holdings, now: int, floor: int | None = None) -> Marks:
        """What is known of what a region holds now; what it holds no more is forgotten, what is new is noted.

        ``floor`` counts in the place of ``now`` where nothing is known, where what was known is damaged, and where it
        was noted by a clock that ran ahead.
        """
        unknown = now if floor is None else min(floor, now)
        with self._alone():
            records, sound = self._read()
            marks = Marks(holdings, now if sound else unknown, records)
            fresh = Marks(holdings, marks.floor)
            for copy in marks.copies():
                ahead = copy.at > now
                fresh.add(copy.name, Mark(unknown, State.UNREAD) if ahead else Mark(copy.at, copy.state))
            self._write(fresh.records.values())
        return fresh

    def append(self, looks: Mapping[str, Mark]) -> None:
        """Add looks, durably."""
        if not looks:
            return
        text = b"".join(_record(_key(name), mark) for name, mark in looks.items())
        with self._alone(), self._path.open("ab") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> tuple[dict[int, bytearray], bool]:
        """The records, by first byte, and whether the file is whole. A broken end is what a crash leaves behind."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}, False
        if not text.startswith(_MAGIC):
            return {}, False
        records: dict[int, bytearray] = {}
        for at in range(len(_MAGIC), len(text) - _RECORD + 1, _RECORD):
            record = text[at : at + _RECORD]
            if not _is_sound(record):
                return {}, False
            records.setdefault(record[0], bytearray()).extend(record)
        return records, True

    def _write(self, slices: Iterable[bytearray]) -> None:
        aside = self._path.with_suffix(f".{os.getpid()}")
        with aside.open("wb") as file:
            file.write(_MAGIC)
            for records in slices:
                file.write(records)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _key(name: str) -> bytes:
    return bytes.fromhex(id_of(name)) if name != CONFIG else bytes(32)


def _record(key: bytes, mark: Mark) -> bytes:
    summed = key + mark.at.to_bytes(4) + bytes([mark.state])
    return summed + crc32(summed).to_bytes(4)[:3]


def _is_sound(record: bytes) -> bool:
    return crc32(record[:_SUMMED]).to_bytes(4)[:3] == record[_SUMMED:] and record[_SUMMED - 1] <= State.DAMAGED


def _unpacked(records: bytes | bytearray) -> dict[bytes, Mark]:
    """The last look at each object of one slice."""
    found: dict[bytes, Mark] = {}
    for at in range(0, len(records), _RECORD):
        key = bytes(records[at : at + 32])
        mark = Mark(int.from_bytes(records[at + 32 : at + 36]), State(records[at + 36]))
        if key not in found or mark >= found[key]:
            found[key] = mark
    return found
