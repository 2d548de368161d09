"""How far a drill is: one progress over the restores that it makes one after another."""

from __future__ import annotations

from covenant.kernel.progress import Progress, Silent


class Onward:
    """Adds up what each restore expects, as soon as it is known."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress or Silent()
        self._files = self._bytes = 0

    def one(self) -> Progress:
        """The progress of the next restore."""
        return _One(self, self._progress)

    def more(self, files: int, bytes: int) -> None:
        """So much more is expected, or less."""
        self._files += files
        self._bytes += bytes
        self._progress.expect(files=self._files, bytes=self._bytes)


class _One:
    def __init__(self, onward: Onward, progress: Progress) -> None:
        self._onward = onward
        self._progress = progress
        self._files = self._bytes = 0

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        self._onward.more(files - self._files, bytes - self._bytes)
        self._files, self._bytes = files, bytes

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        self._progress.advance(files=files, bytes=bytes)
