"""Files of the log that are fetched before a recovering server asks for them.

A server asks for one file, replays it, and asks for the next. To open a vault takes longer than either, above all to
hash its password. So whoever fetches a file leaves a process behind that opens the vault once and puts the files that
follow into a spool; the next questions are answered from there without opening anything. It ends by itself: when the
log ends, when anything is the matter, for the server's own question is to find that, and when nobody asks any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from covenant.cli.session import Session
    from covenant.kernel.clock import Clock

AHEAD = 8
"""So many files wait in the spool."""
_IDLE_SECONDS = 30.0
_STALE_SECONDS = 3600.0
_DOING = "doing"


@dataclass(frozen=True, slots=True)
class Spool:
    """The files that are ready for one server, asked for in one way."""

    folder: Path
    clock: Clock

    @classmethod
    def of(cls, session: Session, source: str | None, system: int | None) -> Spool | None:
        """The spool of whoever asks with these words; ``None`` where nothing is cached, or it is nobody's server."""
        if session.cache is None or system is None:
            return None
        config = session.config_path
        with contextlib.suppress(OSError):
            stamp = config.stat().st_mtime_ns if config else 0  # what is meant by these words may have changed
            words = (*session.words, str(config and config.resolve()), str(stamp), source or "", str(system))
            return cls(session.cache / "fetched" / sha256("\0".join(words).encode()).hexdigest()[:16], session.clock)
        return None

    def take(self, name: str, target: Path) -> bool:
        """Put a file where it is wanted, if it is here; waits for one that is being fetched at this moment."""
        here = self.folder / name
        while True:
            if self._moved(here, target):
                return True
            if not (self._doing() == name and self.tended()):
                return self._moved(here, target)
            self.clock.sleep(0.005)

    def waiting(self) -> list[Path]:
        """The files that are here."""
        with contextlib.suppress(OSError):
            return [path for path in self.folder.iterdir() if len(path.name) == 24]
        return []

    def put(self, name: str, content: bytes) -> None:
        """Add a file, whole or not at all."""
        beside = self.folder / f"{name}.new"
        beside.write_bytes(content)
        beside.replace(self.folder / name)

    def tended(self) -> bool:
        """Whether a process is at work that fills it."""
        lock = self.lock()
        if lock is not None:
            os.close(lock)
        return lock is None

    def lock(self) -> int | None:
        """The right to fill it while this descriptor is open in any process; ``None`` while another has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return None
        return lock

    def say_doing(self, name: str) -> None:
        """Which file comes next."""
        (self.folder / _DOING).write_text(name)

    def clear(self, now: float) -> None:
        """Remove what was left here long ago."""
        for path in self.waiting():
            with contextlib.suppress(OSError):
                if not 0 <= now - path.stat().st_mtime < _STALE_SECONDS:
                    path.unlink()

    def _doing(self) -> str:
        try:
            return (self.folder / _DOING).read_text()
        except OSError:
            return ""

    @staticmethod
    def _moved(here: Path, target: Path) -> bool:
        beside = target.with_name(f"{target.name}.covenant-{os.getpid()}")
        try:
            content = here.read_bytes()
            beside.write_bytes(content)
            beside.replace(target)
            here.unlink()
        except OSError:
            return False
        return True


def leave_behind(session: Session, spool: Spool, name: str, source: str | None) -> None:
    """Leave a process behind that fetches what follows a file, unless one is at work already."""
    lock = spool.lock()
    if lock is None:
        return
    words = [*session.words, "wal", "prefetch", name, *(("--source", source) if source else ())]
    nothing = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
    try:
        os.set_inheritable(lock, True)  # it is the lock's holder from its first moment
        program = [sys.executable, "-m", "covenant", *words]
        os.posix_spawn(sys.executable, program, session.environment.variables, file_actions=nothing, setsid=True)
    except OSError:
        pass
    finally:
        os.close(lock)


def fill(session: Session, name: str, source: str | None, system: int | None) -> None:
    """Fetch what follows a file, for as long as it is asked for. Who left us behind has the lock, and gave it to us."""
    spool = Spool.of(session, source, system)
    if spool is not None and spool.tended():
        spool.clear(session.clock.now().timestamp())
        _fill(session, spool, name, source, system)


def _fill(session: Session, spool: Spool, name: str, source: str | None, system: int | None) -> None:
    from covenant.adapters.sources.postgres.shelf import read_shelf
    from covenant.adapters.sources.postgres.wal import parse_segment
    from covenant.cli.log_following import named

    meant = named(session, source)
    with session.opened("none", session.place_named(meant.vault)) as opened:
        shelf = read_shelf(opened.vault, meant.name, system)
        segment = parse_segment(name, shelf.file_size)
        while segment is not None:
            segment = segment.next
            found = shelf.find(segment.name)
            if found is None or found.file.partial or not _has_room(session, spool):
                return
            spool.say_doing(segment.name)
            spool.put(segment.name, shelf.read(found))


def _has_room(session: Session, spool: Spool) -> bool:
    """Wait until less is waiting; ``False`` once nobody has taken anything for long."""
    since = session.clock.monotonic()
    while len(spool.waiting()) >= AHEAD:
        if session.clock.monotonic() - since > _IDLE_SECONDS:
            return False
        session.clock.sleep(0.02)
    return True
