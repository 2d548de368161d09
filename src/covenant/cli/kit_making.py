"""What a recovery kit is made of, gathered from ``covenant.toml`` and the command line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from covenant.cli.session import Place, Session
from covenant.kernel.errors import ConfigError

if TYPE_CHECKING:
    from covenant.bootstrap.kits import Described, Order
    from covenant.prove.kit.kit import KitRegion
    from covenant.settings.secrets import SecretRef


@contextlib.contextmanager
def described(session: Session) -> Iterator[list[Described]]:
    """The vaults that the kit shall open, opened to be added to."""
    from covenant.bootstrap.kits import Described

    with contextlib.ExitStack() as stack:
        yield [
            Described(name, stack.enter_context(session.opened("shared", place)), _regions(place), place.acknowledge)
            for name, place in _places(session)
        ]


def _places(session: Session) -> Sequence[tuple[str, Place]]:
    """The vault that is named, or all that ``covenant.toml`` has."""
    outside = session.said.vault is not None or (session.said.config is None and session.environment.vault)
    if outside or session.settings is None or not session.settings.vaults:
        return [(session.vault_name or "default", session.place())]
    return [(name, session.place_of(vault)) for name, vault in session.settings.vaults.items()]


def _regions(place: Place) -> Sequence[tuple[str, str, Mapping[str, str | SecretRef]]]:
    from covenant import bootstrap

    if place.regions:
        return place.regions
    return [("default", bootstrap.opener(place.url, {}).spec.url, place.options)]


def order_of(session: Session, split: tuple[int, int] | None) -> Order:
    """How the kit is split, and whom it names."""
    from covenant.bootstrap.kits import Order

    k, n = split or (1, 1)
    settings = session.settings
    said: Mapping[str, Any] = {} if settings is None else settings.commitments.get("readiness", {})
    contacts = (*said.get("contacts", ()), *(f"Vendor: {vendor}" for vendor in said.get("vendors", ())))
    return Order(k, n, "" if settings is None else str(settings.path), contacts)


def known_options(session: Session, vault: str, region: KitRegion) -> dict[str, str] | None:
    """The options of a region as ``covenant.toml`` has them today, secrets looked up; ``None`` where it has it not."""
    settings = session.settings
    if settings is None or vault not in settings.vaults:
        return None
    for name, url, options in _regions(session.place_of(settings.vaults[vault])):
        if (name, url) == (region.name, region.url):
            with contextlib.suppress(ConfigError):  # what is missing here may be in the environment
                variables = session.environment.variables
                return {k: v if isinstance(v, str) else v.resolve(variables) for k, v in options.items()}
    return None
