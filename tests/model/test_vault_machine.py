"""A vault against a dictionary: whatever is done to it, in whatever order, every acknowledged snapshot reads back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from covenant.protect.backup import Settings
from covenant.protect.parenthood import choose_parent
from covenant.safeguard import forget, prune, rewrite, tag
from covenant.safeguard.prune import PruneOptions
from covenant.vault.copy import copy
from covenant.vault.ports import Store
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault, open_vault
from tests.faults.stores import Died, DiesAfterWrite
from tests.small_worlds import Files, a_small_vault, contents, damage, noise, take
from tests.vaults import PASSWORD, back_up

NAMES = ("a.raw", "b.tmp", "deep/c.raw", "deep/d.tmp", "deep/er/e")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
OPTIONS = st.builds(
    PruneOptions,
    max_unused=st.sampled_from((0.0, 0.05, 1.0)),
    repack_small=st.booleans(),
    max_repack_size=st.none() | st.integers(0, 20_000),
    pack_size=st.just(8192),
)
SMALL = Settings(lanes=1, pack_size=8192)
names = st.sampled_from(NAMES)
seeds = st.integers(0, 5)
sizes = st.sampled_from((0, 1, 600, 3000, 20_000))


class VaultMachine(RuleBasedStateMachine):
    """Backups of a changing folder, of two writers at once, forgets, prunes, rewrites, tags, copies, and deaths.

    ``expected`` says for each acknowledged snapshot what it holds. An act that dies has acknowledged nothing: what it
    was to take away may be there or not, what it was to add likewise; all else must be as it was.
    """

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.store, self.vault = a_small_vault()
        self.other_store, self.other = a_small_vault()
        self.expected: dict[str, Files] = {}
        self.copied: dict[str, Files] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="covenant-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.day = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        assert [] == damage(self.store)
        assert [] == damage(self.other_store)

    # -- the folder ------------------------------------------------------------------------------------------------

    @initialize()
    def begin_with_a_file(self) -> None:
        self.write("a.raw", 0, 3000)

    @rule(name=names, seed=seeds, size=sizes)
    def write(self, name: str, seed: int, size: int) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(f"{seed}", size))

    @rule(name=names)
    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def there(self) -> Files:
        """What is in the folder, by the paths under which snapshots hold it."""
        return {str(path).lstrip("/"): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    # -- what adds -------------------------------------------------------------------------------------------------

    @rule(target=taken, kind=st.sampled_from(("full", "incremental", "differential")))
    def back_up(self, kind: str) -> str:
        snapshot = self.backed_up(self.vault, self.store, kind)
        self.expected[snapshot.id] = self.there()
        return snapshot.id

    def backed_up(self, vault: Vault, store: Store, kind: str) -> Snapshot:
        """A real backup of the folder, building on what its kind allows."""
        vault.forget_index()
        parent = choose_parent(kind, vault.snapshots(), source="", hostname="studio", paths=(str(self.folder),))
        return back_up(vault, store, self.folder, parent=parent, settings=SMALL, kind=kind).snapshot

    @rule(target=taken, seeds=st.tuples(seeds, seeds), size=sizes)
    def two_write_at_once(self, seeds: tuple[int, int], size: int) -> object:
        """Both opened the vault before either wrote, and neither sees what the other adds."""
        writers = [open_vault(self.store, PASSWORD), open_vault(self.store, PASSWORD)]
        known = [len(writer.index) for writer in writers]
        assert known[0] == known[1]
        done = []
        for writer, seed in zip(writers, seeds, strict=True):
            files = {"both": noise("both", size), f"own {seed}": noise(f"{seed}", size)}
            self.day += 1
            snapshot = take(writer, self.store, files, day=self.day, looks=False)
            self.expected[snapshot.id] = files
            done.append(snapshot.id)
        return multiple(*done)

    @rule(snapshot=taken)
    def copy_one(self, snapshot: str) -> None:
        assume(snapshot in self.expected)
        came = copy(self.vault, self.other, self.other_store, [self.vault.load_snapshot(snapshot)], lanes=1)
        for each in came.copied:
            self.copied[each.id] = self.expected[snapshot]

    # -- what takes away -------------------------------------------------------------------------------------------

    @rule(snapshot=taken)
    def forget_one(self, snapshot: str) -> None:
        assume(snapshot in self.expected)
        self.forgotten(self.vault, self.store, snapshot)
        del self.expected[snapshot]

    @staticmethod
    def forgotten(vault: Vault, store: Store, snapshot: str) -> None:
        forget.apply(forget.plan_named(vault.snapshots(), [snapshot], now=NOW), vault, store)

    @rule(options=OPTIONS)
    def prune(self, options: PruneOptions) -> None:
        self.pruned(self.vault, self.store, options)

    @staticmethod
    def pruned(vault: Vault, store: Store, options: PruneOptions) -> None:
        prune.apply_prune(prune.plan_prune(vault, options), vault, store)

    @rule(target=taken, snapshot=taken)
    def rewrite(self, snapshot: str) -> object:
        assume(snapshot in self.expected)
        decided = rewrite.plan(self.vault, [self.vault.load_snapshot(snapshot)], ["*.tmp"], forget=True)
        files = {path: data for path, data in self.expected[snapshot].items() if not path.endswith(".tmp")}
        assert bool(decided.changes) == (files != self.expected[snapshot])
        for new in rewrite.apply(decided, self.vault, self.store):
            del self.expected[snapshot]
            self.expected[new.id] = files
            return new.id
        return multiple()

    @rule(target=taken, snapshot=taken, word=st.sampled_from(("one", "two")))
    def tag(self, snapshot: str, word: str) -> object:
        assume(snapshot in self.expected)
        decided = tag.plan([self.vault.load_snapshot(snapshot)], add=[word])
        for new in tag.apply(decided, self.vault, self.store):
            self.expected[new.id] = self.expected.pop(snapshot)
            return new.id
        return multiple()

    # -- deaths ----------------------------------------------------------------------------------------------------

    @rule(writes=st.integers(0, 12), before=st.booleans())
    def die_backing_up(self, writes: int, before: bool) -> None:
        self.died(lambda vault, store: self.backed_up(vault, store, "full"), writes, before)

    @rule(writes=st.integers(0, 12), before=st.booleans(), options=OPTIONS)
    def die_pruning(self, writes: int, before: bool, options: PruneOptions) -> None:
        self.died(lambda vault, store: self.pruned(vault, store, options), writes, before)

    @rule(snapshot=taken, writes=st.integers(0, 1), before=st.booleans())
    def die_forgetting(self, snapshot: str, writes: int, before: bool) -> None:
        assume(snapshot in self.expected)
        self.died(lambda vault, store: self.forgotten(vault, store, snapshot), writes, before)
        if snapshot not in self.vault.snapshot_ids():
            del self.expected[snapshot]

    def died(self, act: Callable[[Vault, Store], object], writes: int, before: bool) -> None:
        """Let a newcomer act until it dies, or to the end. A snapshot that it stored nonetheless must be whole."""
        known = set(self.vault.snapshot_ids())
        dying = DiesAfterWrite(self.store, writes, before)
        try:
            act(open_vault(dying, PASSWORD), dying)
        except Died:
            pass
        self.vault.forget_index()
        for unacknowledged in set(self.vault.snapshot_ids()) - known:
            self.expected[unacknowledged] = self.there()

    # -- what must always hold -------------------------------------------------------------------------------------

    @invariant()
    def every_acknowledged_snapshot_reads_back(self) -> None:
        for store, expected in ((self.store, self.expected), (self.other_store, self.copied)):
            newcomer = open_vault(store, PASSWORD)
            found = {snapshot.id: contents(newcomer, snapshot) for snapshot in newcomer.snapshots()}
            assert expected == found


VaultMachine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestVault = VaultMachine.TestCase
