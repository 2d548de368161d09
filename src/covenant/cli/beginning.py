"""What a recovery from nothing begins with: a recovery kit, or an address and a password."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli.session import Session
from covenant.kernel.errors import ConfigError, UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap import Opener
    from covenant.prove.kit.kit import Kit, KitRegion, KitVault
    from covenant.settings.secrets import SecretRef


@dataclass(frozen=True, slots=True)
class Beginning:
    """One vault that can be opened: ``folder`` is where it goes below the target, ``""`` where it is the only one."""

    opener: Opener
    password: str = field(repr=False)
    folder: str = ""
    findings: tuple[Finding, ...] = ()
    """What of the kit cannot be used here."""


def beginnings(session: Session, kits: Sequence[Path]) -> Iterator[Beginning]:
    """Every vault that shall come back. Raises ``UsageError`` where nothing says which, and what reading a kit does."""
    if not kits:
        place = session.place()
        yield Beginning(session.opener(place), session.password(place))
        return
    from covenant.prove.kit.kit import read_kits

    kit = read_kits(kits)
    if session.said.vault is not None or not kit.vaults:
        yield Beginning(session.opener(session.place()), kit.password)
        return
    for vault in kit.vaults:
        yield _of_kit(session, kit, vault)


def _of_kit(session: Session, kit: Kit, vault: KitVault) -> Beginning:
    """A vault in all regions that the kit names and this machine has the credentials of; the rest is told."""
    from covenant import bootstrap

    places: dict[str, tuple[str, dict[str, str]]] = {}
    findings = []
    for region in vault.regions:
        try:
            places[region.name] = region.url, options_of(session, region)
        except ConfigError as error:
            findings.append(Finding("region-closed", f"region {region.name}", error.message, error.hint))
    if not places:
        raise UsageError(f"no region of vault '{vault.name}' can be opened: {findings[0].message}", findings[0].hint)
    if len(places) == 1:
        opener = bootstrap.opener(*next(iter(places.values())))
    else:
        opener = bootstrap.regional_opener(places, vault.acknowledge, session.cache)
    return Beginning(opener, kit.password, vault.name if len(kit.vaults) > 1 else "", tuple(findings))


def options_of(session: Session, region: KitRegion) -> dict[str, str]:
    """The options of a region's store; a secret is looked for where it was when the kit was made. May be given anew."""
    from covenant.adapters.stores.location import parse_location

    variables = session.environment.variables
    given = {**session.environment.store_options(parse_location(region.url).kind), **session.said.options}
    options = {key: value if isinstance(value, str) else value.resolve(variables) for key, value in given.items()}
    for option, where in region.needs.items():
        if option not in options:
            options[option] = _reference(option, where).resolve(variables)
    return {**region.options, **options}


def _reference(option: str, where: str) -> SecretRef:
    """Where a secret is, from how a reference is shown. Raises ``ConfigError`` for one that was said only once."""
    from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile

    for kind, reference in (
        ("file ", lambda rest: SecretFile(Path(rest))),
        ("command ", lambda rest: SecretCommand(tuple(shlex.split(rest)))),
        ("environment variable ", SecretEnv),
    ):
        if where.startswith(kind):
            return reference(where.removeprefix(kind))
    raise ConfigError(f"its option '{option}' is a secret, and is {where}", f"Give it with '-o {option}=…'.")
