"""Mail, chat rooms, pagers and a hundred services more, through one library that knows their addresses.

An address is a secret: whoever has it can speak in our name, and often it holds a password. The library writes what it
is given into its log, and into what it returns. So its log is cut off, and of what it returns only that is passed on
which cannot hold an address: a status, and the number that a server answered with.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from covenant.kernel.errors import ChannelError, CovenantError
from covenant.respond.condition import Severity

if TYPE_CHECKING:
    from apprise import Apprise

SECONDS = 20.0
"""How long one message may take."""
_TALKATIVE = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")
_ONE_AT_A_TIME = Lock()
_KINDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure", None: "success"}


class AppriseChannel:
    """One address. It is asked for at each message and never kept, so that a new one holds at once."""

    def __init__(self, name: str, address: Callable[[], str], seconds: float = SECONDS) -> None:
        self._name = name
        self._address = address
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"AppriseChannel({self._name!r})"

    def send(self, title: str, body: str, severity: Severity | None) -> None:
        """Deliver a message; takes ``seconds`` at most. Raises ``ChannelError``."""
        with _overheard() as said:
            result = self._service().notify(
                body=body, title=title, notify_type=_KINDS[severity], body_format="text", timeout=self._seconds
            )
        if not result:
            why = self._why(result.status.name, " ".join(said))
            raise ChannelError(why, f"Run 'covenant alerts test {self._name}' until it arrives.")

    def _service(self) -> Apprise:
        """The library, with this one address."""
        try:
            address = self._address()
        except CovenantError as error:
            raise ChannelError(error.message, error.hint) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the library's own imports
            from apprise import Apprise, AppriseAsset

            asset = AppriseAsset(app_id="Covenant", app_desc="Covenant", storage_mode="memory", async_mode=False)
            service = Apprise(asset=asset)
            understood = service.add(address)
        if not understood:
            raise ChannelError(
                "its address cannot be understood",
                "Write it as Apprise has it: 'mailto://…', 'slack://…', 'json://…'; one address, on one line.",
            )
        return service

    def _why(self, status: str, said: str) -> str:
        answer = re.search(r"error=([1-5]\d\d)\b", said)
        if answer:
            return f"the server answered {answer[1]}"
        if status == "TIMEOUT":
            return f"no answer within {self._seconds:g} s"
        return "no connection, or no answer in time" if "onnection error" in said else "the message was not taken"


class _Overhearing(logging.Filter):
    """Keeps what a library says to itself, and lets none of it through."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep it."""
        self._said.append(record.getMessage())
        return False


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the libraries say meanwhile; nothing of it reaches any log. One message at a time."""
    said: list[str] = []
    hearing = _Overhearing(said)
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    with _ONE_AT_A_TIME:
        for logger in loggers:
            logger.addFilter(hearing)
        try:
            yield said
        finally:
            for logger in loggers:
                logger.removeFilter(hearing)
