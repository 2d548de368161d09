"""The SQLite source: one database file, at one moment, whoever is writing to it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from covenant.adapters.sources.files.listing import describe
from covenant.adapters.sources.sqlite.copying import copy_database
from covenant.adapters.sources.sqlite.state import State, parse_position, read_state
from covenant.kernel.errors import SourceError
from covenant.kernel.findings import Finding
from covenant.protect.parent import settled_before, unsettled
from covenant.protect.ports import Entry
from covenant.vault.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """A database file. ``staging`` is where its copy lies while it is read; ``""`` is the system's place."""

    name: str
    path: str
    staging: str = ""

    @contextlib.contextmanager
    def capture(self, parent: Snapshot | None) -> Iterator[SqliteCapture]:
        """Begin a reading. Raises ``SourceError`` where there is no such file."""
        path = os.path.abspath(self.path)
        if not os.path.isfile(path):
            raise SourceError(f"there is no database at {path}", "Check the path of the source.")
        if self.staging:
            os.makedirs(self.staging, mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="covenant-sqlite-", dir=self.staging or None) as folder:
            yield SqliteCapture(path, os.path.join(folder, "copy.db"), parent)


class SqliteCapture:
    """One reading of a database. It is copied when its content is asked for, and not if nothing changed."""

    def __init__(self, path: str, copy: str, parent: Snapshot | None) -> None:
        self.paths = (path,)
        self.excludes: tuple[str, ...] = ()
        self.findings: list[Finding] = []
        self._path = path
        self._file = os.path.realpath(path)  # SQLite keeps its log beside the file itself, not beside a link to it
        self._copy = copy
        self._state = self._seen()  # before the copy: if older than the copy, the next backup copies again
        self._copy_size = _unchanged_size(self._state, parent)

    @property
    def position(self) -> str:
        """What state the snapshot holds, for the next backup to compare."""
        return self._state.position(self._copy_size or 0)

    def list(self, directory: str) -> list[Entry]:
        """The way down to the database, and the database."""
        above = directory if directory.endswith("/") else directory + "/"
        if not self._path.startswith(above):
            return []
        name = self._path[len(above) :].split("/", 1)[0]
        path = above + name
        if path == self._path:
            return [self._entry()]
        return [describe(name, path, os.stat(path))]  # a link on the way is followed, as by who named the path

    def ready(self, entry: Entry) -> Entry:
        """Copy the database, now that its content is needed."""
        if not os.path.exists(self._copy):
            self._state = self._seen()
            copy_database(self._file, self._copy)
            self._copy_size = os.path.getsize(self._copy)
        copied = os.stat(self._copy)
        return self._entry()._replace(path=self._copy, mtime_ns=copied.st_mtime_ns, inode=copied.st_ino)

    def _seen(self) -> State:
        try:
            return read_state(self._file)
        except OSError as error:
            raise SourceError(f"database {self._path} cannot be read: {error.strerror}", "Check the path.") from error

    def _entry(self) -> Entry:
        """The database as a node: the live file's owner and mode, the copy's size, and when it last changed."""
        live = os.stat(self._file)
        state, size = self._state, self._copy_size or 0
        described = describe(
            os.path.basename(self._path), self._file, _as_copied(live, size, state.touched_ns, state.changed_ns)
        )
        return described._replace(path=self._path, link=None)


def _unchanged_size(state: State, parent: Snapshot | None) -> int | None:
    """The size of the parent's copy, if nothing was committed since; ``None`` otherwise."""
    recorded = parse_position(parent.position) if parent else None
    if parent is None or recorded is None or recorded[0] != state:
        return None
    return None if unsettled(state.changed_ns, settled_before(parent)) else recorded[1]


def _as_copied(live: os.stat_result, size: int, mtime_ns: int, ctime_ns: int) -> os.stat_result:
    """``live`` with another size, other times and no other names."""
    fields = list(live)
    fields[3], fields[6] = 1, size
    return os.stat_result(fields, {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns, "st_rdev": 0})
