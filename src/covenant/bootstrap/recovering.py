"""Recovery from nothing: an empty machine, one region's address and what opens the vault.

The vault tells the rest: which sources it holds (their snapshots are tagged), what was promised for them (the policy
is kept beside them), what was done before (the journal). They come back one after another in the order of their
priority, each into a folder of its own, each asked whether it is whole. What cannot be brought back is said and keeps
no other from coming back.

    <target>/covenant.toml        the policy, as the vault has it
    <target>/catalog.db           the catalog, rebuilt
    <target>/recovery.json        how far it is, and what it came to
    <target>/sources/<name>/…     each source below its own paths, as restore puts it
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from covenant.bootstrap import LockKind, Opener, OpenVault, open_vault, remembering
from covenant.bootstrap.promising import Found, kept_promises, understood
from covenant.bootstrap.returning import Returned, Returning, bring_back
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CatalogError, Refusal, StoreError
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.prove.record import Step
from covenant.prove.recovery import Progressed, Recovery, read_progress, write_progress
from covenant.recover.ports import Speed


def _silent(_: str) -> AbstractContextManager[Progress]:
    return nullcontext(Silent())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What a bare machine has, and what it shall get back.

    ``sources`` narrows what comes back, ``at`` brings back the newest of each that was taken no later. ``hold`` says
    how the vault is held meanwhile; a region that nobody may write to is read with ``none``.
    """

    opener: Opener
    password: str = field(repr=False)
    target: Path
    clock: Clock
    since: datetime | None = None
    """When the recovery began that this is a part of: what came before it has been waited for too."""
    sources: tuple[str, ...] = ()
    at: datetime | None = None
    overwrite: bool = False
    lanes: int = 2
    hold: LockKind = "shared"
    cache: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment, in which programs are found."""
    thaw: Speed | None = None
    thaw_days: int = 7
    """How soon what lies in an archival class shall be thawed, if at all, and for how long."""
    progress: Callable[[str], AbstractContextManager[Progress]] = _silent
    told: Callable[[Returned], None] = lambda returned: None
    """Called with each source as it comes back."""
    stop: threading.Event = field(default_factory=threading.Event)


def recover_bare(bare: Bare) -> Recovery:
    """Bring back everything that a vault holds, from any one of its regions.

    Killed or stopped, the same recovery into the same folder goes on where it was. Raises what opening a vault raises,
    ``Refusal`` for a folder that holds something else, ``TargetError`` where nothing more can be written, and
    ``Interrupted``.
    """
    watch = Watch(bare.clock)
    with watch.step("open the vault", ", ".join(place.spec.url for place in bare.opener.places)):
        opened = open_vault(bare.opener, bare.password, bare.clock, bare.cache)
    vault_id = opened.vault.config.id
    before = read_progress(bare.target, vault_id, overwrite=bare.overwrite)
    progressed = before or Progressed(vault=vault_id, began_at=bare.since or watch.began_at)
    with held_if_possible(opened, bare.hold, findings := []) as held:
        with watch.step("read the policy"):
            found = kept_promises(held.vault)
            settings, unknown = understood(found)
        write_progress(bare.target, progressed)
        with watch.step("rebuild the catalog"):
            findings += [*unknown, *_rebuilt(bare, held, found)]
        returning = Returning(bare, held, found.newest.vault if found.newest else "", settings, progressed, watch)
        progressed = bring_back(returning)
    done = Recovery(
        target=str(bare.target),
        region=returning.region,
        vault=vault_id,
        began_at=progressed.began_at,
        ended_at=bare.clock.now(),
        steps=tuple(watch.steps),
        sources=tuple(progressed.done.values()),
        findings=(*findings, *returning.findings, *opened.copies_seen()),
        resumed=before is not None,
    )
    write_progress(bare.target, replace(progressed, recovery=done))
    return done


@contextlib.contextmanager
def held_if_possible(opened: OpenVault, kind: LockKind, findings: list[Finding]) -> Iterator[OpenVault]:
    """The vault, held; or only read, where nothing may be written to what is left of it. Raises ``VaultLocked``."""
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(opened.held(kind))
        except (StoreError, Refusal) as error:
            hint = "Let nobody prune it meanwhile; nothing else can disturb the recovery."
            findings.append(Finding("not-held", opened.vault.url, f"is read without a lock: {error.message}", hint))
            held = opened
        yield held


def _rebuilt(bare: Bare, opened: OpenVault, found: Found) -> list[Finding]:
    """Put the policy and the catalog into the folder; without either, everything else comes back all the same."""
    if found.newest is not None:
        (bare.target / "covenant.toml").write_text(found.newest.text, encoding="utf-8")
    from covenant.catalog.catalog import open_catalog

    name = found.newest.vault if found.newest else "default"
    try:
        with open_catalog(bare.target / "catalog.db") as catalog:
            return remembering.rebuild(catalog, {name: opened.vault}, bare.clock.now()).findings
    except CatalogError as error:
        hint = "Everything else comes back; 'covenant catalog rebuild' tries it again later."
        return [Finding("catalog-not-rebuilt", "catalog.db", error.message, hint)]


@dataclass(slots=True)
class Watch:
    """Times the steps of one recovery on a clock that never turns back."""

    clock: Clock
    began_at: datetime = field(init=False)
    steps: list[Step] = field(default_factory=list)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_at, self._began = self.clock.now(), self.clock.monotonic()

    @contextlib.contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Time one step of the whole; one that fails is not entered."""
        began = self.clock.monotonic()
        yield
        self.steps.append(Step(name, self.clock.monotonic() - began, detail))

    def since(self, first: datetime) -> timedelta:
        """How long it is since the recovery first began, by the wall for what an earlier run of it took."""
        return max(self.began_at - first, timedelta()) + timedelta(seconds=self.clock.monotonic() - self._began)
