"""Where the catalog and the vaults meet: taking up what a vault has, keeping there what has weight, and rebuilding.

Neither knows the other. What was done goes first into the catalog and then, in pages, into the vault that it concerns;
so a catalog that was lost is made again from the vaults, and lacks at most what happened since the last page.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from covenant.catalog.records import Kept
from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.prove.evidence.sealing import Chain
from covenant.prove.evidence.watching import note_keys
from covenant.vault.journal import read_pages, write_page
from covenant.vault.names import SNAPSHOTS, object_name

if TYPE_CHECKING:
    from covenant.catalog.catalog import Catalog
    from covenant.vault.ports import AppendStore
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

_READERS = 8
"""Snapshots read at once: each is a small object, and a store behind a network makes each wait."""


@dataclass(slots=True)
class Remembered:
    """What the catalog was given from the vaults, and what could not be read there."""

    snapshots: int = 0
    gone: int = 0
    runs: int = 0
    proofs: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)


def kept_of(snapshot: Snapshot, vault: str) -> Kept:
    """What decisions need to know of a snapshot."""
    summary = snapshot.summary or {}
    return Kept(
        id=snapshot.id,
        vault=vault,
        source=snapshot.source,
        kind=snapshot.kind,
        time=snapshot.time,
        position=snapshot.position,
        hostname=snapshot.hostname,
        tags=snapshot.tags,
        files=_number(summary.get("total_files_processed")),
        bytes=_number(summary.get("total_bytes_processed")),
        added_bytes=_number(summary.get("data_added")),
    )


def take_up(
    catalog: Catalog, name: str, vault: Vault, now: datetime, remembered: Remembered | None = None
) -> Remembered:
    """Make the catalog agree with what the vault has. Only snapshots that it does not know are read."""
    into = remembered or Remembered()
    there, known = frozenset(vault.snapshot_ids()), catalog.known(name)
    with ThreadPoolExecutor(_READERS) as readers:
        read = list(readers.map(lambda snapshot_id: _read(vault, snapshot_id), sorted(there - known)))
    into.findings += [each for each in read if isinstance(each, Finding)]
    taken = catalog.take_up(
        name,
        [kept_of(each, name) for each in read if each is not None and not isinstance(each, Finding)],
        there & known,
        now=now,
    )
    into.snapshots += taken.added
    into.gone += taken.gone
    return into


def record(catalog: Catalog, name: str, vault: Vault, store: AppendStore, now: datetime) -> int:
    """Keep in the vault whatever of weight does not lie there yet, as evidence too; how many pages that took.

    Killed between two steps, all of it is done once more: a record that is read twice is one.
    """
    evidence, pages = Chain(catalog, vault, store, os.uname().nodename), 0
    note_keys(catalog, name, vault, now)
    while sealed := evidence.go_on(name, now):
        page, place = sealed
        write_page(vault, store, page.text)
        catalog.recorded(page)
        evidence.settle(place)
        pages += 1
    return pages


def rebuild(catalog: Catalog, vaults: Mapping[str, Vault] | Iterable[tuple[str, Vault]], now: datetime) -> Remembered:
    """Fill the catalog from the vaults with everything that it does not know."""
    into = Remembered()
    named = [*(vaults.items() if isinstance(vaults, Mapping) else vaults)]
    read = [read_pages(vault) for _, vault in named]
    into.findings += [finding for pages in read for finding in pages.findings]
    # The journal before the snapshots: what it tells of them already is not told again.
    into.runs, into.proofs, into.entries = catalog.restore([text for pages in read for text in pages.texts], now)
    for name, vault in named:
        take_up(catalog, name, vault, now, into)
    return into


def _read(vault: Vault, snapshot_id: str) -> Snapshot | Finding | None:
    try:
        return vault.load_snapshot(snapshot_id)
    except ObjectMissing:
        return None  # forgotten since it was listed
    except DamageError as error:
        name = object_name(SNAPSHOTS, snapshot_id)
        return Finding("snapshot-damaged", name, str(error), "Run 'covenant check' to see what else is.")


def _number(value: object) -> int:
    """A number of another program's summary, which may say anything."""
    return value if isinstance(value, int) and value >= 0 else 0
