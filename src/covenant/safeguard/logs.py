"""Which pieces of a change log stay: what the kept backups need to lead to a moment, and no more.

- From the newest backup that is as old as the window on, all of the log: so every moment of the window can be had back.
  That backup stays too, whatever the rules of retention say of it.
- What of the log was written while a kept backup was taken: without it that backup is not consistent.
- The newest piece of each timeline: the log is followed on from there.
- What bears a hold.

Of a server that no kept backup is of, the log stays for as long as the window reaches back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from covenant.safeguard.forget import ForgetPlan, Judged
from covenant.safeguard.protecting import HOLD_TAG
from covenant.safeguard.rules import Reason
from covenant.vault.pieces import BaseBackup, Piece, bases, pieces_of

_UNNEEDED = (Reason("unneeded", "no backup that is kept leads on by it"),)


def with_log(plan: ForgetPlan, windows: Mapping[str, timedelta]) -> ForgetPlan:
    """The plan of one source, in which its log is judged by the backups that the plan keeps.

    ``windows`` has the window of each source; the log of one that is not among them stays as it is.
    """
    everything = [judged.snapshot for judged in (*plan.keep, *plan.forget)]
    source = everything[0].source if everything else ""
    pieces = pieces_of(everything, source)
    if not pieces or source not in windows:
        return plan
    since = plan.at - windows[source]
    plan = _with_beginnings(plan, _beginnings(bases(everything, source), since))
    kept = bases((judged.snapshot for judged in plan.keep), source)
    judged = [(piece, tuple(_reasons(piece, pieces, kept, since))) for piece in pieces]
    known = {piece.snapshot.id for piece in pieces}
    stay = [row for row in plan.keep if row.snapshot.id not in known]
    return replace(
        plan,
        keep=(*stay, *(Judged(piece.snapshot, why) for piece, why in judged if why)),
        forget=(*plan.forget, *(Judged(piece.snapshot, _UNNEEDED) for piece, why in judged if not why)),
    )


def _beginnings(every: Iterable[BaseBackup], since: datetime) -> dict[int, BaseBackup]:
    """The backup, of each server, from which the moments since then are had back: the newest that is old enough."""
    found: dict[int, BaseBackup] = {}
    for base in sorted(every, key=lambda each: each.taken):
        if base.taken <= since or base.span.system not in found:
            found[base.span.system] = base
    return found


def _with_beginnings(plan: ForgetPlan, beginnings: dict[int, BaseBackup]) -> ForgetPlan:
    ids = {base.snapshot.id for base in beginnings.values()}
    why = (Reason("window", "the moments of the window are had back from it"),)
    saved = [Judged(row.snapshot, why) for row in plan.forget if row.snapshot.id in ids]
    left = tuple(row for row in plan.forget if row.snapshot.id not in ids)
    return replace(plan, keep=(*plan.keep, *saved), forget=left) if saved else plan


def _reasons(piece: Piece, pieces: Sequence[Piece], kept: Sequence[BaseBackup], since: datetime) -> Iterator[Reason]:
    own = [base for base in kept if base.span.system == piece.span.system]
    if _newest(piece, pieces):
        yield Reason("newest", "the log is followed on from it")
    if not own and piece.until >= since:
        yield Reason("window", "no backup was judged that it leads on from")
    for base in _beginnings(own, since).values():
        if piece.span.end > base.span.begin:
            yield Reason("window", f"leads on from backup {base.snapshot.short_id}")
    for base in own:
        if piece.span.begin < base.span.end and piece.span.end > base.span.begin:
            yield Reason("consistency", f"was written while backup {base.snapshot.short_id} was taken")
    for tag in piece.snapshot.tags:
        if tag.startswith(HOLD_TAG):
            yield Reason("hold", f"held: {tag.removeprefix(HOLD_TAG)}")


def _newest(piece: Piece, pieces: Sequence[Piece]) -> bool:
    """Whether nothing of its timeline reaches farther, or as far and is younger."""
    mine = (piece.span.end, piece.until, piece.snapshot.id)
    return not any(
        (other.span.system, other.span.timeline) == (piece.span.system, piece.span.timeline)
        and (other.span.end, other.until, other.snapshot.id) > mine
        for other in pieces
    )
