"""The change logs that are followed: one thread for each source that was promised it, for as long as we lead.

A stream has no end and is therefore no run. It is begun anew whenever it breaks off, after a pause that grows, and when
the policy changes, for its address or interval may be another. What it has sealed is durable however it ends; two that
follow one log at once cannot be, for the source gives it to one reader at a time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Lease
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CatalogError, CovenantError, LeaseLost
from covenant.kernel.policy import Policy
from covenant.loop.events import Event, Tell
from covenant.loop.ports import Worker
from covenant.protect.following import persist


@dataclass(slots=True)
class _Stream:
    source: str
    policy: Policy
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


class Streams:
    """The streams of this daemon. ``noticed``: one saw what may make work due; ``ended``: one ended."""

    def __init__(
        self,
        catalog: Catalog,
        worker: Worker,
        clock: Clock,
        tell: Tell,
        noticed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._worker = worker
        self._clock = clock
        self._tell = tell
        self._noticed = noticed
        self._ended = ended
        self._all: dict[str, _Stream] = {}

    def agree(self, policy: Policy, lease: Lease, length: timedelta) -> None:
        """Follow what the policy promises to follow, and nothing else."""
        wanted = {each.source for each in policy.sources.values() if each.followed}
        for name, stream in list(self._all.items()):
            if not stream.alive:
                del self._all[name]
            elif name not in wanted or stream.policy is not policy:
                stream.stop.set()
        for name in sorted(wanted - self._all.keys()):
            self._begin(_Stream(name, policy), lease, length)

    def following(self) -> list[str]:
        """The sources whose log is followed now, or is about to be left."""
        return [name for name, stream in self._all.items() if stream.alive]

    def interrupt(self) -> None:
        """Have every stream seal what came, and end."""
        for stream in self._all.values():
            stream.stop.set()

    def abandon(self) -> None:
        """Forget about every stream: the logs are somebody else's to follow now."""
        self.interrupt()
        self._all = {}

    # -- in a stream's own thread ---------------------------------------------------------------------------------

    def _begin(self, stream: _Stream, lease: Lease, length: timedelta) -> None:
        self._all[stream.source] = stream
        stream.thread = threading.Thread(
            target=self._follow, args=(stream, lease, length), name=f"log-{stream.source}", daemon=True
        )
        stream.thread.start()

    def _follow(self, stream: _Stream, lease: Lease, length: timedelta) -> None:
        def confirm() -> None:
            with contextlib.suppress(CatalogError):  # the slot has one reader at a time, whoever leads
                self._catalog.renew(lease, length, self._clock.now())

        def tell(kind: str, text: str, hint: str = "") -> None:
            self._say(stream, kind, text, hint)

        def failed(error: CovenantError, failures: int, pause: float) -> None:
            self._worker.log_failed(stream.source, error, failures)
            tell("log-failed", f"{error.message}; trying again in {pause:.0f} s", error.hint)

        try:
            persist(
                lambda: self._worker.follow(stream.source, stream.stop, tell, confirm, self._noticed),
                self._clock,
                stream.stop,
                failed,
                whatever=True,
            )
            tell("log-left", "")
        except LeaseLost as error:
            tell("deposed", error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - a defect in one stream is told, and the stream begun anew
            tell("log-failed", f"unexpected {type(error).__name__}: {error}", "This is a defect of Covenant.")
            stream.stop.wait(60.0)
        finally:
            self._ended()

    def _say(self, stream: _Stream, kind: str, text: str, hint: str = "") -> None:
        self._tell(Event(at=self._clock.now(), kind=kind, subject=stream.source, text=text, hint=hint))
