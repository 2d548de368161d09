"""Putting a snapshot in the place of another: the new one first, and only then is the old one removed.

Stopped in between, both are there. Done again, the new one is recognised by its text and not stored twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import msgspec

from covenant.kernel.errors import ObjectMissing, Refusal
from covenant.vault.names import SNAPSHOTS, object_name
from covenant.vault.ports import AppendStore, Store
from covenant.vault.snapshot import Snapshot, encode_snapshot
from covenant.vault.vault import Vault


class Replacements:
    """Stores snapshots that stand for others. ``present`` are those that the vault has."""

    def __init__(self, vault: Vault, present: Iterable[Snapshot]) -> None:
        self._vault = vault
        self._by_text = {encode_snapshot(snapshot): snapshot for snapshot in present}

    def put(self, store: AppendStore, old: Snapshot, new: Snapshot) -> Snapshot:
        """Store ``new`` unless it is there; returns it with its id. Raises ``Refusal`` if it would lose something."""
        text = encode_snapshot(new)
        if text not in self._by_text:
            refuse_unknown_fields(self._vault, old)
            self._by_text[text] = self._vault.save_snapshot(store, new)
        return self._by_text[text]

    def put_over(self, store: Store, old: Snapshot, new: Snapshot) -> Snapshot:
        """The same, and then remove ``old``."""
        stored = self.put(store, old, new)
        if stored.id != old.id:
            with contextlib.suppress(ObjectMissing):
                store.delete(object_name(SNAPSHOTS, old.id))
        return stored


def refuse_unknown_fields(vault: Vault, snapshot: Snapshot) -> None:
    """Raise ``Refusal`` for a snapshot that says something we do not understand, for we would drop it."""
    raw = _said(msgspec.json.decode(vault.load(SNAPSHOTS, snapshot.id)))
    understood = _said(msgspec.json.decode(encode_snapshot(snapshot)))
    if raw != understood:
        fields = sorted(key for key in raw if raw[key] != understood.get(key))
        raise Refusal(
            f"snapshot {snapshot.short_id} has fields that are not understood: {', '.join(fields)}",
            "A newer program took it; change it with that program.",
        )


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """What a snapshot says, whichever way it leaves out the rest."""
    return {key: value for key, value in fields.items() if value not in (None, "", 0, [], {})}
