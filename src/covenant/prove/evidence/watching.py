"""Noting what nobody need have told: which passwords open a vault, and what was promised.

Both are compared with what was noted last, so that a change is noted whoever made it, and with whatever program. The
same change has the same name each time, and is noted once.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Entry
from covenant.kernel.durations import format_interval
from covenant.kernel.errors import LeaseLost
from covenant.kernel.policy import Policy, SourcePolicy
from covenant.prove.evidence.promised import drills_in
from covenant.vault.passwords import list_passwords
from covenant.vault.vault import Vault

POLICY = "policy"


def note_keys(catalog: Catalog, name: str, vault: Vault, now: datetime) -> None:
    """Note the passwords' keys that came or went since this was last called."""
    there = {key.id: key for key in list_passwords(vault)}
    kept = f"keys:{vault.config.id}"
    text = catalog.remembered(kept)
    known = set(text.split())
    if known == there.keys():
        return
    for kind, ids in (("key-added", there.keys() - known), ("key-removed", known - there.keys())):
        for key in sorted(ids):
            whose = there.get(key)
            facts = {"key": key, **({"user": whose.username, "host": whose.hostname} if whose else {})}
            catalog.note_once(
                Entry(
                    at=_made(whose.created, now) if whose else now,
                    kind=kind,
                    subject=name,
                    actor=f"{whose.username}@{whose.hostname}" if whose else "",
                    text=msgspec.json.encode(facts).decode(),
                    vault=name,
                    uid=_uid(kind, vault.config.id, key),
                )
            )
    try:
        catalog.remember(kept, " ".join(sorted(there)), text)
    except LeaseLost:
        return  # another has noted the same


def note_policy(catalog: Catalog, policy: Policy, actor: str, now: datetime) -> None:
    """Note what was promised for each vault, where it is not what was noted last."""
    for vault in policy.vaults:
        text = msgspec.json.encode(policy_facts(policy, vault), order="deterministic").decode()
        last = catalog.journal(kind=POLICY, subject=vault, most=1)
        if not last or last[0].text != text:
            catalog.note(Entry(at=now, kind=POLICY, subject=vault, actor=actor, text=text, vault=vault))


def policy_facts(policy: Policy, vault: str) -> dict[str, Any]:
    """What was promised for a vault, as a record says it: in full, and as the hash of that."""
    promised = policy.vaults[vault]
    said = {
        "drills": drills_in(policy),
        "sources": {each.source: _source(each) for each in policy.sources.values() if each.vault == vault},
        "regions": list(promised.regions),
        "acknowledge": promised.acknowledge.value,
        "verify_within": "" if promised.verify_within is None else format_interval(promised.verify_within.value),
        "chores": {kind: str(stated.value) for kind, stated in promised.chores.items()},
        "commitments": {each.name: each.text for each in policy.commitments},
    }
    return {"sha256": sha256(msgspec.json.encode(said, order="deterministic")).hexdigest(), **said}


def _source(promised: SourcePolicy) -> dict[str, Any]:
    return {
        "kind": promised.system,
        "class": promised.data_class,
        "tier": promised.tier,
        "rpo": format_interval(promised.rpo.value),
        "rto": format_interval(promised.rto.value),
        "window": format_interval(promised.window.value),
        "copies": promised.copies.value,
        "priority": promised.priority.value,
        "keep": str(promised.keep) if promised.keep else "everything",
        "immutable": format_interval(promised.immutable.value) if promised.immutable else "",
        "schedules": {kind: str(stated.value) for kind, stated in promised.schedules.items()},
        "covered": promised.covered,
    }


def _uid(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def _made(created: str, now: datetime) -> datetime:
    """When a key says that it was made."""
    try:
        moment = msgspec.convert(created, datetime)
    except msgspec.ValidationError:
        return now
    return moment if moment.tzinfo else now
