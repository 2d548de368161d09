"""What could not be set on restored files, counted: one finding says it for thousands."""

from __future__ import annotations

from covenant.kernel.findings import Finding

_HINTS = {
    "owner-not-restored": "Restore as root to bring owners back.",
    "xattr-not-restored": "Restore to a file system that keeps extended attributes, as root if need be.",
}


class Shortfalls:
    """Shortfalls of one kind and reason are one entry: how many there are, and the first of them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[int, str]] = {}

    def note(self, kind: str, reason: str, subject: str) -> None:
        """One more thing could not be set as it was."""
        count, first = self._seen.get((kind, reason), (0, subject))
        self._seen[kind, reason] = count + 1, first

    def merge(self, other: Shortfalls) -> None:
        """Take over what someone else has counted."""
        for key, (more, subject) in other._seen.items():
            count, first = self._seen.get(key, (0, subject))
            self._seen[key] = count + more, first

    def findings(self) -> list[Finding]:
        """One finding for each kind and reason."""
        return [
            Finding(kind, first, reason if count == 1 else f"{reason} (and {count - 1} more)", _HINTS.get(kind, ""))
            for (kind, reason), (count, first) in self._seen.items()
        ]
