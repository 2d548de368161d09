"""The set ``media``: 1.5 GiB of photos and videos, 2 to 60 MB each, incompressible."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from bench.entropy import Noise, dice

TOTAL = 1536 << 20
BLOCK = 4 << 20
MB = 1_000_000


def make(folder: Path, scale: float) -> None:
    """Write the whole set into the empty ``folder``."""
    for number, size in enumerate(_sizes(int(TOTAL * scale))):
        shoot = folder / f"shoot-{number // 12:03d}"
        shoot.mkdir(exist_ok=True)
        _write(shoot / f"{_kind(size)}_{number:04d}", f"media/{number}", size)


def change(folder: Path, turn: int, share: float) -> None:
    """Replace ``share`` of the files (at least one) and add a quarter as many new ones (at least one)."""
    rng = dice(f"media/change/{turn}")
    files = sorted(path for path in folder.glob("shoot-*/*") if path.is_file())
    count = max(1, round(len(files) * share))
    for path in rng.sample(files, count):
        _write(path, f"media/{path.name}/{turn}", path.stat().st_size)
    added = folder / f"shoot-added-{turn:02d}"
    added.mkdir()
    for number in range(max(1, count // 4)):
        size = min(_size(rng), rng.choice(files).stat().st_size)
        _write(added / f"{_kind(size)}_{number:04d}", f"media/added/{turn}/{number}", size)


def _sizes(total: int) -> Iterator[int]:
    """Sizes in bytes that add up to ``total`` exactly."""
    rng = dice("media/sizes")
    left = total
    while left > 0:
        size = min(left, _size(rng))
        left -= size
        yield size


def _size(rng: random.Random) -> int:
    """Two in three are photos of 2 to 15 MB, one in three a RAW or a video of 15 to 60 MB."""
    return rng.randint(2 * MB, 15 * MB) if rng.random() < 2 / 3 else rng.randint(15 * MB, 60 * MB)


def _kind(size: int) -> str:
    return "video" if size > 15 * MB else "photo"


def _write(path: Path, label: str, size: int) -> None:
    noise = Noise(label)
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(noise.take(min(BLOCK, size - start)))
