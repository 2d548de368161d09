"""The least that any backup must do: every byte read, hashed, encrypted, authenticated and written, and no more.

``python -m bench.floor SOURCE TARGET [--compress]`` uses the same libraries as Covenant, with one thread for each core
and buffers that are used again. It cuts no chunks, keeps no index and records nothing: it cannot be restored from.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

PIECE = 1 << 20
"""Bytes hashed and sealed at a time: what a chunk is elsewhere."""
SPAN = 16 << 20
"""Bytes that a thread takes at a time."""
LEVEL = 3
"""Of zstd: the least work that is still compression."""
KEY = bytes(range(32))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file."""

    path: str
    start: int
    size: int


def spans(source: str) -> Iterator[list[Span]]:
    """Loads of about ``SPAN`` bytes or 1,000 files, whichever is reached first."""
    load: list[Span] = []
    weight = 0
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)
            size = os.stat(path).st_size
            for start in range(0, size, SPAN):
                load.append(Span(path, start, min(SPAN, size - start)))
                weight += load[-1].size
                if weight >= SPAN or len(load) >= 1000:
                    yield load
                    load, weight = [], 0
    if load:
        yield load


class Sealer:
    """Hashes, compresses if told, encrypts and authenticates one piece after another in buffers of its own."""

    def __init__(self, *, compress: bool) -> None:
        self._clear = memoryview(bytearray(PIECE))
        self._sealed = memoryview(bytearray(2 * PIECE))
        self._compressor = zstandard.ZstdCompressor(level=LEVEL) if compress else None
        self._cipher = Cipher(algorithms.AES(KEY), modes.CTR(bytes(16))).encryptor()

    def seal(self, file: int, size: int) -> tuple[bytes, memoryview, bytes]:
        """The next ``size`` bytes of ``file``, as nonce, ciphertext and tag."""
        os.readv(file, [self._clear[:size]])
        clear: memoryview | bytes = self._clear[:size]
        hashlib.sha256(clear).digest()
        if self._compressor:
            clear = self._compressor.compress(clear)
        nonce = os.urandom(16)
        self._cipher.reset_nonce(nonce)
        sealed = self._sealed[: self._cipher.update_into(clear, self._sealed)]
        return nonce, sealed, Poly1305.generate_tag(KEY, sealed)


def work(loads: Iterator[list[Span]], turn: threading.Lock, target: Path, *, compress: bool) -> None:
    """Take loads until there are none; each becomes one file in ``target``."""
    sealer = Sealer(compress=compress)
    for number in itertools.count():
        with turn:
            load = next(loads, None)
        if load is None:
            return
        with (target / f"{threading.get_ident():x}-{number}").open("wb", buffering=0) as pack:
            for span in load:
                _seal_span(sealer, span, pack.fileno())


def _seal_span(sealer: Sealer, span: Span, pack: int) -> None:
    file = os.open(span.path, os.O_RDONLY)
    try:
        os.lseek(file, span.start, os.SEEK_SET)
        for start in range(0, span.size, PIECE):
            os.writev(pack, sealer.seal(file, min(PIECE, span.size - start)))
    finally:
        os.close(file)


def main() -> None:
    """Seal all of SOURCE into TARGET."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor")
    parser.add_argument("source")
    parser.add_argument("target", type=Path)
    parser.add_argument("--compress", action="store_true")
    told = parser.parse_args()
    told.target.mkdir(parents=True)
    loads, turn = spans(told.source), threading.Lock()
    threads = [
        threading.Thread(target=work, args=(loads, turn, told.target), kwargs={"compress": told.compress})
        for _ in os.sched_getaffinity(0)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
