"""A catalog that was lost is made again from the vaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from covenant.adapters.sources.files.source import FilesSource
from covenant.adapters.stores.metered import MeteredStore
from covenant.adapters.stores.posix import PosixStore
from covenant.bootstrap.remembering import kept_of, rebuild, record, take_up
from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.records import Entry, Proof, State
from covenant.catalog.records import Outcome as Ended
from covenant.kernel.clock import SystemClock
from covenant.protect.backup import Job, Outcome, Settings, backup
from covenant.protect.parenthood import choose_parent
from covenant.vault.check.inspection import check
from covenant.vault.check.subset import ALL
from covenant.vault.journal import write_page
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.oracle.program import Restic
from tests.vaults import CLOCK, OWNER, PASSWORD, a_store, a_vault

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> PosixStore:
    """A folder with a vault in it."""
    return a_store(tmp_path / "vault")


@pytest.fixture
def vault(store: PosixStore) -> Vault:
    """The vault."""
    return a_vault(store)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    with open_catalog(tmp_path / "catalog.db") as catalog:
        yield catalog


def backed_up(vault: Vault, store: PosixStore, folder: Path, parent: Snapshot | None = None) -> Outcome:
    """A backup of a folder as the source 'photos'."""
    source, kind = FilesSource("photos", (str(folder),)), "incremental" if parent else "full"
    return backup(Job(source, vault, store, OWNER, CLOCK, kind, parent, settings=Settings(lanes=1)))


def taken(vault: Vault, store: PosixStore, folder: Path, parent: Snapshot | None = None) -> Snapshot:
    """The snapshot of such a backup."""
    return backed_up(vault, store, folder, parent).snapshot


def a_history(catalog: Catalog, vault: Vault, store: PosixStore, folder: Path) -> Snapshot:
    """A backup that went well, one that failed, a proof, and a line of the journal."""
    lease = catalog.lease("loop", "studio:1", MINUTE, NOW)
    assert lease is not None
    run = catalog.begin("photos", "full", "due", NOW, lease, NOW, vault="default")
    snapshot = taken(vault, store, folder)
    catalog.finish(run, lease, State.DONE, NOW + MINUTE, Ended(snapshot_id=snapshot.id, tally={"files": 1}))
    failed = catalog.begin("photos", "incremental", "due", NOW, lease, NOW, vault="default")
    catalog.finish(failed, lease, State.FAILED, NOW + MINUTE, Ended(message="the disk is away", hint="Mount it."))
    catalog.prove(Proof(subject="photos", kind="drill", at=NOW, verdict="passed", vault="default"))
    catalog.note(Entry(at=NOW, kind="note", subject="photos", actor="root", text="began"))
    take_up(catalog, "default", vault, NOW)
    record(catalog, "default", vault, store, NOW)
    return snapshot


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a file."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cover.jpg").write_bytes(b"cover" * 10_000)
    return folder


def told(catalog: Catalog) -> set[Entry]:
    """The journal, without the numbers that its lines have in this catalog."""
    return {replace(entry, id=0) for entry in catalog.journal()}


def test_a_lost_catalog_is_rebuilt_with_nothing_of_weight_lost(
    tmp_path: Path, catalog: Catalog, vault: Vault, store: PosixStore, photos: Path
) -> None:
    """The history, the runs and the journal of a rebuilt catalog are those of the one that was lost."""
    a_history(catalog, vault, store, photos)

    with open_catalog(tmp_path / "again.db") as again:
        found = rebuild(again, {"default": vault}, NOW)

        assert (1, 2, 1, 3, []) == (found.snapshots, found.runs, found.proofs, found.entries, found.findings)
        assert catalog.history() == again.history()
        assert catalog.runs() == again.runs()
        assert told(catalog) == told(again)


def test_rebuilding_uploads_nothing_again(
    tmp_path: Path, catalog: Catalog, vault: Vault, store: PosixStore, photos: Path
) -> None:
    """After a catalog was lost and rebuilt, the next backup of what has not changed stores no data."""
    a_history(catalog, vault, store, photos)
    with open_catalog(tmp_path / "again.db") as again:
        rebuild(again, {"default": vault}, NOW)
        newest = again.history().source("photos").newest
    assert newest is not None

    outcome = backed_up(vault, store, photos, vault.load_snapshot(newest.id))

    assert (1, 0, 0) == (outcome.tally.files, outcome.added.data_blobs, outcome.added.data_bytes)


def test_restic_stays_content(catalog: Catalog, vault: Vault, store: PosixStore, photos: Path) -> None:
    """The stock restic checks, reads and prunes a vault with a journal in it, and leaves the journal alone."""
    snapshot = a_history(catalog, vault, store, photos)
    pages = sorted(store.list("covenant/journal"))
    restic = Restic(Path(store.url), PASSWORD)

    restic.run("forget", snapshot.id, "--prune")

    assert restic.sound()
    assert 1 == len(pages)
    assert pages == sorted(store.list("covenant/journal"))


def test_a_damaged_page_is_found_and_the_rest_is_read(
    tmp_path: Path, catalog: Catalog, vault: Vault, store: PosixStore, photos: Path
) -> None:
    """A page whose bytes changed is a finding of check and of rebuild, and costs no other page."""
    a_history(catalog, vault, store, photos)
    page = next(iter(store.list("covenant/journal"))).name
    catalog.note(Entry(at=NOW, kind="note", subject="photos", actor="root", text="went on"))
    record(catalog, "default", vault, store, NOW)
    path = Path(store.url) / page
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")

    with open_catalog(tmp_path / "again.db") as again:
        found = rebuild(again, {"default": vault}, NOW)
        texts = [entry.text for entry in again.journal(kind="note")]
    report = check(vault, SystemClock(), read_data=ALL)

    assert [("journal-damaged", page)] == [(finding.kind, finding.subject) for finding in found.findings]
    assert ["went on"] == texts
    assert [("journal-damaged", page)] == [(finding.kind, finding.subject) for finding in report.findings]


def test_a_vault_without_trouble_has_no_findings(
    catalog: Catalog, vault: Vault, store: PosixStore, photos: Path
) -> None:
    """A whole journal is nothing that check would remark upon."""
    a_history(catalog, vault, store, photos)

    report = check(vault, SystemClock(), read_data=ALL)

    assert ((), ()) == (tuple(report.findings), tuple(report.notes))


def test_a_page_written_twice_counts_once(tmp_path: Path, catalog: Catalog, vault: Vault, store: PosixStore) -> None:
    """Killed between keeping a page and remembering it, the page is kept twice and its records once."""
    catalog.note(Entry(at=NOW, kind="note", subject="photos", actor="root", text="began"))
    page = catalog.unrecorded("default")
    assert page is not None
    write_page(vault, store, page.text)

    assert 1 == record(catalog, "default", vault, store, NOW)
    with open_catalog(tmp_path / "again.db") as again:
        rebuild(again, {"default": vault}, NOW)
        assert ["began"] == [entry.text for entry in again.journal(kind="note")]


def test_only_new_snapshots_are_read(catalog: Catalog, vault: Vault, store: PosixStore, photos: Path) -> None:
    """Agreeing with a vault again reads no snapshot that is known, and drops those that are gone."""
    first = taken(vault, store, photos)
    take_up(catalog, "default", vault, NOW)
    second = taken(vault, store, photos, first)
    metered = MeteredStore(store)
    watched = Vault(metered, vault.master, vault.config)
    store.delete(f"snapshots/{first.id}")

    took = take_up(catalog, "default", watched, NOW)

    assert (1, 1) == (took.snapshots, took.gone)
    assert 1 == metered.traffic()["get"].calls
    assert kept_of(vault.load_snapshot(second.id), "default") == catalog.history().source("photos").newest


def test_a_parent_is_found_without_a_catalog(vault: Vault, store: PosixStore, photos: Path) -> None:
    """The next backup builds on the last whatever became of the catalog: parents are looked for in the vault."""
    first = taken(vault, store, photos)

    parent = choose_parent(
        "incremental", vault.snapshots(), source="photos", hostname=OWNER.hostname, paths=(str(photos),)
    )

    assert parent is not None
    assert first.id == parent.id
