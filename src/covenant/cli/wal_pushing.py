"""Keeping the files that a server hands over, and remembering for a moment which of them are kept already.

A server asks for one file after another. What was kept along with an earlier one is noted in the cache, by its hash, so
that the vault need not be opened to say so; a note counts for a few minutes only, for vaults can be exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import logs
from covenant.cli import exits
from covenant.cli.log_following import named
from covenant.cli.session import Place, Session

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.pushing import Pushed
    from covenant.bootstrap import OpenVault

_AT_ONCE = 4
"""So many files are in memory at once."""
_NOTED_SECONDS = 600.0


def push(session: Session, path: Path, source: str | None, ahead: int) -> int:
    """Keep a file, and those that are ready behind it. Raises whatever keeps the first from being durable."""
    from covenant.adapters.sources.postgres.pushing import ready_with

    meant = named(session, source)
    place = session.place_named(meant.vault)
    notes = Notes.of(session, place, meant.name)
    if notes.has(path):
        notes.drop(path)
        return exits.DONE
    paths = ready_with(path, ahead)
    with session.opened("none", place) as opened:
        left = iter(paths)
        while some := list(islice(left, _AT_ONCE)):
            for file in _kept(opened, meant.name, some):
                notes.add(file.name, file.content)
    notes.drop(path)
    session.output.say(f"kept {path.name}" + (f" and {len(paths) - 1} behind it" if len(paths) > 1 else ""))
    session.output.document({"kept": [each.name for each in paths]})
    return exits.DONE


def _kept(opened: OpenVault, source: str, paths: Sequence[Path]) -> Iterator[Pushed]:
    """Make files durable; each is given back when it is."""
    from covenant.adapters.sources.postgres.pushing import batches, read_file, wanted
    from covenant.adapters.sources.postgres.shelf import read_shelf
    from covenant.protect.sealing import Sealing

    files = [read_file(path, Path()) for path in paths]
    shelf = read_shelf(opened.vault, source, files[0].span.system)
    sealing = Sealing(logs.sealing_job(opened, source), None)
    for batch in batches(list(wanted(shelf, files)), paths[0].parent):
        sealing.seal(batch)
    yield from files


@dataclass(frozen=True, slots=True)
class Notes:
    """Which files of one source are known to be durable in one vault."""

    folder: Path | None
    now: float

    @classmethod
    def of(cls, session: Session, place: Place, source: str) -> Notes:
        """Those in the session's cache; none at all where nothing is cached."""
        regions = [url for _, url, _ in place.regions]
        name = sha256("\0".join([place.url, *regions, source]).encode()).hexdigest()[:16]
        folder = session.cache / "pushed" / name if session.cache else None
        return cls(folder, session.clock.now().timestamp())

    def has(self, path: Path) -> bool:
        """Whether the file, with the bytes that it has now, is durable."""
        if self.folder is None:
            return False
        note = self.folder / path.name
        try:
            fresh = 0 <= self.now - note.stat().st_mtime < _NOTED_SECONDS
            return fresh and note.read_text() == sha256(path.read_bytes()).hexdigest()
        except OSError:
            return False

    def add(self, name: str, content: bytes) -> None:
        """Note a file that is durable."""
        if self.folder is not None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / name).write_text(sha256(content).hexdigest())

    def drop(self, path: Path) -> None:
        """A server does not ask twice, and where it does we look."""
        if self.folder is not None:
            (self.folder / path.name).unlink(missing_ok=True)
