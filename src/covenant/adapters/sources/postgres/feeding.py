"""Handing the log to a server that recovers: its ``restore_command`` asks, and we answer from the vault.

The command runs as the server's user, who may not read the vault, and once for every file, which must cost nothing. So
it is a few lines of shell that wait for a file in a folder, and a thread of ours puts it there, and the next ones with
it, before they are asked for. Its end says what the server must know:

    0       the file is there
    1       the log does not go further: the recovery may end here
    200     it should be there and cannot be had whole: the server must stop, and not take this for the end
"""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from covenant.adapters.sources.postgres.server_user import ServerUser
from covenant.adapters.sources.postgres.wal import SEGMENT_SIZE, parse_segment
from covenant.kernel.errors import CovenantError

SPOOL = ".covenant-log"
"""The folder in the data directory, so that handing over is a rename."""

_AHEAD = 4
_LOOKS_EVERY = 0.005
_SCRIPT = """\
#!/bin/sh
# $1: the file that is asked for, $2: where it shall lie.
cd {spool} || exit 200
[ -e "$1.ready" ] || : > "$1.asked" || exit 200
while [ -d /proc/{pid} ]; do
    if [ -e "$1.ready" ]; then mv "$1.ready" {data}/"$2" || exit 200; rm -f "$1.asked"; exit 0; fi
    if [ -e "$1.absent" ]; then rm -f "$1.absent"; exit 1; fi
    if [ -e "$1.damaged" ]; then exit 200; fi
    sleep 0.01
done
exit 200
"""

Read = Callable[[str], bytes | None]
"""Gives a file of the log by its name; ``None`` where there never was one. Raises what the vault raises."""


class Feeder:
    """Answers one server. What could not be read stands in ``error``, and stays there."""

    def __init__(
        self, data: Path, private: Path, user: ServerUser, read: Read, segment_size: int = SEGMENT_SIZE
    ) -> None:
        self._spool = data / SPOOL
        self._user = user
        self._read = read
        self._segment_size = segment_size
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(2, "log")
        self._fetched: dict[str, Future[bytes | None]] = {}
        self._laid_out: dict[str, int] = {}
        self._script = private / "fetch"
        self._write_script(data)
        self.error: CovenantError | None = None
        self.given = 0
        """How many bytes of the log were handed over."""

    @property
    def command(self) -> str:
        """The server's ``restore_command``."""
        return f'sh {shlex.quote(str(self._script))} %f "%p"'

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Answer for as long as the work lasts; then the folder is gone."""
        thread = threading.Thread(target=self._answer, name="feeder", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._threads.shutdown(wait=True, cancel_futures=True)
            remove_spool(self._spool.parent)

    def _write_script(self, data: Path) -> None:
        remove_spool(data)
        self._spool.mkdir(mode=0o700)
        self._script.write_text(
            _SCRIPT.format(spool=shlex.quote(str(self._spool)), data=shlex.quote(str(data)), pid=os.getpid())
        )
        for path in (self._spool, self._script):
            if self._user.switch:
                os.chown(path, self._user.uid, self._user.gid)

    def _answer(self) -> None:
        while not self._stop.wait(_LOOKS_EVERY):
            lying = set(os.listdir(self._spool))
            for name in [name for name in self._laid_out if f"{name}.ready" not in lying]:
                self.given += self._laid_out.pop(name)  # it was taken without asking
                self._look_ahead(name)
            for asked in [name.removesuffix(".asked") for name in lying if name.endswith(".asked")]:
                if f"{asked}.ready" not in lying:
                    self._hand_over(asked)
            self._lay_out()

    def _hand_over(self, name: str) -> None:
        """Answer one question, once: it is withdrawn when it is answered."""
        outcome = self._fetched.pop(name, None) or self._threads.submit(self._read, name)
        self._look_ahead(name)
        (self._spool / f"{name}.asked").unlink(missing_ok=True)
        try:
            content = outcome.result()
        except CovenantError as error:
            self.error = error
            self._put(f"{name}.damaged", b"")
            return
        if content is None:
            self._put(f"{name}.absent", b"")
        else:
            self.given += len(content)
            self._put(f"{name}.ready", content)

    def _look_ahead(self, name: str) -> None:
        """Fetch the segments that follow one, before they are asked for."""
        segment = parse_segment(name, self._segment_size)
        for _ in range(_AHEAD if segment else 0):
            assert segment is not None
            segment = segment.next
            if segment.name not in self._fetched and segment.name not in self._laid_out:
                self._fetched[segment.name] = self._threads.submit(self._read, segment.name)

    def _lay_out(self) -> None:
        """Have what was fetched lie ready. What is not there, or is damaged, waits until it is asked for."""
        for name, outcome in list(self._fetched.items()):
            if outcome.done() and outcome.exception() is None and (content := outcome.result()) is not None:
                del self._fetched[name]
                self._put(f"{name}.ready", content)
                self._laid_out[name] = len(content)

    def _put(self, name: str, content: bytes) -> None:
        """Have a file there, whole from the first moment."""
        part = self._spool / f"{name}.part"
        part.write_bytes(content)
        if self._user.switch:
            os.chown(part, self._user.uid, self._user.gid)
        part.chmod(0o600)
        part.rename(self._spool / name)


def remove_spool(data: Path) -> None:
    """Remove what an earlier recovery may have left for its server."""
    import shutil

    shutil.rmtree(data / SPOOL, ignore_errors=True)
