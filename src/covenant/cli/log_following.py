"""Following a change log from the command line: until a signal, with a line for each thing that happens."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from covenant.bootstrap import logs
from covenant.bootstrap.log_keeping import Merging
from covenant.cli import exits, formats
from covenant.cli.session import Session
from covenant.cli.signals import stopping
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.watching import Health
    from covenant.kernel.errors import CovenantError
    from covenant.kernel.findings import Finding
    from covenant.protect.sealing import Sealed
    from covenant.settings.values import Postgres, Source


def named(session: Session, name: str | None) -> Source:
    """The source that is meant: the one that is named, or the only one that has a change log."""
    sources = session.required_settings().sources
    if name is None:
        found = [each for each in sources.values() if each.kind == "postgres" and not each.dumped]
        if len(found) != 1:
            said = ", ".join(each.name for each in found) or "none"
            raise UsageError(f"the sources with a change log are: {said}", "Name one of them.")
        return found[0]
    if name not in sources:
        raise UsageError(f"there is no source '{name}'", f"In {session.config_path} there are: {', '.join(sources)}.")
    return sources[name]


def stream(session: Session, name: str) -> int:
    """Follow until a signal; the exit code says whether anything was found wrong meanwhile."""
    from covenant.protect.following import Following, follow, persist

    source = named(session, name)
    told = _Told(session, source.name)
    system: Postgres = source.system  # type: ignore[assignment]
    with session.opened("none", session.place_named(source.vault)) as opened, stopping(session.output.note) as stop:
        job = logs.sealing_job(opened, source.name)
        variables = session.environment.variables
        following = logs.log_source(source, variables, session.clock, told.found, told.watched, opened.vault)

        merging = Merging(opened, source.name)

        def sealed(piece: Sealed) -> None:
            told.sealed(piece)
            merging.when_due()

        def attempt() -> None:
            last = logs.pieces(opened.vault, source.name)
            told.began(len(last))
            follow(Following(following, job, last, system.log_interval, stop.event, sealed))

        persist(attempt, session.clock, stop.event, told.failed)
        merging.finish()
    told.ended()
    return exits.FINDINGS if told.findings else exits.DONE


class _Told:
    """What is said while a log is followed: text for people, or a document for each thing that happened."""

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source
        self._scarce = ""
        self._pieces = self._bytes = self._stored = 0
        self.findings: list[Finding] = []

    def began(self, pieces: int) -> None:
        """The vault was looked through."""
        self._say("following", f"following the log of {self._source}, {pieces} pieces are in the vault", pieces=pieces)

    def sealed(self, sealed: Sealed) -> None:
        """A piece is durable."""
        span, added = sealed.piece.span, sealed.added
        self._pieces += 1
        self._bytes += added.data_bytes
        self._stored += added.stored_bytes
        if not added.data_bytes and not self._session.output.json:
            return
        self._say(
            "sealed",
            f"sealed {formats.size(added.data_bytes)} up to {str(span).rpartition('-')[2]}, complete until "
            f"{formats.local(sealed.piece.until)}",
            snapshot_id=sealed.piece.snapshot.id,
            span=str(span),
            until=sealed.piece.until,
            bytes=added.data_bytes,
            stored_bytes=added.stored_bytes,
            seconds=sealed.seconds,
        )

    def found(self, finding: Finding) -> None:
        """Something that a person should know."""
        self.findings.append(finding)
        self._session.output.findings([finding])
        self._document("finding", finding=asdict(finding))

    def watched(self, health: Health) -> None:
        """How the slot is: told when it becomes worse."""
        from covenant.adapters.sources.postgres.watching import trouble

        finding = trouble(health)
        kind = finding.kind if finding else ""
        if finding is not None and kind != self._scarce:
            self.found(finding)
        self._scarce = kind

    def failed(self, error: CovenantError, failures: int, pause: float) -> None:
        """It broke off, and is tried again after a pause."""
        output = self._session.output
        if output.speaks:
            output.err.write(f"{error.message}; trying again in {pause:.0f} s\n")
            if error.hint:
                output.err.write(f"  HINT: {error.hint}\n")
        self._document("failed", message=error.message, hint=error.hint, failures=failures, pause=pause)

    def ended(self) -> None:
        """It was stopped."""
        said = f"sealed {self._pieces:,} pieces, {formats.size(self._bytes)}, {formats.size(self._stored)} in the vault"
        self._say("ended", said, pieces=self._pieces, bytes=self._bytes, stored_bytes=self._stored)

    def _say(self, event: str, text: str, **more: Any) -> None:
        self._session.output.say(text)
        self._document(event, **more)
        self._session.output.out.flush()

    def _document(self, event: str, **more: Any) -> None:
        document = {"at": self._session.clock.now(), "event": event, "source": self._source, **more}
        self._session.output.document(document)
        self._session.output.out.flush()
