"""What every catalog must do, whichever database it lies in, as one suite.

A test module of a database has a class that derives from ``CatalogContract`` and gives it the fixture ``place``: where
an empty catalog can be made.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.records import Advance, Copies, Entry, Kept, Lease, Outcome, Proof, Run, State
from covenant.kernel.errors import AlreadyDone, AlreadyRunning, DamageError, LeaseLost

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)


def a_lease(catalog: Catalog, holder: str = "studio:1", now: datetime = NOW) -> Lease:
    """The lease of the loop."""
    lease = catalog.lease("loop", holder, MINUTE, now)
    assert lease is not None
    return lease


def a_run(
    catalog: Catalog,
    lease: Lease,
    state: State = State.DONE,
    *,
    subject: str = "photos",
    kind: str = "incremental",
    at: datetime = NOW,
    due_at: datetime | None = None,
    outcome: Outcome | None = None,
) -> Run:
    """A run that began and ended."""
    run = catalog.begin(subject, kind, "due", due_at, lease, at, vault="default")
    return catalog.finish(run, lease, state, at + MINUTE, outcome)


def a_snapshot(name: str, *, source: str = "photos", kind: str = "full", time: datetime = NOW) -> Kept:
    """A snapshot as the catalog knows it."""
    return Kept(
        id=name, vault="default", source=source, kind=kind, time=time, position="7/2A", tags=("one", "two"), bytes=5
    )


def take_and_give(place: str, ledger: Path, number: int) -> None:
    """Take the lease whenever it is free, and say so between taking and giving it back."""
    with open_catalog(place) as catalog, ledger.open("ab", buffering=0) as told:
        taken = 0
        while taken < 15:
            lease = catalog.lease("loop", f"process:{number}", MINUTE, NOW)
            if lease is not None:
                taken += 1
                told.write(f"took {lease.fence}\n".encode())
                told.write(f"gave {lease.fence}\n".encode())
                catalog.release(lease, NOW)


def begin_and_finish(place: str, ledger: Path) -> None:
    """Begin and end runs until killed, and tell of each once the catalog has it."""
    with open_catalog(place) as catalog, ledger.open("ab", buffering=0) as told:
        lease = a_lease(catalog)
        while True:
            run = catalog.begin("photos", "full", "due", None, lease, NOW)
            told.write(f"began {run.id}\n".encode())
            catalog.finish(run, lease, State.DONE, NOW)
            told.write(f"ended {run.id}\n".encode())


class CatalogContract:
    @pytest.fixture
    def place(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def catalog(self, place: str) -> Catalog:
        return open_catalog(place)

    @pytest.fixture(autouse=True)
    def _closed(self, catalog: Catalog) -> Iterator[None]:
        yield
        catalog.close()

    # -- leases ---------------------------------------------------------------------------------------------------

    def test_a_lease_has_one_holder(self, catalog: Catalog) -> None:
        """While one holds a lease, another is given nothing."""
        a_lease(catalog)

        assert catalog.lease("loop", "studio:2", MINUTE, NOW + HALF_MINUTE) is None

    def test_leases_of_different_names_are_apart(self, catalog: Catalog) -> None:
        """Holding one lease keeps nobody from another."""
        a_lease(catalog)

        assert catalog.lease("other", "studio:2", MINUTE, NOW) is not None

    def test_a_lapsed_lease_is_taken_with_a_greater_fence(self, catalog: Catalog) -> None:
        """When a lease has lapsed the next holder gets it, and its fence is greater."""
        first = a_lease(catalog)

        second = a_lease(catalog, "studio:2", LATER)

        assert second.fence > first.fence

    def test_a_released_lease_is_free_and_its_fence_is_used_up(self, catalog: Catalog) -> None:
        """Giving a lease back frees it at once, but not its fence."""
        first = a_lease(catalog)
        catalog.release(first, NOW)

        second = a_lease(catalog, "studio:2")

        assert second.fence > first.fence

    def test_renewing_keeps_the_fence(self, catalog: Catalog) -> None:
        """A renewed lease lasts longer under the same fence, also where it had lapsed and nobody took it."""
        lease = a_lease(catalog)

        renewed = catalog.renew(lease, MINUTE, LATER)

        assert replace(lease, until=LATER + MINUTE) == renewed

    def test_a_former_holder_can_write_nothing(self, catalog: Catalog) -> None:
        """Whoever lost its lease is refused every write that follows from it, and nothing is changed."""
        former = a_lease(catalog)
        run = catalog.begin("photos", "full", "due", None, former, NOW)
        a_lease(catalog, "studio:2", LATER)

        with pytest.raises(LeaseLost):
            catalog.renew(former, MINUTE, LATER)
        with pytest.raises(LeaseLost):
            catalog.begin("letters", "full", "due", None, former, LATER)
        with pytest.raises(LeaseLost):
            catalog.advance(Advance(run_id=run.id, at=LATER, files=1), former)
        with pytest.raises(LeaseLost):
            catalog.finish(run, former, State.DONE, LATER)
        catalog.release(former, LATER)

        assert (run, None) == catalog.run(run.id)
        assert catalog.lease("loop", "studio:3", MINUTE, LATER) is None

    def test_a_namesake_shuts_the_former_out(self, catalog: Catalog) -> None:
        """Who comes back under its old name has a new lease, and what it was before can write nothing."""
        former = a_lease(catalog)
        present = a_lease(catalog)

        with pytest.raises(LeaseLost):
            catalog.renew(former, MINUTE, NOW)
        with pytest.raises(LeaseLost):
            catalog.begin("photos", "full", "due", None, former, NOW)

        assert present.fence == catalog.begin("photos", "full", "due", None, present, NOW).fence

    def test_nobody_ends_the_run_of_another_lease(self, catalog: Catalog) -> None:
        """A run is ended under the lease that it began under, or settled as lost; the present holder cannot end it."""
        run = catalog.begin("photos", "full", "due", None, a_lease(catalog), NOW)
        present = a_lease(catalog, "studio:2", LATER)

        with pytest.raises(LeaseLost):
            catalog.finish(run, present, State.DONE, LATER)

        assert (run,) == catalog.runs()

    def test_threads_never_share_a_lease(self, catalog: Catalog) -> None:
        """Of eight threads that all want the lease, one has it at a time, and fences strictly grow."""
        holding, both, fences = Counter[str](), list[str](), list[int]()
        gate = threading.Barrier(8)

        def work(number: int) -> None:
            gate.wait()
            for _ in range(10):
                lease = catalog.lease("loop", f"thread:{number}", MINUTE, NOW)
                if lease is None:
                    continue
                holding["now"] += 1
                if holding["now"] > 1:
                    both.append(lease.holder)
                fences.append(lease.fence)
                holding["now"] -= 1
                catalog.release(lease, NOW)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))

        assert [] == both
        assert fences
        assert sorted(set(fences)) == fences

    def test_processes_never_share_a_lease(self, place: str, catalog: Catalog, tmp_path: Path) -> None:
        """Of four processes that all want the lease, one has it at a time, and fences strictly grow."""
        ledger = tmp_path / "ledger"
        spawning = multiprocessing.get_context("spawn")
        processes = [spawning.Process(target=take_and_give, args=(place, ledger, n)) for n in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)

        lines = [line.split() for line in ledger.read_text().splitlines()]
        taken, given = lines[::2], lines[1::2]

        assert [0] * 4 == [process.exitcode for process in processes]
        assert {"took"} == {word for word, _ in taken}
        assert [fence for _, fence in taken] == [fence for _, fence in given]
        fences = [int(fence) for _, fence in taken]
        assert sorted(set(fences)) == fences

    # -- runs -----------------------------------------------------------------------------------------------------

    def test_a_run_is_told_from_its_beginning_to_its_end(self, catalog: Catalog) -> None:
        """What a run was, how far it is and what it came to can be asked, also through another connection."""
        lease = a_lease(catalog)
        run = catalog.begin("photos", "full", "due since noon", NOW, lease, NOW, vault="default")
        told = Advance(run_id=run.id, at=NOW, files=3, bytes=500, expected_files=9)
        catalog.advance(Advance(run_id=run.id, at=NOW, files=1), lease)
        catalog.advance(told, lease)
        meanwhile = catalog.run(run.id)

        outcome = Outcome(snapshot_id="abc", tally={"files": 9}, findings=2, message="one file changed", hint="Look.")
        ended = catalog.finish(run, lease, State.FINDINGS, LATER, outcome)

        assert (run, told) == meanwhile
        assert (
            replace(
                run,
                state=State.FINDINGS,
                ended_at=LATER,
                snapshot_id="abc",
                tally={"files": 9},
                findings=2,
                message="one file changed",
                hint="Look.",
            )
            == ended
        )
        assert (ended,) == catalog.runs()

    def test_a_subject_runs_once_at_a_time(self, catalog: Catalog) -> None:
        """While a source's run is under way no other run of it begins, whatever its kind."""
        lease = a_lease(catalog)
        catalog.begin("photos", "full", "due", None, lease, NOW)

        with pytest.raises(AlreadyRunning):
            catalog.begin("photos", "log", "due", None, lease, NOW)

        assert 1 == len(catalog.runs())

    def test_a_vault_and_a_source_of_one_name_are_two_subjects(self, catalog: Catalog) -> None:
        """A chore of a vault does not stand in the way of a source that bears the vault's name."""
        lease = a_lease(catalog)
        catalog.begin("photos", "prune", "due", None, lease, NOW)

        run = catalog.begin("photos", "full", "due", None, lease, NOW)

        assert State.RUNNING == run.state

    def test_no_run_happens_twice(self, catalog: Catalog) -> None:
        """A moment that a good run has answered is not answered again; one that a failed run met is."""
        lease = a_lease(catalog)
        a_run(catalog, lease, State.FAILED, due_at=NOW)
        a_run(catalog, lease, State.DONE, due_at=NOW)

        with pytest.raises(AlreadyDone):
            catalog.begin("photos", "incremental", "due", NOW, lease, LATER)

        assert [State.DONE, State.FAILED] == [run.state for run in catalog.runs()]
        assert "full" == a_run(catalog, lease, kind="full", due_at=NOW).kind
        assert LATER == a_run(catalog, lease, due_at=LATER).due_at

    def test_eight_threads_begin_one_run(self, catalog: Catalog) -> None:
        """Of eight threads under one lease that begin and end what is due, one does it."""
        lease, gate = a_lease(catalog), threading.Barrier(8)

        def work(_: int) -> bool:
            gate.wait()
            try:
                a_run(catalog, lease, due_at=NOW)
            except (AlreadyRunning, AlreadyDone):
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            done = list(threads.map(work, range(8)))

        assert 1 == sum(done)
        assert 1 == len(catalog.runs())

    def test_an_end_is_for_good(self, catalog: Catalog) -> None:
        """A run that has ended is not ended otherwise."""
        lease = a_lease(catalog)
        run = a_run(catalog, lease)

        with pytest.raises(LeaseLost):
            catalog.finish(run, lease, State.FAILED, LATER)

        assert (run,) == catalog.runs()

    def test_runs_without_a_holder_are_lost(self, catalog: Catalog) -> None:
        """What ran under a lease that lapsed or was taken is ended as lost, and its holder can end nothing."""
        lease = a_lease(catalog)
        run = catalog.begin("photos", "full", "due", None, lease, NOW)
        early = catalog.settle_lost(NOW)

        lost = catalog.settle_lost(LATER)

        assert () == early
        assert [(run.id, State.LOST, LATER)] == [(each.id, each.state, each.ended_at) for each in lost]
        with pytest.raises(LeaseLost):
            catalog.finish(run, lease, State.DONE, LATER)
        assert () == catalog.settle_lost(LATER)

    def test_runs_are_filtered(self, catalog: Catalog) -> None:
        """By subject, kind, state, time and number, the newest first."""
        lease = a_lease(catalog)
        first = a_run(catalog, lease)
        second = a_run(catalog, lease, State.FAILED, kind="full", at=LATER)
        third = a_run(catalog, lease, subject="letters", at=LATER)

        assert (third, second, first) == catalog.runs()
        assert (second, first) == catalog.runs(subject="photos")
        assert (second,) == catalog.runs(kind="full")
        assert (second,) == catalog.runs(states=(State.FAILED, State.LOST))
        assert (third, second) == catalog.runs(since=LATER)
        assert (third,) == catalog.runs(most=1)

    def test_a_naive_instant_is_refused(self, catalog: Catalog) -> None:
        """A moment without a zone is a mistake of the caller, and not a moment."""
        with pytest.raises(ValueError, match="aware"):
            catalog.settle_lost(NOW.replace(tzinfo=None))

    # -- what the vaults have -------------------------------------------------------------------------------------

    def test_the_catalog_agrees_with_the_vault(self, catalog: Catalog) -> None:
        """Snapshots come and go in the catalog as they do in the vault; those of other vaults stay."""
        one, two, three = (a_snapshot(name) for name in ("one", "two", "three"))
        other = replace(one, vault="other", source="letters")
        catalog.take_up("other", [other], now=NOW)
        first = catalog.take_up("default", [one, two], now=NOW)

        second = catalog.take_up("default", [three], still_there={"two"}, now=NOW)

        assert ((2, 0), (1, 1)) == (first, second)
        assert {"two", "three"} == catalog.known("default")
        assert {"one"} == catalog.known("other")

    def test_no_snapshot_comes_or_goes_without_a_word(self, catalog: Catalog) -> None:
        """What a vault is found to have, or to have no more, stands in the journal once, pieces of a log excepted."""
        photo, piece = a_snapshot("photo"), a_snapshot("piece", kind="log")
        catalog.take_up("default", [photo, piece], now=LATER)
        catalog.take_up("default", [photo], {"piece"}, now=LATER)

        catalog.take_up("default", [], now=LATER + MINUTE)

        told = [(entry.kind, entry.subject, entry.at, entry.vault) for entry in catalog.journal()]
        assert [
            ("snapshot-gone", "photos", LATER + MINUTE, "default"),
            ("snapshot-kept", "photos", NOW, "default"),
        ] == told
        assert '"snapshot":"photo"' in catalog.journal()[0].text

    def test_a_line_that_bears_its_own_name_is_noted_once(self, catalog: Catalog) -> None:
        """Who notes the same thing twice, in whatever words, has noted it once."""
        entry = Entry(at=NOW, kind="key-added", subject="default", actor="ada", text="first", vault="default", uid="ab")

        catalog.note_once(entry)
        catalog.note_once(replace(entry, text="second"))

        assert ["first"] == [each.text for each in catalog.journal()]

    def test_the_history_knows_the_newest_snapshot_of_each_kind(self, catalog: Catalog) -> None:
        """The newest of all and of each kind, the oldest and the number; an archive counts as a full one."""
        old = a_snapshot("old", time=NOW - timedelta(days=9))
        archive = a_snapshot("archive", kind="archive", time=NOW - timedelta(days=1))
        newest = a_snapshot("newest", kind="incremental")
        by_hand = a_snapshot("by-hand", source="")
        catalog.take_up("default", [old, archive, newest, by_hand], now=NOW)

        history = catalog.history()

        assert {"photos"} == set(history.sources)
        photos = history.source("photos")
        assert newest == photos.newest
        assert {"archive": archive, "full": archive, "incremental": newest} == photos.kinds
        assert (old.time, 3) == (photos.oldest, photos.snapshots)

    def test_the_history_knows_what_became_of_runs(self, catalog: Catalog) -> None:
        """The last, the last good and the failures since, kind by kind; and what runs now."""
        lease = a_lease(catalog)
        a_run(catalog, lease, State.FAILED)
        good = a_run(catalog, lease, State.FINDINGS, outcome=Outcome(tally={"files": 3}))
        a_run(catalog, lease, State.FAILED)
        failed = a_run(catalog, lease, State.FAILED)
        last = a_run(catalog, lease, State.INTERRUPTED)
        full = a_run(catalog, lease, kind="full")
        running = catalog.begin("photos", "full", "due", None, lease, NOW)
        chore = a_run(catalog, lease, subject="default", kind="prune")

        history = catalog.history()

        photos = history.source("photos")
        past = photos.past["incremental"]
        assert (last, good, failed, 2) == (past.last, past.good, past.failed, past.failures)
        assert (full, full, None, 0) == tuple(
            getattr(photos.past["full"], name) for name in ("last", "good", "failed", "failures")
        )
        assert running == photos.running
        assert [{}, {"files": 3}] == [habit.tally for habit in photos.habits]
        assert chore == history.vault("default").past["prune"].good
        assert {"default"} == set(history.vaults)

    def test_restores_and_drills_are_remembered_for_what_they_took(self, catalog: Catalog) -> None:
        """The last restores of each source and the last drills of all levels are part of the history, the newest
        first, and no more than are looked at."""
        for number in range(25):
            catalog.prove(Proof(subject="photos", kind="restore", at=NOW, verdict="passed", detail=f"{number}"))
            level = ("monthly", "annual")[number % 2]
            catalog.prove(Proof(subject=level, kind="drill", at=NOW, verdict="passed", detail=f"{number}"))
        catalog.prove(Proof(subject="letters", kind="check", at=NOW, verdict="passed"))

        history = catalog.history()

        last = [str(number) for number in range(24, 4, -1)]
        assert last == [proof.detail for proof in history.source("photos").restores]
        assert last == [proof.detail for proof in history.rehearsals]
        assert () == history.source("letters").restores

    def test_a_habit_says_how_long_it_took(self, catalog: Catalog) -> None:
        """Of each good backup it is remembered when it began and when it ended."""
        a_run(catalog, a_lease(catalog))

        (habit,) = catalog.history().source("photos").habits

        assert (NOW, NOW + MINUTE) == (habit.started_at, habit.ended_at)

    def test_habits_reach_back_twenty_backups(self, catalog: Catalog) -> None:
        """The last twenty good backups of each source are looked back upon, the newest first."""
        lease = a_lease(catalog)
        for number in range(23):
            a_run(catalog, lease, outcome=Outcome(tally={"files": number}))
        a_run(catalog, lease, subject="letters", outcome=Outcome(tally={"files": 99}))

        habits = catalog.history().source("photos").habits

        assert list(range(22, 2, -1)) == [habit.tally["files"] for habit in habits]

    def test_copies_are_as_last_counted(self, catalog: Catalog) -> None:
        """For each region the last count alone."""
        first = Copies(vault="default", region="eu", at=NOW, reachable=True, objects=5, missing=2, missing_since=NOW)
        last = Copies(vault="default", region="eu", at=LATER, reachable=False)
        other = Copies(vault="default", region="us", at=NOW, reachable=True)
        catalog.count([first, other])

        catalog.count([last])

        assert {"eu": last, "us": other} == catalog.history().vault("default").copies

    def test_the_last_proof_of_each_kind_is_known(self, catalog: Catalog) -> None:
        """A proof that failed is not hidden by one that passed before it."""
        catalog.prove(Proof(subject="photos", kind="rehearsal", at=NOW, verdict="passed"))
        rehearsal = catalog.prove(Proof(subject="photos", kind="rehearsal", at=LATER, verdict="failed"))
        check = catalog.prove(Proof(subject="default", kind="check", at=NOW, verdict="passed"))

        history = catalog.history()

        assert rehearsal == history.source("photos").proof
        assert {"check": check} == history.vault("default").proofs

    def test_a_drill_is_of_no_source(self, catalog: Catalog) -> None:
        """Proofs and runs of drills are remembered by level, and none is taken for one of a source of that name."""
        lease = a_lease(catalog)
        run = catalog.begin("monthly", "drill", "due", NOW, lease, NOW)
        run = catalog.finish(run, lease, State.FINDINGS, LATER)
        first = catalog.prove(Proof(subject="monthly", kind="drill", at=NOW, verdict="passed", detail="{}"))
        last = catalog.prove(Proof(subject="monthly", kind="drill", at=LATER, verdict="failed", detail="{}"))
        other = catalog.prove(Proof(subject="monthly", kind="rehearsal", at=LATER, verdict="passed"))

        history = catalog.history()

        assert (last, first) == catalog.proofs(kind="drill")
        assert (last,) == catalog.proofs(kind="drill", subject="monthly", since=LATER)
        assert (last, run) == (history.drill("monthly").proof, history.drill("monthly").past.good)
        assert {"rehearsal": other} == history.source("monthly").proofs
        assert {} == history.source("monthly").past

    def test_the_journal_tells_the_newest_first(self, catalog: Catalog) -> None:
        """Lines of the journal, filtered by subject, kind and time."""
        first = catalog.note(Entry(at=NOW, kind="failover", subject="default", actor="root", text="eu is gone"))
        second = catalog.note(Entry(at=LATER, kind="alert", subject="photos", actor="loop", text="it shrank"))

        assert (second, first) == catalog.journal()
        assert (first,) == catalog.journal(subject="default")
        assert (second,) == catalog.journal(kind="alert")
        assert (second,) == catalog.journal(since=LATER)
        assert (second,) == catalog.journal(most=1)

    def test_a_writer_that_is_killed_leaves_whole_runs(self, place: str, catalog: Catalog, tmp_path: Path) -> None:
        """Killed at any moment, a writer loses nothing that it was told is written, and its run is settled as lost."""
        ledger = tmp_path / "ledger"
        writer = multiprocessing.get_context("spawn").Process(target=begin_and_finish, args=(place, ledger))
        writer.start()
        until = time.monotonic() + 30
        while time.monotonic() < until and not (ledger.exists() and ledger.read_text().count("ended") > 20):
            time.sleep(0.01)
        writer.kill()
        writer.join()

        lost = catalog.settle_lost(NOW + timedelta(days=1))
        runs = {run.id: run.state for run in catalog.runs(most=1_000_000)}

        told = [line.split() for line in ledger.read_text().splitlines()]
        ended = {int(number) for word, number in told if word == "ended"}
        assert len(ended) > 20
        assert {State.DONE} == {runs[number] for number in ended}
        assert {int(number) for _, number in told} <= runs.keys()
        assert len(lost) <= 1
        assert {State.DONE, State.LOST} >= set(runs.values())
        assert sum(state is State.DONE for state in runs.values()) <= len(ended) + 1

    # -- losing it ------------------------------------------------------------------------------------------------

    def test_what_has_weight_comes_back_from_pages(self, catalog: Catalog, another_place: str) -> None:
        """Ended runs, proofs and the journal are the same in a catalog that was filled from pages in any order."""
        lease = a_lease(catalog)
        for number in range(5):
            a_run(catalog, lease, State.FAILED if number % 2 else State.DONE, outcome=Outcome(tally={"files": number}))
        catalog.begin("photos", "full", "due", None, lease, NOW)
        catalog.prove(Proof(subject="photos", kind="drill", at=NOW, verdict="passed", vault="default"))
        catalog.note(Entry(at=NOW, kind="note", subject="photos", actor="root", text="Grüße"))
        pages = []
        while page := catalog.unrecorded("default", 2):
            pages.append(page.text)
            catalog.recorded(page)

        with open_catalog(another_place) as other:
            restored = other.restore([*reversed(pages), pages[0]], NOW)
            again = other.restore(pages, NOW)

            assert ((5, 1, 1), (0, 0, 0)) == (restored, again)
            assert catalog.runs(states=(State.DONE, State.FAILED)) == other.runs()
            assert catalog.history().source("photos").habits == other.history().source("photos").habits
            assert catalog.journal() == other.journal()
            assert catalog.history().source("photos").proof == other.history().source("photos").proof
            assert other.unrecorded("default") is None

    def test_fences_go_on_after_a_loss(self, catalog: Catalog, another_place: str) -> None:
        """A catalog that was rebuilt gives out no fence that was given out before."""
        for number in range(3):
            lease = a_lease(catalog, f"studio:{number}", NOW + number * HALF_MINUTE * 4)
        a_run(catalog, lease)
        page = catalog.unrecorded("default")
        assert page is not None

        with open_catalog(another_place) as other:
            other.restore([page.text], NOW)

            assert a_lease(other).fence > lease.fence

    def test_what_comes_back_is_older_than_what_was_done_since(self, catalog: Catalog, another_place: str) -> None:
        """Pages that are read into a catalog in use come before its own runs, and numbers go on."""
        a_run(catalog, a_lease(catalog), State.FAILED)
        page = catalog.unrecorded("default")
        assert page is not None
        with open_catalog(another_place) as other:
            lease = a_lease(other)
            own = a_run(other, lease)

            other.restore([page.text], NOW)

            assert own == other.history().source("photos").past["incremental"].last
            assert a_run(other, a_lease(other)).id > own.id

    def test_a_page_that_is_none_is_damage(self, catalog: Catalog) -> None:
        """Bytes that are no page, and pages of a later version, are refused and change nothing."""
        good = (
            b'{"version":1,"entries":[{"at":"2026-11-25T12:00:00Z","kind":"k","subject":"s","actor":"a","text":"t"}]}'
        )

        for bad in (b"[]", b"nonsense", b'{"version":2}'):
            with pytest.raises(DamageError):
                catalog.restore([good, bad], NOW)

        assert () == catalog.journal()

    def test_a_small_text_is_replaced_only_by_who_has_read_it(self, catalog: Catalog) -> None:
        """What is remembered under a name is what was written last, and never by who knows an older text."""
        before = catalog.remembered("alerts")
        catalog.remember("alerts", "one", "")
        catalog.remember("alerts", "two", "one")

        for stale in ("", "one"):
            with pytest.raises(LeaseLost):
                catalog.remember("alerts", "three", stale)

        assert ("", "two", "") == (before, catalog.remembered("alerts"), catalog.remembered("else"))
