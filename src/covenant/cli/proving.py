"""Reading back for whoever asked for it, and what is said of it: region by region, and nothing unread called passed."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from covenant.cli import exits, formats
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.signals import Stop, until_stopped
from covenant.kernel.errors import CatalogError, Interrupted, UsageError
from covenant.prove.rolling import WITHIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covenant.bootstrap.verifying import Choose, Verified
    from covenant.prove.rolling import Account

TODAY = timedelta(days=1)
_THEN = ("covenant.bootstrap.verifying",)


def verify(session: Session, regions: tuple[str, ...], choose: Choose) -> int:
    """Read copies back; returns the exit code."""

    def work(stop: Stop) -> int:
        from covenant.bootstrap import verifying
        from covenant.prove.reading_back import Manner

        _refuse_unknown(session, regions)
        before = _known(session)
        with session.read(then=_THEN) as opened, session.progress("verify") as progress:
            manner = Manner(clock=session.clock, progress=progress, lanes=session.lanes, stop=stop.event)
            done = verifying.verify(
                opened, session.marks_dir, within(session), choose, manner, regions=regions, before=before
            )
        verifying.note(opened.opener, done)
        _remember(session, done, before)
        _show(session, done)
        if stop.signal:
            raise Interrupted("stopped by a signal", "What was read is remembered. Run it again to go on.")
        return exits.DONE if done.verdict == "passed" else exits.FINDINGS

    return until_stopped(session.output, work)


def within(session: Session) -> timedelta:
    """The time in which the vault that is meant shall be read back."""
    vault = session.vault_at(session.place())
    return (vault.verify_within if vault is not None else WITHIN) or WITHIN


def _refuse_unknown(session: Session, regions: tuple[str, ...]) -> None:
    known = [place.name for place in session.opener(session.place()).places]
    for name in regions:
        if name not in known:
            raise UsageError(f"there is no region '{name}'", f"There are: {', '.join(known)}.")


# -- what is remembered -----------------------------------------------------------------------------------------------


def _known(session: Session) -> Mapping[str, Account]:
    """How far each region was proved so far, where a ``covenant.toml`` has the vault and its catalog can be had."""
    from covenant.prove.accounts import KIND, from_json

    vault = session.vault_at(session.place())
    with contextlib.suppress(CatalogError):
        if vault is not None:
            with session.catalog() as catalog:
                proof = catalog.history().vault(vault.name).proofs.get(KIND)
                return from_json(proof.detail) if proof is not None else {}
    return {}


def _remember(session: Session, done: Verified, before: Mapping[str, Account]) -> None:
    """Let ``covenant status`` know."""
    from covenant.catalog.records import Proof
    from covenant.prove.accounts import KIND, to_json

    vault = session.vault_at(session.place())
    if vault is None:
        return
    detail = to_json({**before, **done.accounts}.values())
    proof = Proof(
        subject=vault.name, kind=KIND, at=session.clock.now(), verdict=done.verdict, detail=detail, vault=vault.name
    )
    session.tell_catalog(lambda catalog: catalog.prove(proof))


# -- what is said -----------------------------------------------------------------------------------------------------

_COLUMNS = ("Region", "Objects", "Bytes", "Read", "Damaged", "Not verified", "Speed", "Proved", "Oldest")


def _show(session: Session, done: Verified) -> None:
    output = session.output
    output.table(_COLUMNS, (_row(session, done, name) for name in done.accounts), right=(1, 2, 3, 4, 5, 6, 7))
    output.findings(done.damaged)
    for name, why in done.not_verified.items():
        output.result(f"region '{name}' could not be verified: {why}")
    output.say(done.verdict)
    output.document(
        {
            "verdict": done.verdict,
            "regions": [_document(done, name) for name in done.accounts],
            "findings": as_dicts(done.damaged),
        }
    )


def _row(session: Session, done: Verified, name: str) -> tuple[str, ...]:
    account, tally = done.accounts[name], done.tallies.get(name)
    if tally is None:
        return (name, "?", "?", "0", "?", "everything", "", "?", "")
    speed = f"{formats.size(tally.bytes / tally.seconds)}/s" if tally.seconds else ""
    return (
        name,
        formats.number(account.objects),
        formats.size(account.bytes),
        formats.number(tally.objects),
        formats.number(len(tally.damaged)),
        formats.number(tally.unread + tally.archived),
        speed,
        f"{_percent(account)} %",
        "" if account.oldest is None else f"{formats.age(session.clock.now() - account.oldest)} ago",
    )


def _percent(account: Account) -> int:
    """Whole percents, and 100 only for everything."""
    return int(100 * account.share) if account.read_objects < account.objects else 100


def _document(done: Verified, name: str) -> dict[str, Any]:
    account, tally = done.accounts[name], done.tallies.get(name)
    read = {} if tally is None else {**asdict(tally), "damaged": as_dicts(tally.damaged)}
    left_out, missing = done.left_out.get(name), done.missing.get(name, 0)
    return {**asdict(account), "missing": missing, "verified": read, "left_out": left_out}
