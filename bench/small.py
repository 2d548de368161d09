"""The set ``small``: 100,000 files around 4 KiB in a tree of folders, half of their bytes compressible."""

from __future__ import annotations

import random
from pathlib import Path

from bench.entropy import Noise, dice, phrases

FILES = 100_000
PER_FOLDER = 100
SMALLEST, LARGEST = 64, 64 << 10


def make(folder: Path, scale: float) -> None:
    """Write the whole set into the empty ``folder``."""
    bodies = Bodies("small")
    for start in range(0, int(FILES * scale), PER_FOLDER):
        inner = folder / f"project-{start // PER_FOLDER // 32:03d}" / f"batch-{start // PER_FOLDER % 32:02d}"
        inner.mkdir(parents=True)
        for number in range(start, min(start + PER_FOLDER, int(FILES * scale))):
            bodies.write(inner / f"note-{number:06d}.dat")


def change(folder: Path, turn: int, share: float) -> None:
    """Rewrite ``share`` of the files, delete half as many and add half as many."""
    rng = dice(f"small/change/{turn}")
    files = sorted(folder.glob("project-*/*/*"))
    count = max(2, round(len(files) * share))
    chosen = rng.sample(files, count + count // 2)
    bodies = Bodies(f"small/change/{turn}")
    for path in chosen[:count]:
        bodies.write(path)
    for path in chosen[count:]:
        path.unlink()
    for number, beside in enumerate(rng.choices(files, k=count // 2)):
        bodies.write(beside.parent / f"added-{turn:02d}-{number:06d}.dat")


class Bodies:
    """Contents of small files, all different: half noise, as a thumbnail is, and half text, as its caption is."""

    def __init__(self, label: str) -> None:
        self._rng = dice(label)
        self._noise = Noise(label)
        self._text = "\n".join(phrases("small/text", 20_000, 12)).encode()

    def write(self, path: Path) -> None:
        """Write the next body to ``path``."""
        size = _size(self._rng)
        at = self._rng.randrange(len(self._text) - LARGEST)
        path.write_bytes(self._noise.take(size // 2) + self._text[at : at + size - size // 2])


def _size(rng: random.Random) -> int:
    """Bytes: a gamma distribution with a mean of 4 KiB, many small and a few large."""
    return min(LARGEST, max(SMALLEST, round(rng.gammavariate(2, 2048))))
