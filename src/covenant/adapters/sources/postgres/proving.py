"""Making sure that a server is the one whose log the vault has, before its log is followed on.

A server may have been set back: its machine returned to an older state, its data directory came from elsewhere, or
two were brought back to different moments and count their timelines alike. Its number and its places are the same
then, and its bytes are not. So the file in which the vault's log ends is asked for once more from its beginning, and
what comes is compared with what is kept. Only behind that does anything new begin.
"""

from __future__ import annotations

from dataclasses import dataclass

from covenant.kernel.errors import Refusal
from covenant.kernel.spans import place_text
from covenant.vault.ports import Buffer


@dataclass(slots=True)
class Tail:
    """The last bytes that the vault has of a log: ``content`` begins at ``place``. ``source`` is whose it is."""

    source: str
    place: int
    content: bytes

    @property
    def end(self) -> int:
        """The first place behind it."""
        return self.place + len(self.content)

    def compared(self, begin: int, data: Buffer) -> memoryview:
        """What of some bytes lies behind the tail, once the rest was found to be the same. Raises ``Refusal``."""
        view = memoryview(data)
        known = min(max(self.end - begin, 0), len(view))
        at = begin - self.place
        if view[:known] != memoryview(self.content)[at : at + known]:
            raise Refusal(
                f"the server of source '{self.source}' has another log at {place_text(begin)} than the vault",
                "It was set back, or is not the server that was kept before: give it a source of its own.",
            )
        return view[known:]
