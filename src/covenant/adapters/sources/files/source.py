"""The files source: some folders and files of this machine, as they are at this moment.

A running system's files are not one moment: what changes or vanishes while it is read becomes a finding.

What the user named is kept, whatever patterns, marks and mount points above it say. A symbolic link on the way to a
named path is followed, as it was when the user named it; one that is named itself, or found below, is kept as a link.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from covenant.adapters.sources.files.excludes import Excludes
from covenant.adapters.sources.files.listing import describe
from covenant.kernel.errors import SourceError
from covenant.kernel.findings import Finding
from covenant.protect.ports import Entry
from covenant.vault.snapshot import Snapshot

Entries: TypeAlias = list[Entry]


@dataclass(frozen=True, slots=True)
class FilesSource:
    """Folders and files, and what of them is left out."""

    name: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    exclude_if_present: tuple[str, ...] = ()
    exclude_caches: bool = False
    one_file_system: bool = False

    @contextlib.contextmanager
    def capture(self, parent: Snapshot | None) -> Iterator[FilesCapture]:
        """Begin a reading. Raises ``SourceError`` where none of the paths exists."""
        del parent  # what changed is decided entry by entry
        roots = tuple(dict.fromkeys(os.path.abspath(path) for path in self.paths))
        present = [root for root in roots if os.path.lexists(root)]
        if not present:
            missing = ", ".join(roots) or "no path"
            raise SourceError(
                f"nothing to read: {missing} does not exist", "Check the paths, and that the disk is mounted."
            )
        yield FilesCapture(self, roots)


class FilesCapture:
    """One reading of a files source."""

    def __init__(self, source: FilesSource, roots: Sequence[str]) -> None:
        self.paths = tuple(roots)
        self.excludes = source.exclude
        self.findings: list[Finding] = []
        self.position = ""
        self._source = source
        self._roots = set(roots)
        self._leading = {above for root in roots for above, _ in _way_up(root)}
        self._above = _above(roots)
        self._excludes = {
            root: Excludes(root, source.exclude, source.exclude_if_present, source.exclude_caches) for root in roots
        }
        self._devices = {root: os.lstat(root).st_dev for root in roots if os.path.lexists(root)}
        for root in roots:
            if root not in self._devices:
                self._find("path-missing", root, "does not exist", "Check the path, and that the disk is mounted.")

    def list(self, directory: str) -> Entries:
        """The entries of a directory; of one above the roots, only those on the way to them."""
        if directory not in self._roots and directory in self._above:
            return self._way(directory)
        root = self._root_of(directory)
        excludes = self._excludes[root]
        try:
            with os.scandir(directory) as scan:
                found = _in_byte_order(scan)
        except OSError as error:
            self._find_unlisted(directory, error)
            return []
        mark = excludes.marked(directory, {entry.name for entry in found}) if self._marks else ""
        patterns, one_file_system = bool(self._source.exclude), self._source.one_file_system
        entries = []
        for item in found:
            excluded = (mark and item.name != mark) or (
                patterns and excludes.leaves_out(item.path, item.is_dir(follow_symlinks=False))
            )
            if excluded and not self._named(item.path):
                continue
            entry = self._described(item.name, item.path, item)
            if entry is None:
                continue
            if one_file_system and not self._stays(root, entry, item):
                entry = entry._replace(kind="mountpoint")
            entries.append(entry)
        return entries

    def ready(self, entry: Entry) -> Entry:
        """Files are readable where they lie."""
        return entry

    @property
    def _marks(self) -> bool:
        return self._source.exclude_caches or bool(self._source.exclude_if_present)

    def _stays(self, root: str, entry: Entry, item: os.DirEntry[str]) -> bool:
        """Whether a directory is still on the root's own file system."""
        if entry.kind != "dir" or self._named(entry.path):
            return True
        return item.stat(follow_symlinks=False).st_dev == self._devices[root]

    def _named(self, path: str) -> bool:
        """Whether the user named this path, or one below it."""
        return path in self._roots or path in self._leading

    def _described(self, name: str, path: str, item: os.DirEntry[str] | None = None) -> Entry | None:
        try:
            if path in self._above:
                status = os.stat(path)
            else:
                status = item.stat(follow_symlinks=False) if item else os.lstat(path)
            return describe(name, path, status)
        except FileNotFoundError:
            self._find("vanished", path, "vanished before it could be read")
        except OSError as error:
            self._find("unreadable", path, error.strerror or str(error), "Give the backup's user access.")
        return None

    def _way(self, directory: str) -> Entries:
        entries = []
        for name in sorted(self._above[directory], key=os.fsencode):
            path = os.path.join(directory, name)
            if path in self._above or path in self._devices:
                entry = self._described(name, path)
                if entry is not None:
                    entries.append(entry)
        return entries

    def _root_of(self, directory: str) -> str:
        path = directory
        while path not in self._roots:
            parent = os.path.dirname(path)
            if parent == path:
                raise SourceError(f"{directory} belongs to no path of the source")
            path = parent
        return path

    def _find_unlisted(self, directory: str, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            self._find("vanished", directory, "vanished before it could be read")
        else:
            message = error.strerror or str(error)
            self._find("directory-unreadable", directory, message, "Give the backup's user access.")

    def _find(self, kind: str, subject: str, message: str, hint: str = "") -> None:
        self.findings.append(Finding(kind, subject, message, hint))


def _in_byte_order(scan: Iterable[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """The entries of a directory, ascending by the bytes of their names.

    Letters of plain ASCII have the order of their bytes; encoding every name takes five times as long.
    """
    found = sorted(scan, key=attrgetter("name"))
    if not "".join([entry.name for entry in found]).isascii():
        found.sort(key=lambda entry: os.fsencode(entry.name))
    return found


def _above(roots: Sequence[str]) -> dict[str, set[str]]:
    """For each directory that is not listed whole, but leads to a root: the names on the way down."""
    above: dict[str, set[str]] = {}
    for root in roots:
        for directory, name in _way_up(root):
            if not any(_reaches(other, directory) for other in roots):
                above.setdefault(directory, set()).add(name)
    return above


def _way_up(path: str) -> Iterator[tuple[str, str]]:
    """Every directory above a path, with the name that leads on from there."""
    while (parent := os.path.dirname(path)) != path:
        yield parent, os.path.basename(path)
        path = parent


def _reaches(root: str, directory: str) -> bool:
    """Whether listing a root comes to this directory, which it does not through a symbolic link."""
    while directory != root:
        parent = os.path.dirname(directory)
        if parent == directory or os.path.islink(directory):
            return False
        directory = parent
    return True
