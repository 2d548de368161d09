"""Somebody between us and a server, who passes everything on, and at one place does not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Meddle = Callable[[int, bytes], bytes | None]
"""Given how many bytes the server has sent before, and the next: what is passed on, or ``None`` to hang up."""


@contextmanager
def between(port: int, meddle: Meddle) -> Iterator[int]:
    """A port on loopback that leads to ``port``, one connection at a time; what comes from there is meddled with."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, port, meddle), daemon=True).start()
        yield int(listening.getsockname()[1])


def flip_at(place: int) -> Meddle:
    """Turn one bit of the byte that the server sends there."""

    def meddle(sent: int, data: bytes) -> bytes:
        if sent <= place < sent + len(data):
            at = place - sent
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        return data

    return meddle


def hang_up_at(place: int) -> Meddle:
    """Pass on so many bytes and no more."""
    return lambda sent, data: data if sent + len(data) < place else None


def _serve(listening: socket.socket, port: int, meddle: Meddle) -> None:
    while True:
        try:
            ours, _ = listening.accept()
        except OSError:
            return
        theirs = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_pass_on, args=(ours, theirs, lambda sent, data: data), daemon=True).start()
        threading.Thread(target=_pass_on, args=(theirs, ours, meddle), daemon=True).start()


def _pass_on(giving: socket.socket, taking: socket.socket, meddle: Meddle) -> None:
    sent = 0
    try:
        while data := giving.recv(1 << 16):
            passed = meddle(sent, data)
            if passed is None:
                break
            taking.sendall(passed)
            sent += len(data)
    except OSError:
        pass
    for end in (giving, taking):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()  # else what still comes would be taken in, and the sender never learn of it
