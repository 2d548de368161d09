"""A mail server on loopback that keeps what it is sent, refuses everything, or never says a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass(slots=True)
class MailServer:
    """A running server: its port, and the mails that it took."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_server(*, refusing: bool = False) -> Iterator[MailServer]:
    """A server that speaks as much SMTP as is needed; ``refusing`` takes no mail."""

    class Talking(StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 mail.example ready")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self.say("354 go on")
                    self.take()
                elif word == b"QUIT":
                    return self.say("221 bye")
                elif word in (b"MAIL", b"RCPT") and refusing:
                    self.say("550 not here")
                else:
                    self.say("250 fine")
            return None

        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def take(self) -> None:
            lines = list(iter(self.rfile.readline, b".\r\n"))
            running.mails.append(message_from_bytes(b"".join(lines), policy=default))
            self.say("250 taken")

    ThreadingTCPServer.daemon_threads = True
    with ThreadingTCPServer(("127.0.0.1", 0), Talking) as server:
        running = MailServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        ended = threading.Event()
        held: list[socket.socket] = []

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    held.append(listening.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()
            for each in held:
                each.close()
