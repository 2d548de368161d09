"""Finding the ``covenant.toml`` that someone means by standing somewhere below it."""

from __future__ import annotations

import os
from pathlib import Path

from covenant.kernel.errors import Refusal

FILE_NAME = "covenant.toml"


def find(start: Path) -> Path | None:
    """The ``covenant.toml`` in ``start`` or in the nearest folder above it.

    The file can name programs to be run, so one that belongs to somebody else (left in ``/tmp``, say) is not picked up
    by chance: ``Refusal``. Who trusts it names it.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        if path.is_file():
            _refuse_stranger(path)
            return path
    return None


def _refuse_stranger(path: Path) -> None:
    if path.stat().st_uid not in (0, os.geteuid()):
        raise Refusal(
            f"'{path}' belongs to another user, and is not followed unasked",
            f"If you trust it, name it: covenant -c {path} ...",
        )
