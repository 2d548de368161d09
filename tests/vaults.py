"""Vaults for tests: made cheaply, written to and read back through the public doors only."""

from __future__ import annotations

import os
from pathlib import Path

from covenant.adapters.sources.files.source import FilesSource
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.protect.backup import Job, Outcome, Settings, backup
from covenant.vault.keys import Cost
from covenant.vault.lock import Owner
from covenant.vault.ports import Store
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault, create_vault

PASSWORD = "correct horse"
CHEAP = Cost(n=1024)
"""A password hash that costs a millisecond: for tests only."""

OWNER = Owner("studio", "tester", os.getpid())
CLOCK = SystemClock()


def a_store(folder: Path) -> PosixStore:
    """A new, empty store in a folder."""
    store = PosixStore(folder)
    store.create_root()
    return store


def a_vault(store: Store) -> Vault:
    """A new, empty vault in a store."""
    return create_vault(store, PASSWORD, CHEAP, CLOCK)


def back_up(
    vault: Vault,
    store: Store,
    *paths: Path,
    parent: Snapshot | None = None,
    settings: Settings | None = None,
    kind: str = "incremental",
) -> Outcome:
    """Back up paths as an unnamed source."""
    source = FilesSource("", tuple(str(path) for path in paths))
    return backup(
        Job(source, vault, store, OWNER, CLOCK, kind=kind, parent=parent, settings=settings or Settings(lanes=2))
    )
