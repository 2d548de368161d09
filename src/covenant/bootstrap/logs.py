"""Putting together what follows a change log, seals it, looks it over and gives it back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from covenant import __version__
from covenant.bootstrap import OpenVault
from covenant.kernel.errors import SourceError
from covenant.kernel.findings import Finding
from covenant.kernel.spans import place_text
from covenant.recover.continuity import State

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.address import Address
    from covenant.adapters.sources.postgres.streaming import PostgresLog
    from covenant.adapters.sources.postgres.watching import Health
    from covenant.kernel.clock import Clock
    from covenant.protect.sealing import Held, SealingJob
    from covenant.recover.continuity import Stretch, Tip, Window
    from covenant.settings.values import Source
    from covenant.vault.pieces import Piece
    from covenant.vault.vault import Vault

_LOCK_SECONDS = 180.0
"""So long a piece waits for whoever holds the vault alone, such as a prune; its source waits meanwhile."""


def address_of(source: Source, variables: Mapping[str, str]) -> Address:
    """Where a source's server is. Raises ``SourceError`` for a kind that has no change log."""
    from covenant.adapters.sources.postgres.address import Address
    from covenant.settings import values

    system = source.system
    if not isinstance(system, values.Postgres):
        raise SourceError(
            f"source '{source.name}' has no change log that could be followed: its kind is '{source.kind}'",
            "Only PostgreSQL has one. How often the others are kept stands in their schedule.",
        )
    return Address(source.name, system.url.resolve(variables), system.database)


def log_source(
    source: Source,
    variables: Mapping[str, str],
    clock: Clock,
    told: Callable[[Finding], None] = lambda finding: None,
    watched: Callable[[Health], None] = lambda health: None,
    vault: Vault | None = None,
) -> PostgresLog:
    """What follows the change log of a source; what the ``vault`` has of it is held against what the server has.

    Raises ``SourceError`` for a kind that has none.
    """
    from covenant.adapters.sources.postgres.streaming import PostgresLog
    from covenant.settings import values

    address = address_of(source, variables)
    assert isinstance(source.system, values.Postgres)

    def kept(piece: Piece, name: str) -> bytes:
        return log_file(vault, piece, name) if vault is not None else b""

    return PostgresLog(source.name, address, source.system.slot, clock, told, watched, kept)


def log_file(vault: Vault, piece: Piece, name: str) -> bytes:
    """What a piece has of a file of the log, full or not. Raises ``DamageError``, ``ObjectMissing``."""
    from covenant.vault.log_files import files_of
    from covenant.vault.pack import BlobType
    from covenant.vault.reader import read_blob

    vault.forget_index()
    file = next((each for each in files_of(vault, piece.snapshot) if each.full_name == name), None)
    content = file.content if file is not None else ()
    return b"".join(read_blob(vault, bytes.fromhex(blob), BlobType.DATA) for blob in content)


def sealing_job(opened: OpenVault, source: str, confirm: Callable[[], None] = lambda: None) -> SealingJob:
    """What seals a log into a vault, which is held for each piece and not in between."""
    from covenant.protect.sealing import Held, SealingJob

    @contextlib.contextmanager
    def hold() -> Iterator[Held]:
        with opened.held("shared", _LOCK_SECONDS) as held:

            def both() -> None:
                held.confirm()
                confirm()

            yield Held(held.appending, both)

    return SealingJob(
        source=source,
        vault=opened.vault,
        store=opened.appending,
        hold=hold,
        owner=opened.owner,
        clock=opened.clock,
        program=f"covenant {__version__}",
    )


def pieces(vault: Vault, source: str) -> list[Piece]:
    """Every piece that can be read of a source's log. One that is damaged is taken for missing: it is sent again."""
    from covenant.vault.pieces import pieces_of, try_snapshots

    return pieces_of(try_snapshots(vault)[0], source)


# -- how a log stands -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogStanding:
    """How one source's log stands. ``until`` is the moment up to which it is complete, by its server's clock."""

    source: str
    until: datetime | None
    pieces: int
    stretches: tuple[Stretch, ...]
    windows: tuple[Window, ...]
    health: Health | None
    findings: tuple[Finding, ...]


def log_standing(opened: OpenVault, source: Source, variables: Mapping[str, str] | None) -> LogStanding:
    """Look a log over; with ``variables`` its server is asked too. Raises the vault's and the store's errors."""
    from covenant.adapters.sources.postgres.shelf import Shelf
    from covenant.adapters.sources.postgres.watching import trouble
    from covenant.recover.continuity import continuity, windows
    from covenant.vault.pieces import bases, try_snapshots

    snapshots, damaged = try_snapshots(opened.vault)
    findings = [Finding("snapshot-damaged", opened.vault.url, str(each), each.hint) for each in damaged]
    shelf = Shelf(opened.vault, source.name, snapshots)
    tip, health = None, None
    if variables is not None:
        try:
            tip, health = ask_server(source, variables)
        except SourceError as error:
            findings.append(Finding("server-unasked", f"source '{source.name}'", error.message, error.hint))
    stretches = continuity(shelf.pieces, shelf.lineages, tip)
    findings += [_lost(source.name, each) for each in stretches if each.state is State.LOST]
    if health is not None and (found := trouble(health)) is not None:
        findings.append(found)
    return LogStanding(
        source=source.name,
        until=max((piece.until for piece in shelf.pieces), default=None),
        pieces=len(shelf.pieces),
        stretches=stretches,
        windows=windows(bases(snapshots, source.name), shelf.pieces, shelf.lineages),
        health=health,
        findings=tuple(findings),
    )


def ask_server(source: Source, variables: Mapping[str, str]) -> tuple[Tip, Health]:
    """What a source's server has of its log, and how its slot is. Raises ``SourceError``."""
    from covenant.adapters.sources.postgres.commands import identify
    from covenant.adapters.sources.postgres.watching import ask
    from covenant.adapters.sources.postgres.wire import Wire
    from covenant.recover.continuity import Tip
    from covenant.settings import values

    assert isinstance(source.system, values.Postgres)
    with Wire.connect(address_of(source, variables)) as wire:
        identity = identify(wire)
        health = ask(wire, source.system.slot)
    held = health.restart if health.restart is not None else identity.flushed
    return Tip(int(identity.system), identity.timeline, held, max(health.end, identity.flushed)), health


def _lost(source: str, stretch: Stretch) -> Finding:
    span = stretch.span
    return Finding(
        "log-lost",
        f"source '{source}'",
        f"the log from {place_text(span.begin)} to {place_text(span.end)} in timeline {span.timeline} is lost",
        f"What lies before it can be had back; 'covenant backup {source} --full' begins anew behind it.",
    )
