"""Checking a vault: everything is looked at, nothing stops at the first damage, and each names the files it costs.

    1. config, keys, locks, index files: read and opened
    2. packs: those that the index names are there, with the size that their blobs imply
    3. all data, where asked: every pack read, its hash, header and blobs proved, beside step 4
    4. snapshots and trees: every tree that is needed read once, its entries judged, its blobs looked up
    5. where something is damaged, the snapshots walked once more for the files that suffer

A vault may be added to while it is checked (under a shared lock): what appears meanwhile is not looked at.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from covenant.kernel.clock import Clock
from covenant.kernel.findings import Finding
from covenant.vault.check.affected import Sufferers
from covenant.vault.check.blobs import Blobs
from covenant.vault.check.index_files import read_index_files
from covenant.vault.check.inventory import (
    config_findings,
    foreign_notes,
    journal_findings,
    key_findings,
    load_snapshots,
    lock_notes,
)
from covenant.vault.check.ledger import Ledger, PackTrouble
from covenant.vault.check.packs import Packs
from covenant.vault.check.proof import Verdict
from covenant.vault.check.reading import Reading, Settings
from covenant.vault.check.report import CheckReport, Counts
from covenant.vault.check.subset import Subset
from covenant.vault.check.trees import TreeWalk
from covenant.vault.index import Index
from covenant.vault.names import INDEX, KEYS
from covenant.vault.vault import Vault


def check(
    vault: Vault,
    clock: Clock,
    *,
    read_data: Subset | None = None,
    settings: Settings | None = None,
    rng: Random | None = None,
) -> CheckReport:
    """Find all damage. ``rng`` picks the packs of a random subset.

    Raises ``StoreError`` only where not even a listing can be had.
    """
    begin = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="covenant-") as scratch:
        inspection = _Inspection(vault, clock, settings or Settings())
        inspection.inspect(read_data, rng or Random(), Path(scratch))
        return inspection.report(clock.monotonic() - begin)


class _Inspection:
    """One check, as it goes along."""

    def __init__(self, vault: Vault, clock: Clock, settings: Settings) -> None:
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._ledger = Ledger()
        self._counts = Counts()
        self._findings: list[Finding] = []
        self._notes: list[Finding] = []
        self._bytes_read = 0

    def inspect(self, read_data: Subset | None, rng: Random, scratch: Path) -> None:
        """Look at everything."""
        self._small_objects()
        # Before the index: what a snapshot needs was indexed before the snapshot was written (I2, I3).
        snapshots, damaged = load_snapshots(self._vault)
        self._findings += damaged
        self._counts.snapshots = len(snapshots) + len(damaged)

        with Reading(self._vault, self._settings) as proving:
            if read_data is not None:
                proving.prepare(sum(listed.size for listed in self._vault.store.list(INDEX)))
            reading = read_index_files(self._vault, scratch)
            self._findings += reading.findings
            self._blobs = blobs = Blobs(reading.segment)
            vault = Vault(self._vault.store, self._vault.master, self._vault.config)
            vault.index = Index([reading.segment])
            packs = Packs(vault, blobs)
            packs.compare(self._ledger)
            self._notes += packs.notes
            proving.begin(blobs, _chosen(packs, blobs, read_data, rng))
            walk = TreeWalk(vault, blobs, self._ledger)
            walk.walk(snapshot.tree for snapshot in snapshots)
            for verdict in proving.finish():
                self._judge(verdict)
        if self._ledger:
            Sufferers(vault, blobs, self._ledger).name(snapshots)
        self._bytes_read = proving.bytes_read
        counts = self._counts
        counts.index_files, counts.packs, counts.packs_unindexed = reading.files, len(blobs.numbers), packs.unindexed
        counts.blobs, counts.unused, counts.twice = len(blobs), blobs.unused(), blobs.twice
        counts.trees, counts.packs_read, counts.packs_archived = walk.trees, proving.packs, proving.archived
        self._notes += _blob_notes(counts)

    def report(self, seconds: float) -> CheckReport:
        """What came of it."""
        findings = (*self._findings, *self._ledger.findings())
        damaged = tuple(
            self._blobs.packs[number].hex()
            for number, trouble in self._ledger.packs.items()
            if trouble.kind == "pack-damaged"
        )
        return CheckReport(findings, tuple(self._notes), self._counts, self._bytes_read, seconds, damaged)

    def _small_objects(self) -> None:
        self._findings += config_findings(self._vault)
        self._findings += key_findings(self._vault)
        self._findings += journal_findings(self._vault)
        locks = list(lock_notes(self._vault, self._clock.now()))
        self._notes += [*locks, *foreign_notes(self._vault)]
        self._counts.locks = len(locks)
        self._counts.keys = sum(1 for _ in self._vault.store.list(KEYS))

    def _judge(self, verdict: Verdict) -> None:
        number = verdict.number
        kind: PackTrouble = "pack-unreadable" if verdict.refused else "pack-damaged"
        self._ledger.pack(number, self._blobs.packs[number], kind, verdict.summed_up(self._blobs.count(number)))
        for entry in verdict.bad:
            self._blobs.condemn(number, entry)


def _chosen(packs: Packs, blobs: Blobs, subset: Subset | None, rng: Random) -> list[tuple[int, int]]:
    """Number and size of the packs that shall be read."""
    present = list(packs.present()) if subset else []
    if subset is None or not present:
        return []
    return [present[at] for at in subset.choose([(blobs.packs[number], size) for number, size in present], rng)]


def _blob_notes(counts: Counts) -> list[Finding]:
    notes = []
    if counts.packs_archived:
        message = (
            f"{counts.packs_archived} packs lie in an archival class and were not read; if they are whole is not known"
        )
        notes.append(Finding("packs-archived", "data", message))
    if counts.unused:
        message = f"{counts.unused} blobs are needed by no snapshot; 'covenant prune' removes them"
        notes.append(Finding("blobs-unused", "index", message))
    if counts.twice:
        message = f"{counts.twice} blobs are kept in more than one pack; 'covenant prune' removes the surplus"
        notes.append(Finding("blobs-twice", "index", message))
    return notes
