"""The daemon as the command line runs it: settings that may change under it, events on stdout, signals that stop it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from covenant import bootstrap
from covenant.cli import exits
from covenant.cli.output import clean
from covenant.cli.session import Session
from covenant.cli.signals import Stop, end_at_once, stopping
from covenant.kernel.errors import AlreadyRunning, CovenantError

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.bootstrap.telling import Lookout
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.policy import Policy
    from covenant.loop.events import Event
    from covenant.respond.condition import Condition
    from covenant.settings.values import Settings

_SIDE_BY_SIDE = 2


def keep_on(session: Session, *, once: bool, lease: timedelta | None, drain: timedelta | None) -> int:
    """Run the loop until it is told to stop, or once; returns the exit code."""
    from covenant.bootstrap.working import Working
    from covenant.loop.reconcile import Loop, Terms

    followed = Followed(session)
    settings = followed.settings
    limits = settings.limits
    given = {name: length for name, length in (("lease", lease), ("drain", drain)) if length is not None}
    terms = Terms(holder=_ourselves(), concurrent=limits.concurrent or _SIDE_BY_SIDE, **given)
    _sweep(session, settings)
    with session.catalog() as catalog, stopping(session.output.note) as stop:
        worker = Working(
            lambda: followed.settings,
            lambda: followed.policy,
            followed.open,
            catalog,
            session.environment,
            session.marks_dir,
            session.state_dir,
            session.clock,
            followed.password,
        )
        loop = Loop(followed.look, catalog, worker, session.clock, terms, followed.tell, stop.event)
        lookout = _lookout(session, followed, catalog, lambda: loop.leading)
        if once:
            led = loop.once(lambda: lookout.look(at_once=True))
            if not led and not stop.signal:
                raise AlreadyRunning("another daemon leads", "It does what is due; look with 'covenant status'.")
        else:
            with _metrics(settings, lookout):
                loop.run()
    code = _code(stop, once, loop.bad)
    if loop.lingers:
        end_at_once(session.output, code)
    return code


def _sweep(session: Session, settings: Settings) -> None:
    """Remove what a drill left behind that was killed with the machine, perhaps, or with the daemon before us."""
    if settings.drills.levels:
        from covenant.bootstrap.drilling import sandboxes

        sandboxes(session.state_dir, settings).sweep()


def _lookout(session: Session, followed: Followed, catalog: Catalog, leading: Callable[[], bool]) -> Lookout:
    """Who tells people how things stand, beside the loop."""
    from covenant.bootstrap.telling import Lookout, memory, see

    return Lookout(
        see=lambda: see(followed.policy, catalog, session.clock),
        troubles=followed.troubles,
        alerts=lambda: followed.settings.alerts,
        leading=leading,
        catalog=catalog,
        kept=memory(session.state_dir, catalog),
        clock=session.clock,
        variables=session.environment.variables,
        log=session.output.err.write,
    )


@contextlib.contextmanager
def _metrics(settings: Settings, lookout: Lookout) -> Iterator[None]:
    """While the loop runs, look at how things stand, and serve the numbers where covenant.toml says so."""
    from covenant.adapters.metrics.listening import MetricsServer

    with contextlib.ExitStack() as stack:
        lookout.begin()
        stack.callback(lookout.end)
        if settings.metrics is not None:
            stack.enter_context(MetricsServer(*settings.metrics, lookout.scrape))
        yield


def _code(stop: Stop, once: bool, bad: int) -> int:
    """A daemon that was told to stop has done its duty; what was to be done once and was not is told."""
    if stop.signal:
        return stop.exit_code if once else exits.DONE
    return exits.FINDINGS if bad else exits.DONE


def _ourselves() -> str:
    """A name that no other process has, now or after a restart."""
    return f"{os.uname().nodename}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass(slots=True)
class Followed:
    """The ``covenant.toml`` that is followed: read anew when it changes and can be followed, else the old one."""

    session: Session
    settings: Settings = field(init=False)
    policy: Policy = field(init=False)
    _stamp: tuple[int, int, int] | None = field(init=False)
    _refused: Condition | None = None

    def __post_init__(self) -> None:
        self.settings = self.session.required_settings()
        self.policy = self._policy()
        self._stamp = self._stamped()

    def look(self) -> Policy:
        """The policy as the file says it now."""
        stamp = self._stamped()
        if stamp is not None and stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self.policy

    def troubles(self) -> tuple[Condition, ...]:
        """What is wrong with the file itself, for as long as it is."""
        return () if self._refused is None else (self._refused,)

    def _read_again(self) -> None:
        from covenant.loop.events import Event
        from covenant.respond.conditions import refused_settings
        from covenant.settings.file import load

        now = self.session.clock.now()
        try:
            settings = load(self.settings.path)
        except CovenantError as error:
            self._refused = refused_settings(str(self.settings.path), error.message, now)
            self.tell(Event(at=now, kind="config-refused", text=error.message, hint="The old one is followed on."))
            return
        self._refused = None
        self.settings = settings
        self.policy = self._policy()
        self.tell(Event(at=now, kind="config-read", text=f"{len(settings.sources)} sources"))

    def _policy(self) -> Policy:
        from covenant.settings.policy import policy_of

        return policy_of(self.settings)

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = Path(self.settings.path).stat()
        except OSError:
            return None  # it is being replaced, or it is gone: what was read is followed on
        return found.st_mtime_ns, found.st_size, found.st_ino

    def open(self, name: str) -> OpenVault:
        """A vault of the file, opened; raises the vault's and the store's errors."""
        session = self.session
        place = session.place_of(self.settings.vaults[name])
        opener = replace(session.opener(place), bandwidth=self.settings.limits.bandwidth)
        return bootstrap.open_vault(opener, session.password(place), session.clock, session.cache)

    def password(self, name: str) -> str:
        """What opens a vault of the file."""
        return self.session.password(self.session.place_of(self.settings.vaults[name]))

    def tell(self, event: Event) -> None:
        """One line for each event, at once."""
        output = self.session.output
        if output.json:
            output.document(asdict(event))
        elif output.speaks:
            output.say(clean(str(event)))
            if event.hint:
                output.say(f"  HINT: {clean(event.hint)}")
        output.out.flush()
