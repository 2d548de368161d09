"""The small server that Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

from covenant.adapters.metrics.prometheus import CONTENT_TYPE
from covenant.kernel.errors import UsageError

SECONDS = 10.0
"""Whoever says nothing for so long is no longer listened to."""


class MetricsServer:
    """Answers ``GET /metrics`` while it is entered; ``scrape`` is called for each answer, from a thread of its own."""

    def __init__(self, host: str, port: int, scrape: Callable[[], str]) -> None:
        self._server = _open(host, port, scrape)
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _open(host: str, port: int, scrape: Callable[[], str]) -> ThreadingHTTPServer:
    class Answering(BaseHTTPRequestHandler):
        """One request."""

        timeout = SECONDS

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, "There is only /metrics here.\n")
                return
            try:
                text = scrape()
            except Exception:  # noqa: BLE001 - a scrape that fails must show as one, and must not end the server
                self._answer(500, "How things stand could not be found out; the log says why.\n")
                return
            self._answer(200, text)

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a scrape every few seconds is no news."""

    ThreadingHTTPServer.daemon_threads = True
    try:
        return ThreadingHTTPServer((host, port), Answering)
    except OSError as error:
        raise UsageError(
            f"metrics cannot be shown at {host}:{port}: {(error.strerror or str(error)).lower()}",
            "Choose another address for 'listen' in [metrics].",
        ) from error
