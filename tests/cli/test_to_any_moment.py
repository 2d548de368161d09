"""PostgreSQL to any moment: what was committed by then is there, exactly, and nothing stands in for what is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.placing import Mark
from covenant.adapters.sources.postgres.recovering import RecoveryJob, recover_server
from covenant.adapters.sources.postgres.shelf import Found, Shelf, read_shelf
from covenant.adapters.sources.postgres.wal import segment_at
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.errors import DamageError, TargetError
from covenant.kernel.spans import place_text
from covenant.recover.goal import Goal
from covenant.recover.route import choose_route
from covenant.vault.pack import BlobType
from covenant.vault.pieces import bases, try_snapshots
from covenant.vault.vault import open_vault
from tests.adapters.sources.postgres.histories import History, a_busy_history
from tests.adapters.sources.postgres.ledger import Line, up_to
from tests.adapters.sources.postgres.logged import until
from tests.cli.running import ended, here, started
from tests.servers.postgres import SUPERUSER, SYSTEM
from tests.vaults import CLOCK, PASSWORD


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """What the older server lived through."""
    with a_busy_history(SYSTEM) as found:
        yield found


def line(history: History, part: float) -> Line:
    """A line of the ledger, so far on."""
    lines = history.ledger.lines
    return lines[int(part * (len(lines) - 1))]


def test_a_moment_has_exactly_what_was_committed_by_then(history: History) -> None:
    """A recovery to a moment has every row until then and no other, proved, and in the time that was promised."""
    wanted = line(history, 0.3)

    found, report = history.restored("--to", wanted.moment)

    assert up_to(wanted) == found
    assert ("passed", True) == (report["result"], report["objectives"]["rto_kept"])
    assert first_base(history) == report["plan"]["base"]


def first_base(history: History) -> str:
    """The backup that the history began with."""
    return bases(try_snapshots(history.kept.vault)[0], "accounts")[0].snapshot.id


def test_a_moment_after_the_last_commit_is_reached(history: History) -> None:
    """Where nothing was committed between a moment and the log's end, everything before it is there all the same."""
    last = history.ledger.lines[-1]

    found, report = history.restored("--to", last.moment + timedelta(milliseconds=1))

    assert up_to(last) == found
    assert "passed" == report["result"]
    assert first_base(history) != report["plan"]["base"]


def test_a_part_goes_into_a_running_server(history: History) -> None:
    """A table as it was at a named point goes over whole into another database, and never over what is there."""
    server, ledger = history.kept.server, history.ledger
    into = server.new_database()
    words = ("--to-name", "before the mistake", "--only", f"{ledger.database}/public.ledger", "--into", into)

    ran = history.restore(*words)
    again = history.restore(*words)

    wanted = ledger.lines[-6]
    count = server.run("SELECT count(*), max(number) FROM ledger", into.rpartition("/")[2])
    assert 0 == ran.code, ran.err
    assert [(wanted.number, wanted.number)] == count
    assert [{"public.ledger": wanted.number}] == [each["rows"] for each in ran.document["carried"]]
    assert (22, True) == (again.code, "there is a table public.ledger" in again.error["message"])
    assert not list(history.home.glob("restored*"))


def test_a_plan_changes_nothing(history: History) -> None:
    """A dry run names the backup, the log and the time that it will take, and makes no folder."""
    target = history.home / "planned"

    ran = history.restore("--latest", "--target", target, "--dry-run")

    plan = ran.document["plan"]
    assert 0 == ran.code
    assert plan["base"]
    assert plan["log"]
    assert plan["seconds"] > 0
    assert not target.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "2026-11-20", "--target", "x"), "is brought back to a moment"),
        (("--latest", "--in-place"), "beside the live one"),
        (("--latest", "--to-xid", "7", "--target", "x"), "several goals are named: --to-xid, --latest"),
        (("--to-lsn", "nonsense", "--target", "x"), "is not a place in a log"),
        (("--latest", "--only", "public.ledger"), "no server to put it into"),
        (("--latest",), "not said where to restore to"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    history: History, words: tuple[str, ...], said: str
) -> None:
    """A wish that contradicts itself, or would be misunderstood, is wrong usage, and nothing is read or written."""
    ran = history.restore(*words)

    assert 2 == ran.code
    assert said in ran.error["message"]


def test_a_transaction_is_looked_for_before_it_is_replayed(history: History) -> None:
    """A transaction before the second backup is begun with the first; one that nobody logged is refused at once."""
    early, late = line(history, 0.1), history.ledger.lines[-2]
    target = history.home / "planned"

    first, second, never = (
        history.restore("--to-xid", number, "--target", target, "--dry-run")
        for number in (early.transaction, late.transaction, late.transaction + 1_000_000)
    )

    assert first_base(history) == first.document["plan"]["base"]
    assert first_base(history) != second.document["plan"]["base"]
    assert (13, True) == (never.code, "is not in the log of source 'accounts'" in never.error["message"])


def test_a_restore_that_was_killed_goes_on(history: History) -> None:
    """Killed while the server replays, the same restore run again goes on with that, and ends with the same rows."""
    target, wanted = history.home / "killed", line(history, 0.9)
    words = ("restore", "accounts", "--to", wanted.moment, "--target", target)
    process = started(history.home, *words, variables=history.variables)
    mark = target / ".covenant-recovery"
    until(lambda: mark.exists() and b"true" in mark.read_bytes(), 60)
    process.kill()
    ended(process)
    left = Path(Mark(target).read().private)  # type: ignore[union-attr]

    another = history.restore("--latest", "--target", target)
    ran = history.restore("--to", wanted.moment, "--target", target)

    assert (22, 0) == (another.code, ran.code), ran.err
    assert ran.document["resumed"]
    assert not left.exists()
    assert up_to(wanted) == history.entries(target / "data")


def test_what_is_right_already_is_kept(history: History) -> None:
    """Over another state only files that differ are written, what does not belong goes, and the rows are right."""
    target, wanted = history.home / "killed", line(history, 0.5)
    (target / "data" / "base" / "1" / "99999").write_bytes(b"a relation of a later time")

    refused = history.restore("--to", wanted.moment, "--target", target)
    ran = history.restore("--to", wanted.moment, "--target", target, "--overwrite")

    assert (22, 0) == (refused.code, ran.code), ran.err
    assert ran.document["restore"]["files_kept"] > ran.document["restore"]["files_replaced"]
    assert up_to(wanted) == history.entries(target / "data")


# -- what is lost ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ruinable(history: History) -> Iterator[Path]:
    """A copy of the vault, to be damaged."""
    copy = history.home / "ruined"
    shutil.copytree(history.home / "vault", copy)
    yield copy
    shutil.rmtree(copy)


def test_a_damaged_piece_stops_a_recovery(history: History, ruinable: Path) -> None:
    """A flipped bit in the way ends the recovery as damage, and what is left is nothing that a server starts from."""
    vault = open_vault(PosixStore(ruinable), PASSWORD)
    shelf = read_shelf(vault, "accounts")
    found = shelf.find(segment_at(1, line(history, 0.2).place).name)
    assert found is not None
    for blob in found.file.content:
        place = vault.index.find(bytes.fromhex(blob), BlobType.DATA)
        assert place is not None
        flip(ruinable / "data" / place.pack.hex()[:2] / place.pack.hex(), place.offset + place.length // 2)

    target = history.home / "broken"
    ran = history.restore("--to", line(history, 0.4).moment, "--target", target, vault=ruinable)

    assert 21 == ran.code, ran.err
    assert "the log cannot be had whole on the way to" in ran.error["message"]
    with pytest.raises(TargetError, match="restore_command"):
        history.entries(target / "data")
    shutil.rmtree(target)


def test_a_missing_piece_is_a_gap_with_its_windows(history: History, ruinable: Path) -> None:
    """Nothing is brought back across a piece that is gone, and the error says what can be had instead."""
    vault = open_vault(PosixStore(ruinable), PASSWORD)
    first = bases(try_snapshots(vault)[0], "accounts")[0]
    wanted = line(history, 0.4)
    for piece in read_shelf(vault, "accounts").pieces:
        if first.span.end < piece.span.begin <= wanted.place or piece.span.begin <= wanted.place < piece.span.end:
            (ruinable / "snapshots" / piece.snapshot.id).unlink()

    ran = history.restore("--to-lsn", place_text(wanted.place), "--target", history.home / "gap", vault=ruinable)

    assert 13 == ran.code, ran.err
    assert "the log has a gap at" in ran.error["message"]
    assert "What can be had: " in ran.error["hint"]
    assert not (history.home / "gap").exists()


def flip(path: Path, at: int) -> None:
    """Turn one bit of a file."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


class Misread(Shelf):
    """A log one of whose segments was not right before it came into the vault: no hash can tell."""

    spoiled = ""
    at = 0

    def read(self, found: Found) -> bytes:
        """A file, in which a byte is wrong if it is the spoiled one."""
        content = bytearray(super().read(found))
        if found.file.name.startswith(self.spoiled):
            content[self.at] ^= 1
        return bytes(content)


def test_a_log_that_cannot_be_replayed_to_its_end_is_damage(history: History) -> None:
    """PostgreSQL takes a record that it cannot read for the log's end; we do not, and no server is left running."""
    vault, wrong = history.kept.vault, history.ledger.lines[-8].place
    snapshots, _ = try_snapshots(vault)
    shelf = Misread(vault, "accounts", snapshots)
    segment = segment_at(1, wrong)
    shelf.spoiled, shelf.at = segment.name, wrong - segment.begin + 40
    goal = Goal(moment=history.ledger.lines[-1].moment)
    route = choose_route(goal, bases(snapshots, "accounts"), shelf.pieces, shelf.lineages)
    job = RecoveryJob(vault, shelf, route, history.home / "misread", CLOCK)
    job.roles, job.said = (SUPERUSER,), (history.kept.server.programs,)

    with pytest.raises(DamageError, match="could only be replayed to"):
        recover_server(job)

    assert not (job.target / "data" / "postmaster.pid").exists()


def test_an_empty_machine_gets_the_server_back_too(history: History) -> None:
    """Recovery from nothing replays the log to its end: every commit is there, and the server was asked."""
    history.settle()
    target, last = history.home / "bare", history.ledger.lines[-1]
    before = ("--vault", history.home / "vault", "--password-file", history.home / "password", "--no-cache", "--json")

    ran = here(*before, "recover", "--bare", "--target", target, variables=history.variables)

    (source,) = ran.document["sources"]
    assert up_to(last) == history.entries(target / "sources" / "accounts" / "data")
    assert ("", {"passed"}) == (source["why_not"], {answer["result"] for answer in source["answers"]})
    shutil.rmtree(target)
