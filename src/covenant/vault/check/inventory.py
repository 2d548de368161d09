"""The small objects: config, keys, locks, snapshots, and objects that belong to no vault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

import msgspec

from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing, StoreError
from covenant.kernel.findings import Finding
from covenant.vault.config import decode_config
from covenant.vault.journal import read_pages
from covenant.vault.keys import decode_key
from covenant.vault.lock import LockFile
from covenant.vault.names import (
    CONFIG,
    EVIDENCE,
    EVIDENCE_KEYS,
    INDEX,
    JOURNAL,
    KEYS,
    LOCKS,
    POLICY,
    SNAPSHOTS,
    id_of,
    is_id,
    object_name,
)
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

_COPY = "Copy it from another region or an older copy of the vault."
_PAGES = (JOURNAL, POLICY, EVIDENCE_KEYS, EVIDENCE)
_SMALL_FOLDERS = (KEYS, INDEX, SNAPSHOTS, LOCKS)


def config_findings(vault: Vault) -> Iterator[Finding]:
    """Whether the config is there and whole."""
    try:
        config = decode_config(vault.sealer.open(vault.store.get(CONFIG)))
        if config != vault.config:
            yield Finding("config-damaged", CONFIG, "it is not the config that the vault was opened with", _COPY)
    except CovenantError as error:
        yield Finding("config-damaged", CONFIG, str(error), _COPY)


def key_findings(vault: Vault) -> Iterator[Finding]:
    """Whether every key is whole: a damaged one may be the one that somebody will need."""
    hint = f"{_COPY} Or remove it and add its password anew with 'covenant key'."
    keys = sorted(vault.store.list(KEYS))
    for listed in keys:
        key_id = id_of(listed.name)
        try:
            raw = vault.store.get(listed.name)
            if sha256(raw).hexdigest() != key_id:
                raise DamageError("its bytes do not match its name")
            decode_key(raw, key_id)
        except ObjectMissing:
            continue  # removed since it was listed
        except (DamageError, StoreError) as error:
            yield Finding("key-damaged", listed.name, str(error), hint)
    if not keys:
        yield Finding("key-missing", KEYS, "the vault has no key; only who has it open can still read it", _COPY)
    elif vault.key_id and object_name(KEYS, vault.key_id) not in {listed.name for listed in keys}:
        yield Finding("key-missing", object_name(KEYS, vault.key_id), "the key in use is gone", _COPY)


def lock_notes(vault: Vault, now: datetime) -> Iterator[Finding]:
    """Every lock: worth knowing, and no damage."""
    for listed in sorted(vault.store.list(LOCKS)):
        hint = "Remove locks of dead processes with 'covenant unlock'."
        try:
            lock = msgspec.json.decode(vault.load(LOCKS, id_of(listed.name)), type=LockFile)
            stale = lock.stale(int(now.timestamp() * 1e9), "")
            yield Finding("lock-stale" if stale else "lock", listed.name, str(lock), hint if stale else "")
        except ObjectMissing:
            continue
        except (DamageError, StoreError, msgspec.MsgspecError) as error:
            yield Finding("lock-unreadable", listed.name, str(error), hint)


def journal_findings(vault: Vault) -> Iterator[Finding]:
    """Whether every page of what was done, promised and proved is whole. No data depends on it."""
    return (finding for folder in _PAGES for finding in read_pages(vault, folder).findings)


def load_snapshots(vault: Vault) -> tuple[list[Snapshot], list[Finding]]:
    """Every snapshot that loads, oldest first, and what is the matter with the others."""
    snapshots, findings = list[Snapshot](), list[Finding]()
    for snapshot_id in vault.snapshot_ids():
        try:
            snapshot = vault.load_snapshot(snapshot_id)
            if not is_id(snapshot.tree):
                raise DamageError(f"its tree is called {snapshot.tree[:70]!r}")
            snapshots.append(snapshot)
        except ObjectMissing:
            continue  # forgotten since it was listed
        except (DamageError, StoreError) as error:
            name, affects = object_name(SNAPSHOTS, snapshot_id), (f"{snapshot_id[:8]}:/",)
            findings.append(Finding("snapshot-damaged", name, str(error), _COPY, affects))
    return sorted(snapshots, key=lambda snapshot: snapshot.time_), findings


def foreign_notes(vault: Vault) -> Iterator[Finding]:
    """Objects beside keys, indexes, snapshots and locks that no vault would name so."""
    for folder in _SMALL_FOLDERS:
        for listed in vault.store.list(folder):
            if listed.name != object_name(folder, id_of(listed.name)):
                yield foreign(listed.name)


def foreign(name: str) -> Finding:
    """An object that is not ours."""
    return Finding("object-foreign", name, "it is no part of a vault")
