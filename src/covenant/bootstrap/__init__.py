"""Where everything is put together: the one module that knows everyone.

A command names what it needs, a vault to read, to add to, or to take away from, a source to protect, and is handed
exactly that. Whoever only reads is given a store that cannot write, whoever adds one that cannot delete: by type, and
again while the program runs.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from covenant.adapters.stores.discarding import DiscardingStore
from covenant.adapters.stores.guarded import AppendOnlyStore, ReadOnlyStore
from covenant.adapters.stores.opening import StoreSpec
from covenant.bootstrap.opening import NamedSpec, Opener, opener, regional_opener
from covenant.kernel.clock import Clock
from covenant.kernel.errors import StoreDenied
from covenant.kernel.findings import Finding
from covenant.vault.ports import AppendStore, ReadStore, Store, Terms

if TYPE_CHECKING:
    from covenant.adapters.sources.sqlite.restoring import RestoredDatabase
    from covenant.adapters.stores.validate import Report as StoreReport
    from covenant.kernel.progress import Progress
    from covenant.settings import values
    from covenant.vault.lock import Locks, Owner
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

__all__ = ["NamedSpec", "Opener", "StoreSpec", "opener", "regional_opener"]

LockKind = Literal["none", "shared", "exclusive"]


@dataclass(frozen=True, slots=True)
class OpenVault:
    """A vault whose key we hold, with its store in three grades of privilege."""

    vault: Vault
    opener: Opener
    owner: Owner
    clock: Clock
    whole: Store = field(repr=False)
    """For ``safeguard`` and ``repair`` alone: it can delete."""
    confirm: Callable[[], None] = lambda: None
    """Makes sure that our lock stands unchallenged; to be called before a snapshot is stored."""

    @property
    def reading(self) -> ReadStore:
        """The store, for reading only."""
        return ReadOnlyStore(self.whole)

    @property
    def appending(self) -> AppendStore:
        """The store, for adding only."""
        return AppendOnlyStore(self.whole)

    @property
    def discarding(self) -> AppendStore:
        """The store, for trying out: nothing is added."""
        return DiscardingStore(self.whole)

    def copies_seen(self) -> tuple[Finding, ...]:
        """Copies in single regions that were met damaged or missing, and passed over; waits for slower regions."""
        if not self.opener.regions:
            return ()
        from covenant.replicate.regional import RegionalStore

        assert isinstance(self.whole, RegionalStore)  # an opener of named places opens nothing else
        self.whole.finish()
        return tuple(sighting.finding() for sighting in self.whole.sightings.fresh())

    @property
    def terms(self) -> Terms | None:
        """Who says what nobody may delete yet; ``None`` where the store keeps no terms."""
        from covenant.bootstrap.terms import terms_of

        return terms_of(self.opener)

    @property
    def locks(self) -> Locks:
        """The vault's locks, which even who only adds must be able to take away again."""
        from covenant.vault.lock import SETTLE_SECONDS, Locks

        settle_seconds = 0 if self.opener.local else SETTLE_SECONDS
        return Locks(self.vault, AppendOnlyStore(self.whole), self.owner, self.clock, settle_seconds)

    @contextlib.contextmanager
    def held(self, kind: LockKind, wait_seconds: float = 0) -> Iterator[OpenVault]:
        """This vault, held for as long as the work lasts. Raises ``VaultLocked``."""
        if kind == "none":
            yield self
            return
        locks = self.locks
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(
                    locks.shared(wait_seconds) if kind == "shared" else locks.exclusive(wait_seconds)
                )
            except StoreDenied as error:
                raise StoreDenied(error.message, "If the vault is only to be read, give '--no-lock'.") from error
            yield replace(self, confirm=held.confirm)


def this_process() -> Owner:
    """Who we are, for locks and snapshots."""
    from covenant.vault.lock import Owner

    uid = os.geteuid()
    try:
        username = pwd.getpwuid(uid).pw_name
    except KeyError:
        username = str(uid)
    return Owner(os.uname().nodename, username, os.getpid(), uid, os.getegid())


def open_vault(opening: Opener, password: str, clock: Clock, cache: Path | None) -> OpenVault:
    """Open an existing vault. Raises ``VaultMissing``, ``WrongPassword`` and the store's errors."""
    from covenant.vault.vault import open_vault as unlock

    whole = opening.whole()
    return OpenVault(unlock(ReadOnlyStore(whole), password, cache=cache), opening, this_process(), clock, whole)


def create_vault(opening: Opener, password: str, clock: Clock, cache: Path | None) -> OpenVault:
    """Make a new vault, and the folder that it lies in. Raises ``VaultExists``."""
    from covenant.vault.keys import calibrate
    from covenant.vault.vault import create_vault as create

    for place in opening.places:
        place.make_folder()
    whole, owner = opening.whole(), this_process()
    vault = create(
        AppendOnlyStore(whole),
        password,
        calibrate(),
        clock,
        username=owner.username,
        hostname=owner.hostname,
        cache=cache,
    )
    return OpenVault(vault, opening, owner, clock, whole)


# -- what is brought back ----------------------------------------------------------------------------------------------


def unsound(source: values.Source, target: str) -> Iterator[Finding]:
    """What is wrong with a source's data after it was restored below ``target``, asked of the data itself."""
    if source.kind != "sqlite":
        return
    from covenant.adapters.sources.sqlite.placement import integrity_problems
    from covenant.bootstrap.sources import source_paths

    for path in source_paths(source):
        restored = Path(target) / path.lstrip("/")
        if restored.is_file():
            for problem in integrity_problems(restored):
                yield Finding("database-unsound", str(restored), problem, "Restore an earlier snapshot.")


def restore_database(
    opened: OpenVault, snapshot: Snapshot, live: Path, lanes: int, progress: Progress
) -> RestoredDatabase:
    """Put a SQLite database back in the place of the live one, which is set aside; proved sound before."""
    from covenant.adapters.sources.sqlite.restoring import restore_database as restore
    from covenant.recover.job import Settings

    settings = Settings(lanes=lanes, open_store=opened.opener.reading)
    return restore(opened.vault, snapshot, live=live, clock=opened.clock, settings=settings, progress=progress)


def validate_store(opening: Opener, clock: Clock) -> StoreReport:
    """Ask a store every promise, through the wrappers that a vault uses it through."""
    from covenant.adapters.stores.s3_versions import intruder_for
    from covenant.adapters.stores.validate import validate

    bare, spec = opening.spec.open(), opening.spec
    return validate(opening.whole(), clock, intruder_for(bare, spec.url, spec.options))
