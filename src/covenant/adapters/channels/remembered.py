"""Who was told what, kept in a file beside the rest of Covenant's state."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class StateFile:
    """A small text that is replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> str:
        """What was saved last; empty where nothing was. Raises ``OSError``."""
        try:
            return self._path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def save(self, text: str) -> None:
        """Remember this instead, durably. Raises ``OSError``."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._settle()

    def _settle(self) -> None:
        """Make the new name durable."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
