"""Writing one large file by several threads: each takes a few megabytes, wherever they belong in the file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.recover import files
from covenant.recover.attributes import Attributes, Setter
from covenant.recover.small import Blob, keeps_complete, read_back
from covenant.vault.bulk import Read, read_range, whole
from covenant.vault.pack import BlobType
from covenant.vault.ranges import Range, ranges
from covenant.vault.segment import Location
from covenant.vault.vault import Vault


class Piece(NamedTuple):
    """A range of a pack, and the blobs in it with their offsets in the file."""

    where: Range
    blobs: list[tuple[tuple[bytes, int], Location]]


class LargeFile:
    """A file on its way into the target. ``problem`` is why it will not get there, or ``""``."""

    def __init__(
        self, vault: Vault, path: bytes, name: bytes, attributes: Attributes, content: Sequence[str], sparse: bool
    ) -> None:
        self.path = path
        self.name = name
        self.attributes = attributes
        self.problem = ""
        self.size = 0
        self.missing_pieces = 1  # the listing of its pieces is one, until it has ended
        self._vault = vault
        self._content = content
        self._sparse = sparse
        self._folder = -1
        self._unfinished: files.Unfinished | None = None

    def stands(self, folder: int, setter: Setter) -> bool:
        """Whether it is there already, by size and time. Raises ``OSError``, ``DamageError``, ``ObjectMissing``."""
        blobs = self.blobs()
        self.size = sum([blob.place.size for blob in blobs])
        return keeps_complete(folder, self.path, self.name, self.attributes, blobs, setter, verify=False)

    def begin(self, folder: int) -> None:
        """Make the file. Raises ``OSError``."""
        self._unfinished = files.begin(folder, self.name)
        self._folder = os.dup(folder)

    def pieces(self) -> Iterator[Piece]:
        """What to read, from the front to the back; ends early when the file has a problem."""
        try:
            for where, blobs in ranges(self._places(), gap=0):
                self.missing_pieces += 1
                yield Piece(where, blobs)
                if self.problem:
                    return
        except (ObjectMissing, ValueError) as error:
            self.problem = str(error)

    def write(self, piece: Piece) -> int:
        """Read, prove and write one piece, in any thread; returns its bytes. Raises ``OSError`` of the target."""
        if self.problem or self._unfinished is None:
            return 0
        written = 0
        reads = read_range(self._vault, piece.where, [(blob_id, place) for (blob_id, _), place in piece.blobs])
        try:
            for ((_, at), _), read in zip(piece.blobs, reads, strict=True):
                plain = self._whole(read)
                files.write_at(self._unfinished.descriptor, plain, at, sparse=self._sparse)
                written += len(plain)
        except (DamageError, ObjectMissing) as error:
            self.problem = str(error)
        return written

    def finish(self, setter: Setter) -> bool:
        """Put the file in its place, complete; returns whether it took another's. Raises ``OSError``."""
        assert self._unfinished is not None
        os.ftruncate(self._unfinished.descriptor, self.size)
        setter.on_descriptor(self._unfinished.descriptor, self.attributes, self.path + b"/" + self.name)
        self._unfinished.finish(self._folder)
        return bool(self._unfinished.beside)

    def reads_back(self, folder: int) -> bool:
        """Whether the file in ``folder``, a descriptor that is closed on return, is what the vault has."""
        try:
            read_back(folder, self.name, self.blobs())
        except DamageError:
            return False
        finally:
            os.close(folder)
        return True

    def abandon(self) -> None:
        """Remove what there is of it: nobody shall take it for complete."""
        if self._unfinished is not None:
            with contextlib.suppress(OSError):
                self._unfinished.abandon(self._folder)
        self.close()

    def close(self) -> None:
        """Let go of its folder; what there is of it stays."""
        if self._folder >= 0:
            folder, self._folder = self._folder, -1
            os.close(folder)

    def blobs(self) -> list[Blob]:
        """All its pieces. Raises ``ObjectMissing`` where the vault does not know one."""
        return [Blob(blob_id, place) for (blob_id, _), place in self._places()]

    def _places(self) -> Iterator[tuple[tuple[bytes, int], Location]]:
        offset = 0
        for blob in self._content:
            blob_id = bytes.fromhex(blob)
            place = self._vault.index.find(blob_id, BlobType.DATA)
            if place is None:
                raise ObjectMissing(f"data blob {blob[:8]} is in no index")
            yield (blob_id, offset), place
            offset += place.size
        self.size = offset

    def _whole(self, read: Read) -> bytes:
        """A blob from the range that was read, or else another copy; as long as it must be to lie where it shall."""
        plain = whole(self._vault, read)
        if len(plain) != read.place.size:
            raise DamageError(f"blob {read.id.hex()[:8]} is not as long as the index says")
        return plain
