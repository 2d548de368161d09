"""What is left out of a backup, by pattern or by mark.

Patterns are gitignore's: ``*.tmp`` anywhere, ``/cache/`` only at the top of a source, ``!keep.tmp`` to take one
back. Marks lie in the directory itself: a ``CACHEDIR.TAG`` with its signature, or any file that the user names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from covenant.kernel.patterns import Patterns

_CACHE_TAG = "CACHEDIR.TAG"
_CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"


class Excludes:
    """Decides, for entries below ``root``, whether they are left out."""

    def __init__(
        self, root: str, patterns: Sequence[str], if_present: Sequence[str] = (), caches: bool = False
    ) -> None:
        self._root = len(root.rstrip("/")) + 1
        self._if_present = tuple(if_present)
        self._caches = caches
        self._match = Patterns(patterns).exclude if patterns else None

    def leaves_out(self, path: str, is_directory: bool) -> bool:
        """Whether a pattern excludes this entry."""
        if self._match is None or len(path) < self._root:
            return False
        return self._match(path[self._root :] + ("/" if is_directory else ""))

    def marked(self, directory: str, names: set[str]) -> str:
        """The mark in a directory that says its content is not to be kept, or ``""``."""
        for mark in self._if_present:
            if mark in names:
                return mark
        if self._caches and _CACHE_TAG in names and _is_cache_tag(os.path.join(directory, _CACHE_TAG)):
            return _CACHE_TAG
        return ""


def _is_cache_tag(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_CACHE_SIGNATURE)) == _CACHE_SIGNATURE
    except OSError:
        return False
