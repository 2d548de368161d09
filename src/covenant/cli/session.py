"""What was said before the command, and what follows from it: which vault, which password, which settings.

Which vault, the first that is said: ``--vault``, a ``covenant.toml`` named with ``-c``, the environment, and the
``covenant.toml`` found upwards from here. ``--vault`` may also be the name of a vault of that file. The password: as
the command line says, as the file says beside the vault, as the environment says, and else by asking at the terminal.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli.meanwhile import load_meanwhile
from covenant.cli.output import Output
from covenant.cli.progress import shown
from covenant.kernel.clock import Clock, SystemClock
from covenant.kernel.errors import CatalogError, UsageError

if TYPE_CHECKING:
    from covenant.bootstrap import LockKind, Opener, OpenVault
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.progress import Progress
    from covenant.settings.environment import Environment
    from covenant.settings.secrets import SecretRef
    from covenant.settings.values import Limits, Settings, Vault


@dataclass(slots=True)
class Said:
    """The global options, as they were given."""

    vault: str | None = None
    password_file: Path | None = None
    password_command: str | None = None
    config: Path | None = None
    cache_dir: Path | None = None
    no_cache: bool = False
    wait_seconds: float = 0
    no_lock: bool = False
    no_progress: bool = False
    verbose: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A vault that is meant: its address, its store's options, and where its password is."""

    url: str
    options: dict[str, str | SecretRef] = field(default_factory=dict, repr=False)
    password: SecretRef | None = None
    regions: tuple[tuple[str, str, dict[str, str | SecretRef]], ...] = field(default=(), repr=False)
    """Name, address and options of each region, where there are several; the first is ``url``."""
    acknowledge: int = 0


class Session:
    """One run of the program."""

    def __init__(self, output: Output, clock: Clock | None = None) -> None:
        self.output = output
        self.clock = clock or SystemClock()
        self.said = Said()
        self.words: tuple[str, ...] = ()
        """The global options, word by word: what stood before 'wal', which leaves a process like itself behind."""

    # -- what was told to us --------------------------------------------------------------------------------------

    @cached_property
    def environment(self) -> Environment:
        """What the process's environment says."""
        from covenant.settings import environment

        return environment.of_process()

    @cached_property
    def config_path(self) -> Path | None:
        """The ``covenant.toml`` in use, or ``None`` where there is none."""
        from covenant.settings.locate import find

        return self.said.config or self.environment.config or find(Path.cwd())

    @cached_property
    def settings(self) -> Settings | None:
        """What the ``covenant.toml`` says. Its findings are shown when it is read."""
        if self.config_path is None:
            return None
        from covenant.settings.file import load

        settings = load(self.config_path)
        self.output.findings(settings.findings)
        return settings

    def required_settings(self) -> Settings:
        """The same, for who cannot do without. Raises ``UsageError``."""
        if self.settings is None:
            raise UsageError(
                "there is no covenant.toml here or in any folder above",
                "Name one with -c, or name what is meant with '--vault' and '--path'.",
            )
        return self.settings

    def known_limits(self) -> Limits | None:
        """The limits of the ``covenant.toml``, where it is read anyway."""
        settings = self.__dict__.get("settings") if self.said.config is None else self.settings
        return None if settings is None else settings.limits

    @property
    def lanes(self) -> int:
        """How many threads or processes may work side by side."""
        from covenant.bootstrap import jobs

        return jobs.lanes(self.known_limits())

    def adding_lanes(self, opener: Opener) -> int:
        """How many threads may store packs side by side."""
        from covenant.bootstrap import jobs

        return jobs.adding_lanes(opener, self.known_limits())

    # -- which vault ----------------------------------------------------------------------------------------------

    def place(self) -> Place:
        """The vault that is meant. Raises ``UsageError`` where none is named."""
        said = self.said
        if said.vault is not None:
            return self._named(said.vault) or self._outside(said.vault)
        if said.config is None and self.environment.vault:
            return self._outside(self.environment.vault)
        settings = self.settings
        if settings is not None and settings.vaults:
            return self.place_of(self._only(settings))
        if self.environment.vault:
            return self._outside(self.environment.vault)
        raise UsageError("no vault is named", "Give '--vault', set COVENANT_VAULT, or write it in covenant.toml.")

    @property
    def vault_name(self) -> str:
        """What ``covenant.toml`` calls the vault that is meant; ``""`` where it does not speak of it."""
        said = self.said
        if said.vault is not None or (said.config is None and self.environment.vault):
            text = said.vault if said.vault is not None else ""
            return text if text and self._named(text) is not None else ""
        settings = self.settings
        return "" if settings is None or not settings.vaults else self._only(settings).name

    def place_named(self, name: str) -> Place:
        """A vault of ``covenant.toml``; ``--vault`` goes before it, and the environment names the default one."""
        settings = self.required_settings()
        if self.said.vault is not None or name not in settings.vaults:
            return self.place()
        return self.place_of(settings.vaults[name])

    def other_place(
        self, url: str, options: dict[str, str], password_file: Path | None, password_command: str | None
    ) -> Place:
        """A second vault beside the one that is meant; nothing that was said of that one concerns it."""
        named = None
        if "/" not in url and ":" not in url and self.config_path is not None:
            named = self.required_settings().vaults.get(url)
        place = Place(url) if named is None else self._described(named)
        kind = self._kind(place.url)
        merged = {**self.environment.store_options(kind), **place.options, **options}
        return replace(
            place, options=merged, password=_password_said(password_file, password_command) or place.password
        )

    def place_of(self, vault: Vault) -> Place:
        """A vault as ``covenant.toml`` describes it."""
        place, described = self._completed(vault.url, dict(vault.options), vault.password), self._described(vault)
        regions = described.regions
        if len(vault.regions) == 1 and vault.regions[0].name != "default":  # one place, and it has a name
            regions = ((vault.regions[0].name, place.url, place.options),)
        return replace(place, regions=regions, acknowledge=described.acknowledge)

    def _described(self, vault: Vault) -> Place:
        """What ``covenant.toml`` says of a vault, and the environment of its regions."""
        place = Place(vault.url, dict(vault.options), vault.password)
        if len(vault.regions) < 2:
            return place
        regions = tuple(
            (region.name, region.url, {**self.environment.store_options(self._kind(region.url)), **region.options})
            for region in vault.regions
        )
        return replace(place, regions=regions, acknowledge=vault.acknowledge)

    def _named(self, text: str) -> Place | None:
        """The vault of that name, if there is a ``covenant.toml`` that has one."""
        if "/" in text or ":" in text or self.config_path is None:
            return None
        vault = self.required_settings().vaults.get(text)
        return None if vault is None else self.place_of(vault)

    def _outside(self, url: str) -> Place:
        """A vault that no ``covenant.toml`` describes."""
        return self._completed(url, {}, None)

    def _completed(self, url: str, options: dict[str, str | SecretRef], password: SecretRef | None) -> Place:
        merged = {**self.environment.store_options(self._kind(url)), **options, **self.said.options}
        said = _password_said(self.said.password_file, self.said.password_command)
        return Place(url, merged, said or password or self.environment.password)

    def _kind(self, url: str) -> str:
        from covenant.adapters.stores.location import parse_location

        return parse_location(url).kind

    def _only(self, settings: Settings) -> Vault:
        vaults = settings.vaults
        if "default" in vaults:
            return vaults["default"]
        if len(vaults) == 1:
            return next(iter(vaults.values()))
        raise UsageError(f"there are several vaults: {', '.join(vaults)}", "Name one of them with '--vault'.")

    # -- its password ---------------------------------------------------------------------------------------------

    def new_password(self, file: Path | None, command: str | None) -> str:
        """A password that shall open the vault from now on; asked for twice where it is not given."""
        said = _password_said(file, command)
        if said is not None:
            return said.resolve(self.environment.variables)
        return self.ask_password("new password", twice=True)

    def password(self, place: Place, *, twice: bool = False) -> str:
        """The vault's password. Asks at the terminal where nothing else is given; ``twice`` for a new vault."""
        if place.password is not None:
            return place.password.resolve(self.environment.variables)
        return self.ask_password(f"password of {place.url}", twice=twice)

    def ask_password(self, what: str, *, twice: bool = False) -> str:
        """Ask at the terminal. Raises ``UsageError`` where there is none."""
        if not sys.stdin.isatty():
            raise UsageError(
                f"no {what} is given", "Give '--password-file', set COVENANT_PASSWORD_FILE, or run it at a terminal."
            )
        from getpass import getpass

        password = getpass(f"{what}: ")
        if twice and getpass("the same again: ") != password:
            raise UsageError("the two passwords differ", "Type the same password twice.")
        if not password:
            raise UsageError("the password is empty", "Choose a password; without it nobody opens the vault again.")
        return password

    # -- the catalog ----------------------------------------------------------------------------------------------

    @property
    def catalog_place(self) -> str:
        """Where the catalog lies: as ``covenant.toml`` says, else in one file for each ``covenant.toml``."""
        settings = self.required_settings()
        said = settings.catalog
        if said is not None:
            return str(said) if isinstance(said, Path) else str(said.resolve(self.environment.variables))
        name = sha256(bytes(settings.path.resolve())).hexdigest()[:16]
        return str(self.state_dir / f"{name}.db")

    @property
    def state_dir(self) -> Path:
        """Where what is remembered between runs lies."""
        variables = self.environment.variables
        if chosen := variables.get("COVENANT_STATE_DIR"):
            return Path(chosen)
        outer = variables.get("XDG_STATE_HOME")
        return (Path(outer) if outer else Path.home() / ".local" / "state") / "covenant"

    @property
    def marks_dir(self) -> Path:
        """Where it is remembered which copies were read back when."""
        return self.state_dir / "verified"

    @contextlib.contextmanager
    def catalog(self) -> Iterator[Catalog]:
        """The catalog, opened. Raises ``CatalogError``."""
        from covenant.catalog.catalog import open_catalog

        with open_catalog(self.catalog_place) as catalog:
            yield catalog

    def vault_at(self, place: Place) -> Vault | None:
        """The vault that is meant, as ``covenant.toml`` has it; ``None`` where it has none such."""
        vaults = self.settings.vaults.values() if self.settings is not None else ()
        return next((vault for vault in vaults if vault.url == place.url), None)

    def remember(self, opened: OpenVault, place: Place) -> None:
        """Let the catalog know which snapshots a vault has now, so that ``status`` and the daemon need not be told.

        Where it cannot be had nothing is lost: the daemon looks for itself.
        """
        from covenant.bootstrap.remembering import take_up

        vault = self.vault_at(place)
        if vault is None:
            return
        self.tell_catalog(lambda catalog: take_up(catalog, vault.name, opened.vault, self.clock.now()))

    def tell_catalog(self, tell: Callable[[Catalog], object]) -> None:
        """Tell the catalog what was done. Where it cannot be had, that is said, and what was done is done."""
        try:
            with self.catalog() as catalog:
                tell(catalog)
        except CatalogError as error:
            self.output.note(f"the catalog was not told: {error}")

    # -- the vault ------------------------------------------------------------------------------------------------

    @property
    def cache(self) -> Path | None:
        """Where the index is cached; ``None`` for nowhere."""
        if self.said.no_cache:
            return None
        chosen = self.said.cache_dir or self.environment.cache_dir
        if chosen is not None:
            return chosen
        outer = self.environment.variables.get("XDG_CACHE_HOME")
        return (Path(outer) if outer else Path.home() / ".cache") / "covenant"

    def opener(self, place: Place) -> Opener:
        """What opens a vault's store."""
        from covenant import bootstrap

        if not place.regions:
            return bootstrap.opener(place.url, self._resolved(place.options))
        regions = {name: (url, self._resolved(options)) for name, url, options in place.regions}
        return bootstrap.regional_opener(regions, place.acknowledge, self.cache)

    def _resolved(self, options: Mapping[str, str | SecretRef]) -> dict[str, str]:
        variables = self.environment.variables
        return {key: value if isinstance(value, str) else value.resolve(variables) for key, value in options.items()}

    @contextlib.contextmanager
    def opened(
        self, lock: LockKind = "none", place: Place | None = None, *, then: tuple[str, ...] = ()
    ) -> Iterator[OpenVault]:
        """The vault, held as the work needs it: ``shared`` to read and add, ``exclusive`` to take away.

        ``then`` names modules that will be needed; they are loaded while the password is hashed.
        """
        from covenant import bootstrap

        place = place or self.place()
        load_meanwhile(then)
        vault = bootstrap.open_vault(self.opener(place), self.password(place), self.clock, self.cache)
        try:
            with vault.held(lock, self.said.wait_seconds) as held:
                yield held
        finally:
            self.output.noticed += vault.copies_seen()

    def keep_promises(self, opened: OpenVault) -> None:
        """Have what ``covenant.toml`` says lie in the vault too, if it speaks of it: a bare machine asks for it."""
        from covenant.bootstrap.promising import keep_promises

        settings: Settings | None = self.__dict__.get("settings")  # read already, where it is what was meant
        if settings is None:
            return
        for name, vault in settings.vaults.items():
            if opened.opener.spec.url in (region.url for region in vault.regions):
                keep_promises(opened, settings, name)

    @contextlib.contextmanager
    def read(self, *, then: tuple[str, ...] = ()) -> Iterator[OpenVault]:
        """The vault, to be read while others add to it; ``--no-lock`` reads without holding it."""
        with self.opened("none" if self.said.no_lock else "shared", then=then) as vault:
            yield vault

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Progress]:
        """Show how far the work is, where there is someone to see it."""
        wanted = self.output.speaks and not self.said.no_progress
        with shown(title, self.output.err, wanted) as listener:
            yield listener


def _password_said(file: Path | None, command: str | None) -> SecretRef | None:
    """Where the command line says that a password is. Raises ``UsageError``."""
    from covenant.settings.secrets import SecretCommand, SecretFile

    if file is not None and command is not None:
        raise UsageError("both a password file and a password command are given", "Give one of them.")
    if file is not None:
        return SecretFile(file)
    if command is None:
        return None
    words = shlex.split(command)
    if not words:
        raise UsageError("the password command names no command", "Write the command and its arguments.")
    return SecretCommand(tuple(words))
