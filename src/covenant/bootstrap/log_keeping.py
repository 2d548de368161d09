"""Keeping a log's pieces in order: merged as they age, and let go where nothing that is kept needs them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from covenant import __version__
from covenant.bootstrap import OpenVault
from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing

if TYPE_CHECKING:
    from covenant.kernel.policy import Policy
    from covenant.safeguard.forget import ForgetPlan
    from covenant.safeguard.merging import Merge
    from covenant.vault.pieces import Piece
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

_EVERY_SECONDS = 3600.0


def merge_pieces(held: OpenVault, source: str) -> int:
    """Merge what is old enough, in a vault that is held alone; how many pieces that left fewer.

    Pieces that cannot be read stay as they are, for a check to find.
    """
    from covenant.safeguard import forget as forgetting
    from covenant.safeguard.merging import MergePlan, plan_merges, stand_ins
    from covenant.safeguard.merging import forgetting as what_goes
    from covenant.vault.pieces import pieces_of, try_snapshots

    now = held.clock.now()
    pieces = pieces_of(try_snapshots(held.vault)[0], source)
    plan = plan_merges(pieces, now)
    done = [(merge, snapshot) for merge in plan.merges if (snapshot := _merged(held, merge)) is not None]
    sound = _Sound(held.vault)
    covered = tuple(
        piece for piece in plan.covered if any(sound.is_(other) for other in stand_ins(piece, pieces, plan.covered))
    )
    carried_out = MergePlan(tuple(merge for merge, _ in done), covered)
    gone = what_goes(carried_out, [snapshot for _, snapshot in done], now)
    if (terms := held.terms) is not None:
        gone = forgetting.around(gone, terms)
    return forgetting.apply(gone, held.vault, held.whole) - len(done)


class _Sound:
    """Whether what a piece names is there, each looked up once."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, bool] = {}

    def is_(self, piece: Piece) -> bool:
        """Whether its tree can be read and the vault has all of its blobs."""
        if piece.snapshot.id not in self._known:
            self._known[piece.snapshot.id] = self._asked(piece)
        return self._known[piece.snapshot.id]

    def _asked(self, piece: Piece) -> bool:
        from covenant.safeguard.merging import refuse_missing
        from covenant.vault.log_files import files_of

        try:
            refuse_missing(self._vault, files_of(self._vault, piece.snapshot))
        except (DamageError, ObjectMissing):
            return False
        return True


def _merged(held: OpenVault, merge: Merge) -> Snapshot | None:
    from covenant.safeguard.merging import merged

    try:
        held.confirm()
        return merged(merge, held.vault, held.appending, held.owner, f"covenant {__version__}")
    except (DamageError, ObjectMissing):
        return None


def with_logs(plans: Sequence[ForgetPlan], policy: Policy) -> list[ForgetPlan]:
    """The plans, one for each source, in which change logs are judged by the backups that stay."""
    from covenant.safeguard.logs import with_log

    windows = {name: promised.window.value for name, promised in policy.sources.items()}
    return [with_log(plan, windows) for plan in plans]


class Merging:
    """Merges the pieces of a log about once an hour, aside, while it is followed; when nobody else needs the vault."""

    def __init__(self, opened: OpenVault, source: str) -> None:
        self._opened = opened
        self._source = source
        self._due_at = opened.clock.monotonic() + _EVERY_SECONDS
        self._thread: threading.Thread | None = None

    def when_due(self) -> None:
        """Begin, if it is time."""
        now = self._opened.clock.monotonic()
        if now < self._due_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_at = now + _EVERY_SECONDS
        self._thread = threading.Thread(target=self._merge, name=f"merge-{self._source}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for what was begun."""
        if self._thread is not None:
            self._thread.join()

    def _merge(self) -> None:
        fresh = replace(self._opened, vault=self._opened.vault.anew())
        with contextlib.suppress(CovenantError):  # someone is at work there: next time, or when the vault lets go
            with fresh.held("exclusive") as held:
                merge_pieces(held, self._source)
