"""The messages of a base backup's copy: which archive begins, its bytes, the manifest, and how far the server is.

    n  name\\0 place\\0      an archive begins; ``place`` is the folder of its tablespace, empty for the data directory
    m                      the manifest begins
    d  bytes               the next bytes of what began last
    p  int64               the bytes that the server has sent

(PostgreSQL manual, "Streaming Replication Protocol", ``BASE_BACKUP``)
"""

from __future__ import annotations

from collections.abc import Iterator

from covenant.kernel.errors import DamageError
from covenant.kernel.progress import Progress
from covenant.vault.ports import Buffer

MANIFEST = ""


class Messages:
    """What a copy brings, one archive after another. The manifest comes last, as the archive without a name."""

    def __init__(self, copy: Iterator[Buffer], progress: Progress) -> None:
        self._copy = copy
        self._progress = progress
        self._next: bytes | None = None

    def archives(self) -> Iterator[tuple[str, Iterator[Buffer]]]:
        """The name of each archive, and its bytes, to be taken before the next archive is."""
        for _ in self._bytes():
            raise DamageError("the server's backup begins in the middle of an archive", "Run the backup again.")
        while (begun := self._next) is not None:
            name = begun[1:].split(b"\0", 1)[0].decode() if begun[:1] == b"n" else MANIFEST
            data = self._bytes()
            yield name, data
            for _ in data:
                pass

    def _bytes(self) -> Iterator[Buffer]:
        self._next = None
        for message in self._copy:
            kind = message[0]
            if kind == ord("d"):
                self._progress.advance(bytes=len(message) - 1)
                yield memoryview(message)[1:]
            elif kind != ord("p"):
                self._next = bytes(message)
                return
