"""Writing small files: a few hundred in one call, in a thread or in a process of its own.

What costs is not the bytes but every step that is done once per file, so a batch reads its blobs in a few ranges,
and then each file is opened, written, given its attributes by descriptor, and closed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.recover import files
from covenant.recover.attributes import Attributes, Setter
from covenant.recover.folders import Folders
from covenant.recover.shortfalls import Shortfalls
from covenant.recover.troubles import raise_if_fatal, told
from covenant.vault.bulk import read_each
from covenant.vault.ranges import by_place
from covenant.vault.segment import Location
from covenant.vault.vault import Vault


class Blob(NamedTuple):
    """One piece of a file, and where it lies."""

    id: bytes
    place: Location


class SmallFile(msgspec.Struct, array_like=True, gc=False):
    """A file to be written. ``folder`` is a number in its batch's list."""

    folder: int
    name: bytes
    attributes: Attributes
    blobs: list[Blob]

    @property
    def size(self) -> int:
        """The sum of its blobs, which is the truth; what its node claims is not asked."""
        return sum([blob.place.size for blob in self.blobs])


class Batch(msgspec.Struct, array_like=True):
    """Small files, their folders (path, and whether it was made just now), and how to write."""

    folders: list[tuple[bytes, bool]]
    files: list[SmallFile]
    verify: bool
    sparse: bool


@dataclass(slots=True)
class Report:
    """What a batch came to. Files that are in neither ``kept`` nor ``replaced`` nor ``problems`` were created.

    A problem is (kind, message): ``"damaged"`` may be helped by another copy of the blob, ``"failed"`` may not.
    """

    kept: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    problems: dict[int, tuple[str, str]] = field(default_factory=dict)
    shortfalls: Shortfalls = field(default_factory=Shortfalls)


class Pieces(NamedTuple):
    """The blobs of a batch by their ids, and what is the matter with those that cannot be had."""

    plain: dict[bytes, bytes]
    damaged: dict[bytes, str]


class SmallWriter:
    """Writes batches below one target; belongs to one thread."""

    def __init__(self, vault: Vault, root: int, target: str) -> None:
        self._vault = vault
        self._folders = Folders(root)
        self._target = target
        self._grouped: tuple[bytes | None, int] = None, -1

    def write(self, batch: Batch) -> Report:
        """Write every file that can be written. Raises ``TargetError`` where no further one could."""
        report, setter = Report(), Setter()
        pending: list[int] = []
        for number, file in enumerate(batch.files):
            try:
                if not batch.folders[file.folder][1] and self._complete(batch, file, setter):
                    report.kept.append(number)
                    continue
            except (OSError, DamageError) as error:
                self._note(report, number, error)
                continue
            pending.append(number)
        pieces = self._read([batch.files[number] for number in pending])
        for number in pending:
            self._write_one(batch, number, pieces, report, setter)
        report.shortfalls = setter.shortfalls
        return report

    def close(self) -> None:
        """Give back the descriptors."""
        self._folders.close()

    def _complete(self, batch: Batch, file: SmallFile, setter: Setter) -> bool:
        """Whether the target has the file already, as it should be."""
        path = batch.folders[file.folder][0]
        return keeps_complete(
            self._folders.open(path), path, file.name, file.attributes, file.blobs, setter, verify=batch.verify
        )

    def _read(self, wanted: list[SmallFile]) -> Pieces:
        places = {blob.id: blob.place for file in wanted for blob in file.blobs}
        plain: dict[bytes, bytes] = {}
        damaged: dict[bytes, str] = {}
        for read in read_each(self._vault, sorted(places.items(), key=by_place)):
            if read.plain is not None:
                plain[read.id] = read.plain
            elif isinstance(read.error, DamageError | ObjectMissing):
                damaged[read.id] = str(read.error)
            elif read.error is not None:
                raise read.error
        return Pieces(plain, damaged)

    def _write_one(self, batch: Batch, number: int, pieces: Pieces, report: Report, setter: Setter) -> None:
        file = batch.files[number]
        path = batch.folders[file.folder][0]
        plain = pieces.plain
        try:
            data = [plain[blob.id] for blob in file.blobs]
        except KeyError as missing:
            report.problems[number] = "damaged", pieces.damaged[missing.args[0]]
            return
        try:
            if self._place(path, file, data, setter, batch):
                report.replaced.append(number)
        except (OSError, DamageError, ValueError, OverflowError) as error:
            self._note(report, number, error)

    def _place(self, path: bytes, file: SmallFile, data: list[bytes], setter: Setter, batch: Batch) -> bool:
        """Write one file; returns whether it took another's place."""
        folder = self._folders.open(path)
        unfinished = files.begin(folder, file.name)
        try:
            if len(data) == 1 and len(data[0]) < files.HOLE:
                files.write_at(unfinished.descriptor, data[0], 0, sparse=False)
            else:
                files.write_all(unfinished.descriptor, data, sparse=batch.sparse)
            group = self._group(path, folder)
            setter.on_descriptor(unfinished.descriptor, file.attributes, path + b"/" + file.name, group=group)
            unfinished.finish(folder)
            if batch.verify:
                read_back(folder, file.name, file.blobs)
        except BaseException:
            unfinished.abandon(folder)
            raise
        return bool(unfinished.beside)

    def _group(self, path: bytes, folder: int) -> int:
        """The group that new files get here for certain, or -1: a directory may hand on its own."""
        if path != self._grouped[0]:
            gid = os.fstat(folder).st_gid
            self._grouped = path, gid if gid == os.getegid() else -1
        return self._grouped[1]

    def _note(self, report: Report, number: int, error: Exception) -> None:
        if isinstance(error, OSError):
            raise_if_fatal(error, self._target)
        report.problems[number] = "failed", told(error)


def keeps_complete(
    folder: int, path: bytes, name: bytes, attributes: Attributes, blobs: list[Blob], setter: Setter, *, verify: bool
) -> bool:
    """Whether a file is there with the right size and time (and content, if ``verify``); its mode is then set right.

    Raises ``OSError``, ``DamageError``.
    """
    found = files.found_file(folder, name)
    if found is None or found.st_mtime_ns != attributes.mtime_ns:
        return False
    lengths = [(blob.id, blob.place.size) for blob in blobs]
    if found.st_size != sum([length for _, length in lengths]):
        return False
    try:
        descriptor = files.open_existing(folder, name)
    except PermissionError:
        return not verify
    try:
        if verify and not files.holds(descriptor, lengths):
            return False
        setter.repair(descriptor, attributes, found, path + b"/" + name)
    finally:
        os.close(descriptor)
    return True


def read_back(folder: int, name: bytes, blobs: list[Blob]) -> None:
    """Read a file that was just written. Raises ``DamageError`` unless it is what was to be written."""
    descriptor = files.open_existing(folder, name)
    try:
        if not files.holds(descriptor, [(blob.id, blob.place.size) for blob in blobs]):
            raise DamageError("what was read back is not what was written")
    finally:
        os.close(descriptor)
