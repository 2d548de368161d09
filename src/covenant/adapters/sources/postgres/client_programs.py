"""PostgreSQL's client programs at work: what they put out is streamed, and what they complain of is told in our words.

Passwords are in their environment, never among their arguments, where everyone on the machine could read them.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

from covenant.adapters.sources.postgres.address import library
from covenant.kernel.errors import Interrupted
from covenant.vault.chunker import content_defined

_READ = 1 << 20
_LOOKS_EVERY = 0.2
_HEAD = 4 << 10
_RESTRICT, _UNRESTRICT = b"\n\\restrict ", b"\n\\unrestrict "
_AHEAD = 16 << 20
"""So much is looked at together: the last cut in it is not final, whatever its content."""


def apart(conninfo: str) -> tuple[str, dict[str, str]]:
    """A connection string without its password, and the environment that has it."""
    tools = library().conninfo
    said = tools.conninfo_to_dict(conninfo)
    secret = said.pop("password", None)
    return str(tools.make_conninfo(**said)), {"PGPASSWORD": str(secret)} if secret else {}


def environment(variables: Mapping[str, str], secret: Mapping[str, str]) -> dict[str, str]:
    """A program's environment: what libpq may be told by the user's own, and nothing else of it."""
    theirs = {name: value for name, value in variables.items() if name.startswith("PG") or name == "HOME"}
    return {**theirs, "LC_ALL": "C", "PATH": "/usr/bin:/bin", "PGAPPNAME": "covenant", **secret}


def output_of(
    command: Sequence[str],
    variables: Mapping[str, str],
    stop: threading.Event,
    failed: Callable[[str], Exception],
) -> Iterator[bytes]:
    """What a program puts out, cut by its content. The program is ended with the iterator, whatever becomes of that.

    Raises what ``failed`` makes of its complaint where it does not end well.
    """
    with tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaint,
            env=dict(variables),
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield from _cut(_read(process.stdout, stop))
            if process.wait():
                raise failed(_told(complaint))
        finally:
            process.kill()
            process.stdout.close()
            process.wait()


def fed(command: Sequence[str], variables: Mapping[str, str], feed: Callable[[IO[bytes]], object]) -> tuple[int, str]:
    """Run a program on what ``feed`` writes to it; how it ended, and its complaint.

    Where feeding breaks off the program is killed before it sees an end: it would take a part for the whole.
    """
    with tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaint,
            env=dict(variables),
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
                feed(process.stdin)
                process.stdin.close()
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        return process.returncode, _told(complaint)


def _read(out: IO[bytes], stop: threading.Event) -> Iterator[bytes]:
    while True:
        while not select.select([out], [], [], _LOOKS_EVERY)[0]:
            if stop.is_set():
                raise Interrupted("the backup was stopped")
        if stop.is_set():
            raise Interrupted("the backup was stopped")
        data = os.read(out.fileno(), _READ)
        if not data:
            return
        yield data


def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut by what they are, so that a row more moves no cut behind it.

    What is another word in each dump, at its beginning and its end, is cut off from the rest.
    """
    cut, waiting, begun = content_defined(), bytearray(), False
    for piece in pieces:
        waiting += piece
        if not begun and (len(waiting) >= _HEAD):
            begun = True
            yield from _taken(waiting, _behind_head(waiting))
        if len(waiting) >= _AHEAD:
            *final, _ = cut(memoryview(bytes(waiting)))
            for length in final:
                yield from _taken(waiting, length)
    if not begun:
        yield from _taken(waiting, _behind_head(waiting))
    tail = max(waiting.rfind(_UNRESTRICT), 0) or len(waiting)
    end = bytes(waiting[tail:])
    del waiting[tail:]
    for length in list(cut(memoryview(bytes(waiting)))) if waiting else ():
        yield from _taken(waiting, length)
    if end:
        yield end


def _taken(waiting: bytearray, length: int) -> Iterator[bytes]:
    """The first bytes of what waits, which are taken from it."""
    if length:
        taken = bytes(waiting[:length])
        del waiting[:length]
        yield taken


def _behind_head(waiting: bytearray) -> int:
    """Where the line ends that no two dumps have in common; 0 where there is none."""
    at = waiting.find(_RESTRICT, 0, _HEAD)
    return waiting.find(b"\n", at + 1) + 1 if at >= 0 else 0


def _told(complaint: IO[bytes]) -> str:
    """What a program complained of: its first error, without its own name in front."""
    complaint.seek(0)
    lines = complaint.read().decode(errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line.lower()] or lines or ["no reason given"]
    before, sign, after = errors[0].partition("rror:")
    return (after if sign else before).strip()
