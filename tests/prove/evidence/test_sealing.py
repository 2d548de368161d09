"""What the catalog holds of weight ends up in a whole chain, once, whatever dies on the way and whoever else writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.bootstrap.remembering import rebuild, record
from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.chronicle import MOST, Page
from covenant.catalog.connecting import connect, parse_place
from covenant.catalog.records import Entry, Kept, Outcome, Proof, State
from covenant.kernel.errors import DamageError
from covenant.prove.evidence.keeping import exported, kept_evidence, signers
from covenant.prove.evidence.sealing import Chain
from covenant.prove.evidence.verifying import Verdict, verify
from covenant.vault.names import CHECKPOINTS, EVIDENCE, EVIDENCE_KEYS
from covenant.vault.ports import Store
from covenant.vault.vault import open_vault
from tests.faults.stores import Died, DiesAfterWrite
from tests.prove.evidence.chains import MINUTE, NOW
from tests.small_worlds import a_small_vault, copied
from tests.vaults import PASSWORD


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    with open_catalog(tmp_path / "catalog.db") as catalog:
        yield catalog


@pytest.fixture
def store() -> MemoryStore:
    """A store with a vault in it."""
    return a_small_vault()[0]


def do_things(catalog: Catalog, number: int = 1) -> None:
    """A backup, a proof, a line of the journal, and a snapshot that comes and goes."""
    lease = catalog.lease("loop", "studio:1", MINUTE, NOW)
    assert lease is not None
    for step in range(number):
        at = NOW + step * MINUTE
        run = catalog.begin("photos", "full", "due", None, lease, at, vault="default")
        catalog.finish(run, lease, State.DONE, at + MINUTE, Outcome(snapshot_id="ab", tally={"files": 3}))
    catalog.prove(Proof(subject="photos", kind="check", at=NOW, verdict="passed", vault="default"))
    catalog.note(
        Entry(at=NOW, kind="approval", subject="photos", actor="ada", text="restore of photos", vault="default")
    )
    catalog.take_up("default", [Kept(id="ab", vault="default", source="photos", kind="full", time=NOW)], now=NOW)
    catalog.take_up("default", [], now=NOW + MINUTE)


def sealed(catalog: Catalog, store: Store) -> None:
    """Keep in the vault what the catalog holds."""
    record(catalog, "default", open_vault(store, PASSWORD), store, NOW)


def lines_of(store: Store) -> list[bytes]:
    """The export of the vault."""
    return list(exported(kept_evidence(open_vault(store, PASSWORD))))


def verdict_of(store: Store) -> Verdict:
    """What the offline verifier says of the export, with the vault's own key and all its open checkpoints."""
    vault = open_vault(store, PASSWORD)
    known = [store.get(each.name) for each in store.list(CHECKPOINTS)]
    return verify(lines_of(store), [signer.public for signer in signers(vault)[0]], known)


def told(store: Store) -> list[tuple[str, str]]:
    """Kind and name of each record."""
    records: list[dict[str, Any]] = [json.loads(line) for line in lines_of(store)]
    return [(each["kind"], each["uid"]) for each in records if "n" in each]


def test_all_that_has_weight_is_in_the_chain(catalog: Catalog, store: MemoryStore) -> None:
    """Each run, proof and line of the journal is a record of its kind, and the chain is whole."""
    do_things(catalog)

    sealed(catalog, store)

    kinds = sorted(kind for kind, _ in told(store))
    assert verdict_of(store).whole
    assert ["approval", "backup", "backup", "began", "deletion", "key", "verification"] == kinds
    assert catalog.unrecorded("default") is None


def test_a_chain_goes_on(catalog: Catalog, store: MemoryStore) -> None:
    """What is sealed later follows on what was sealed before, with a checkpoint for each time."""
    for _ in range(3):
        do_things(catalog)
        sealed(catalog, store)

    verdict = verdict_of(store)

    assert (True, 1, 3) == (verdict.whole, len(verdict.chains), len(list(store.list(CHECKPOINTS))))
    assert verdict.records == verdict.chains[0].head.length


def test_nothing_new_is_no_record(catalog: Catalog, store: MemoryStore) -> None:
    """Sealing when nothing happened leaves the vault as it is."""
    do_things(catalog)
    sealed(catalog, store)
    before = sorted(store.list(""))

    sealed(catalog, store)

    assert before == sorted(store.list(""))


def test_a_part_begins_at_a_checkpoint(catalog: Catalog, store: MemoryStore) -> None:
    """An export of what was sealed since a moment is whole by itself, and says that it is a part."""
    vault = open_vault(store, PASSWORD)
    do_things(catalog)
    record(catalog, "default", vault, store, NOW)
    do_things(catalog)
    record(catalog, "default", vault, store, NOW + timedelta(days=1))

    part = list(exported(kept_evidence(vault), NOW + timedelta(hours=1)))

    keys = [signer.public for signer in signers(vault)[0]]
    assert verify(part, keys, partial=True).whole
    assert ["beginning-missing"] == [flaw.kind for flaw in verify(part, keys).flaws]
    assert len(part) < len(lines_of(store))


class DyingCatalog(Catalog):
    """A catalog whose process dies at the ``n``-th of the steps that change it, before or after the step."""

    def __init__(self, path: Path, n: int, before: bool) -> None:
        super().__init__(connect(parse_place(path)))
        self._left, self._before = n, before

    def remember(self, name: str, text: str, instead_of: str) -> None:
        self._step(lambda: super(DyingCatalog, self).remember(name, text, instead_of))

    def recorded(self, page: Page) -> None:
        self._step(lambda: super(DyingCatalog, self).recorded(page))

    def note_once(self, entry: Entry) -> None:
        self._step(lambda: super(DyingCatalog, self).note_once(entry))

    def _step(self, act: Any) -> None:
        self._left -= 1
        if self._left < 0 and self._before:
            raise Died
        act()
        if self._left < 0:
            raise Died


def test_whoever_dies_sealing_loses_nothing_and_tells_nothing_twice(tmp_path: Path, store: MemoryStore) -> None:
    """Killed before or after any write to the vault or any step in the catalog, the next goes on with a whole chain."""
    path = tmp_path / "catalog.db"
    with open_catalog(path) as catalog:
        do_things(catalog)
        rows = 5 + 1  # and the password's key
    began = path.read_bytes()
    died = 0
    for before in (True, False):
        for kind in ("store", "catalog"):
            for n in range(100):
                path.write_bytes(began)
                ground = copied(store)
                dying = DiesAfterWrite(ground, n if kind == "store" else None, before)
                with DyingCatalog(path, n if kind == "catalog" else 1000, before) as catalog:
                    try:
                        sealed(catalog, dying)
                        break
                    except Died:
                        died += 1
                with open_catalog(path) as catalog:
                    do_things(catalog)
                    sealed(catalog, ground)

                names = [uid for kind, uid in told(ground) if kind != "began"]
                assert verdict_of(ground).whole
                assert len(names) == len(set(names)) == rows + 3
    assert died > 15


def test_two_daemons_go_on_with_one_chain(tmp_path: Path, catalog: Catalog, store: MemoryStore) -> None:
    """Several that share a catalog and seal at the same time make one chain of it, in which everything stands once."""
    do_things(catalog)
    sealed(catalog, store)

    def work(number: int) -> None:
        with open_catalog(tmp_path / "catalog.db") as own:
            for step in range(5):
                text = f"{number} {step}"
                own.note(Entry(at=NOW, kind="note", subject="photos", actor="ada", text=text, vault="default"))
                sealed(own, store)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verdict = verdict_of(store)
    names = [uid for kind, uid in told(store) if kind == "note"]
    assert (True, 1, ()) == (verdict.whole, len(verdict.chains), verdict.flaws)
    assert 20 == len(names) == len(set(names))


class MetAnother(Catalog):
    """A catalog from which rows are read a moment before another daemon seals and marks the very same ones."""

    def __init__(self, path: Path, another: Callable[[], None]) -> None:
        super().__init__(connect(parse_place(path)))
        self._another: Callable[[], None] | None = another

    def unrecorded(self, vault: str, most: int = MOST) -> Page | None:
        page, another, self._another = super().unrecorded(vault, most), self._another, None
        if another is not None:
            another()
        return page


def test_rows_that_another_sealed_meanwhile_are_not_told_again(tmp_path: Path, store: MemoryStore) -> None:
    """Who read rows before another marked them finds out, and looks again."""
    path = tmp_path / "catalog.db"
    with open_catalog(path) as catalog:
        do_things(catalog)
        sealed(catalog, store)
        do_things(catalog)

        with MetAnother(path, lambda: sealed(catalog, store)) as met:
            sealed(met, store)

    names = [uid for kind, uid in told(store) if kind != "began"]
    assert verdict_of(store).whole
    assert len(names) == len(set(names))


def test_what_another_linked_and_never_sealed_is_not_forgotten(catalog: Catalog, store: MemoryStore) -> None:
    """Who settles what it sealed leaves alone what was linked behind it by one who died before sealing."""
    vault = open_vault(store, PASSWORD)
    ours = Chain(catalog, vault, store, "one")
    do_things(catalog)
    done = ours.go_on("default", NOW)
    assert done is not None
    do_things(catalog)
    dying = DiesAfterWrite(store, 0)
    with pytest.raises(Died):
        Chain(catalog, open_vault(store, PASSWORD), dying, "two").go_on("default", NOW)

    catalog.recorded(done[0])
    ours.settle(done[1])
    sealed(catalog, store)

    names = [uid for kind, uid in told(store) if kind != "began"]
    assert verdict_of(store).whole
    assert len(names) == len(set(names)) == 5 + 3 + 1


def test_a_lost_catalog_begins_a_new_chain_that_knows_the_old_one(
    tmp_path: Path, catalog: Catalog, store: MemoryStore
) -> None:
    """After a loss nothing is told twice, and the new chain says how long the old one was: its end cannot be cut."""
    do_things(catalog)
    sealed(catalog, store)
    before = told(store)
    with open_catalog(tmp_path / "again.db") as again:
        rebuild(again, {"default": open_vault(store, PASSWORD)}, NOW)
        again.note(Entry(at=NOW, kind="note", subject="photos", actor="ada", text="the catalog was lost"))

        sealed(again, store)

    verdict = verdict_of(store)
    assert (True, 2) == (verdict.whole, len(verdict.chains))
    assert {"began", "note"} == {kind for kind, uid in told(store) if (kind, uid) not in before or kind == "began"}
    assert [len(before)] == [each["length"] for chain in verdict.chains for each in chain.after]


def test_a_catalog_from_an_older_copy_begins_a_new_chain(tmp_path: Path, store: MemoryStore) -> None:
    """Put back as it was a while ago, a catalog does not give one number to two records: nothing is forked."""
    path = tmp_path / "catalog.db"
    with open_catalog(path) as catalog:
        do_things(catalog)
        sealed(catalog, store)
    older = path.read_bytes()
    with open_catalog(path) as catalog:
        do_things(catalog)
        sealed(catalog, store)
    for beside in tmp_path.iterdir():
        beside.unlink()
    path.write_bytes(older)

    with open_catalog(path) as catalog:
        do_things(catalog)
        sealed(catalog, store)
        do_things(catalog)
        sealed(catalog, store)

    verdict = verdict_of(store)
    assert (True, 2, []) == (verdict.whole, len(verdict.chains), kept_evidence(open_vault(store, PASSWORD)).findings)
    assert [7 + 3] == [each["length"] for chain in verdict.chains for each in chain.after]


def test_another_writer_does_not_break_a_chain(tmp_path: Path, catalog: Catalog, store: MemoryStore) -> None:
    """Two catalogs that share a vault have a chain each, and each goes on with its own."""
    with open_catalog(tmp_path / "other.db") as other:
        for _ in range(2):
            for each in (catalog, other):
                do_things(each)
                sealed(each, store)

    verdict = verdict_of(store)

    assert (True, 2) == (verdict.whole, len(verdict.chains))


def test_a_damaged_page_is_missing_and_not_passed_over(catalog: Catalog, store: MemoryStore) -> None:
    """Records that cannot be read back are missing in the export, and the verifier says which."""
    for _ in range(2):
        do_things(catalog)
        sealed(catalog, store)
    first = next(each.name for each in store.list(EVIDENCE) if b"" != store.get(each.name))
    sound = store.get(first)
    store.delete(first)
    store.put(first, sound[:-1] + b"\0")

    findings = kept_evidence(open_vault(store, PASSWORD)).findings

    assert ["journal-damaged"] == [finding.kind for finding in findings]
    assert not verdict_of(store).whole


def test_a_checkpoint_of_a_stranger_is_told(catalog: Catalog, store: MemoryStore) -> None:
    """Whoever can write to a region cannot lay a checkpoint of their own among ours unseen."""
    do_things(catalog)
    sealed(catalog, store)
    line = next(store.get(each.name) for each in store.list(CHECKPOINTS)).replace(b'"length":7', b'"length":9')
    store.put(f"{CHECKPOINTS}/{'ab' * 32}", line)

    findings = kept_evidence(open_vault(store, PASSWORD)).findings

    assert ["evidence-foreign"] == [finding.kind for finding in findings]


def test_a_key_that_cannot_be_read_is_not_replaced(catalog: Catalog, store: MemoryStore) -> None:
    """A damaged key stops the evidence with a hint; only where there is no key at all one is made."""
    do_things(catalog)
    sealed(catalog, store)
    name = next(each.name for each in store.list(EVIDENCE_KEYS))
    store.delete(name)
    store.put(name, b"damaged")
    catalog.note(Entry(at=NOW, kind="note", subject="photos", actor="ada", text="on", vault="default"))

    with pytest.raises(DamageError, match="key of the evidence"):
        sealed(catalog, store)
    store.delete(name)
    sealed(catalog, store)

    assert 2 == len({each["checkpoint"]["chain"] for each in map(json.loads, lines_of(store)) if "checkpoint" in each})


def test_passwords_that_come_and_go_are_noted(catalog: Catalog, store: MemoryStore) -> None:
    """A key that was added, or removed, by whatever program, is a record; the same change is noted once."""
    vault = open_vault(store, PASSWORD)
    name = next(each.name for each in store.list("keys"))
    raw = store.get(name)
    record(catalog, "default", vault, store, NOW)
    store.put(f"keys/{'cd' * 32}", raw)
    record(catalog, "default", vault, store, NOW)
    store.delete(f"keys/{'cd' * 32}")

    record(catalog, "default", vault, store, NOW)
    record(catalog, "default", vault, store, NOW)

    facts = [json.loads(line)["facts"]["what"] for line in lines_of(store) if b'"kind":"key"' in line]
    assert ["key-added", "key-added", "key-removed"] == facts


def test_the_private_key_lies_sealed(catalog: Catalog, store: MemoryStore) -> None:
    """Nothing that lies in the store shows the private key, nor does what a programmer prints."""
    do_things(catalog)
    sealed(catalog, store)
    signer = signers(open_vault(store, PASSWORD))[0][0]
    private = json.loads(signer.encode())["private"]

    assert all(private.encode() not in store.get(each.name) for each in store.list(""))
    assert private not in repr(signer)
