"""What telling people asks of the world."""

from __future__ import annotations

from typing import Protocol

from covenant.respond.condition import Severity


class Carrier(Protocol):
    """One way to reach people: a mail address, a chat room, a pager, the log."""

    def send(self, title: str, body: str, severity: Severity | None) -> None:
        """Deliver a message. ``severity`` is ``None`` where it only says that something is over.

        Returns when the channel has taken it. Raises ``ChannelError`` where it did not, in bounded time; neither the
        error nor anything that is logged holds the channel's address, for that is a secret.
        """
        ...


class Memory(Protocol):
    """Where it is remembered who was told what."""

    def load(self) -> str:
        """What was saved last; empty where nothing was."""
        ...

    def save(self, text: str) -> None:
        """Remember this instead; it is durable on return, and there whole or not at all."""
        ...
