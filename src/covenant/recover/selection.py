"""Which entries of a snapshot are restored, by pattern.

Patterns are gitignore's, relative to what is restored: ``*.jpg`` anywhere, ``/home/ann/`` only there. An entry is
restored if it, or a directory above it, is included (or nothing is asked to be included), and none of them is
excluded.
"""

from __future__ import annotations

from collections.abc import Sequence

from covenant.kernel.patterns import Patterns


class Selection:
    """Decides over paths relative to the top of what is restored, without a leading slash."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = Patterns(include) if include else None
        self._exclude = Patterns(exclude) if exclude else None

    @property
    def everything(self) -> bool:
        """Whether there are no patterns at all."""
        return self._include is None and self._exclude is None

    def takes(self, path: str, *, directory: bool = False) -> bool:
        """Whether this entry itself is wanted. A directory that is not may still hold entries that are."""
        if self.leaves_out(path, directory=directory):
            return False
        return self._include is None or self._include.reach(path + "/" if directory else path)

    def leaves_out(self, path: str, *, directory: bool = False) -> bool:
        """Whether this entry, and if it is a directory everything below it, is excluded."""
        return self._exclude is not None and self._exclude.exclude(path + "/" if directory else path)
