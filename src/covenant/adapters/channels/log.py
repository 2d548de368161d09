"""The channel that is always there: the log of whoever runs Covenant."""

from __future__ import annotations

from collections.abc import Callable

from covenant.kernel.errors import ChannelError
from covenant.respond.condition import Severity


class LogChannel:
    """Writes each message as lines."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def send(self, title: str, body: str, severity: Severity | None) -> None:
        """Write a message. Raises ``ChannelError`` where the log cannot be written."""
        try:
            self._write(f"{title}\n" + "".join(f"  {line}\n" for line in body.splitlines()))
        except (OSError, ValueError) as error:
            raise ChannelError("the log cannot be written", "Look whether its disk is full.") from error
