"""Which entries of a snapshot are restored, by pattern.

Patterns are gitignore's, relative to what is restored: ``*.jpg`` anywhere, ``/home/ann/`` only there. An entry is
restored if it, or a directory above it, is included (or nothing is asked to be included), and none of them is
excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Match = Callable[[str], bool]


class Selection:
    """Decides over paths relative to the top of what is restored, without a leading slash."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = _matcher(include)
        self._exclude = _matcher(exclude)

    @property
    def everything(self) -> bool:
        """Whether there are no patterns at all."""
        return self._include is None and self._exclude is None

    def takes(self, path: str, *, directory: bool = False) -> bool:
        """Whether this entry itself is wanted. A directory that is not may still hold entries that are."""
        if self.leaves_out(path, directory=directory):
            return False
        return self._include is None or self._include(path + "/" if directory else path)

    def leaves_out(self, path: str, *, directory: bool = False) -> bool:
        """Whether this entry, and if it is a directory everything below it, is excluded."""
        return self._exclude is not None and self._exclude(path + "/" if directory else path)


def _matcher(patterns: Sequence[str]) -> Match | None:
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec  # only those who select pay for it

    match = GitIgnoreSpec.from_lines(patterns).match_file
    return lambda path: bool(match(path))
