"""Terms of immutability: which store has them, which were promised, and extending them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import Opener, OpenVault
from covenant.kernel.errors import Refusal
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.kernel.policy import Policy
    from covenant.safeguard.terms import TermPlan, TermStore

_MEMORY = "terms.json"
_LANES = 16


@dataclass(frozen=True, slots=True)
class Extended:
    """What came of extending terms; ``plan`` is what was to be done."""

    plan: TermPlan
    findings: tuple[Finding, ...]


def term_store(opening: Opener) -> TermStore | None:
    """What sets and tells the terms in a vault's store, or ``None`` where it keeps none. Asks nothing yet."""
    if "immutable" not in opening.spec.options:
        return None
    from covenant.adapters.stores.s3_terms import ObjectLockStore

    return ObjectLockStore.open(opening.spec.url, opening.spec.options)


def promised_terms(policy: Policy) -> dict[str, timedelta]:
    """How long from its taking a snapshot of each source shall be immutable."""
    return {
        name: source.immutable.value
        for name, source in policy.sources.items()
        if source.immutable and source.immutable.value
    }


def extend_terms(opened: OpenVault, policy: Policy, now: datetime) -> Extended:
    """Extend whatever the policy asks: the chore ``lock``. Cheap where nothing is to be done."""
    return extend(opened, promised_terms(policy), now)


def extend(
    opened: OpenVault, terms: Mapping[str, timedelta], now: datetime, *, again: bool = False, dry_run: bool = False
) -> Extended:
    """Extend the terms of what snapshots of these sources need; ``again`` believes nothing that is remembered.

    Raises ``Refusal`` where terms are promised and the store keeps none: then nothing is protected.
    """
    from covenant.safeguard import terms as planning

    memory = _Memory(opened)
    if again:
        memory.until.clear()
    snapshots = list(opened.vault.snapshots())
    decided = planning.plan(opened.vault, planning.promised(snapshots, terms, now), memory.until, now=now)
    if dry_run or not (decided.extensions or decided.findings):
        return Extended(decided, decided.findings)
    store = term_store(opened.opener)
    if store is None:
        raise Refusal(
            f"{len(decided.promised)} snapshots are promised a term, and {opened.vault.url} keeps none",
            "Give the store the option immutable = 'object-lock', in a bucket that has it.",
        )
    try:
        findings = planning.apply(decided, store, memory.until, lanes=_LANES)
    finally:
        memory.write(now)
    return Extended(decided, findings)


def held_until(opened: OpenVault, snapshot_ids: Iterable[str]) -> dict[str, datetime | None]:
    """What the store itself says of these snapshots' objects."""
    from covenant.kernel.errors import ObjectMissing
    from covenant.vault.lanes import in_threads
    from covenant.vault.names import SNAPSHOTS, object_name

    store = term_store(opened.opener)

    def ask(snapshot_id: str) -> tuple[str, datetime | None]:
        try:
            return snapshot_id, None if store is None else store.term(object_name(SNAPSHOTS, snapshot_id))
        except ObjectMissing:
            return snapshot_id, None

    return dict(in_threads(ask, snapshot_ids, _LANES))


class _Memory:
    """What was extended until when, in the cache of this machine: losing it costs requests, and no term."""

    def __init__(self, opened: OpenVault) -> None:
        self._path = opened.vault.cache / _MEMORY if opened.vault.cache else None
        self._store = opened.vault.url
        self.until: dict[str, datetime] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            said = json.loads((self._path or Path(os.devnull)).read_text())[self._store]
            self.until = {name: datetime.fromisoformat(until) for name, until in said.items()}

    def write(self, now: datetime) -> None:
        """Keep it, without what is over."""
        if self._path is None:
            return
        lasting = {name: until.isoformat() for name, until in self.until.items() if until > now}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_suffix(f".{os.getpid()}")
            aside.write_text(json.dumps({self._store: lasting}))
            aside.replace(self._path)
