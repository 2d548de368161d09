"""Whether what was restored is what was backed up, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

from bench.entropy import dice

BLOCK = 1 << 20


def landing(target: Path, source: Path) -> Path:
    """Where ``source`` came to lie below ``target``: under its whole path, or directly."""
    below = target / source.relative_to("/")
    return below if below.exists() else target


def differences(source: Path, restored: Path, sample: int | None) -> list[str]:
    """What differs: names always, contents in ``sample`` files chosen at random or, with None, in all."""
    wanted, found = files(source), files(restored)
    odd = [f"missing: {name}" for name in sorted(wanted - found)] + [
        f"extra: {name}" for name in sorted(found - wanted)
    ]
    both = sorted(wanted & found)
    chosen = both if sample is None or sample >= len(both) else dice("compare").sample(both, sample)
    return odd + [f"different: {name}" for name in chosen if not same(source / name, restored / name)]


def files(folder: Path) -> set[str]:
    """The files below a folder, by their names from there."""
    return {os.path.relpath(at, folder) + "/" + name for at, _, names in os.walk(folder) for name in names}


def same(left: Path, right: Path) -> bool:
    """Whether two files hold the same bytes."""
    with left.open("rb") as one, right.open("rb") as other:
        while True:
            block = one.read(BLOCK)
            if block != other.read(BLOCK):
                return False
            if not block:
                return True
