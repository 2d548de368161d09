"""The ways into a vault that a drill takes: as it is, with its primary region cut off, with a password just made."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from covenant.adapters.stores.guarded import ReadOnlyStore
from covenant.adapters.stores.metered import MeteredStore
from covenant.adapters.stores.rekeyed import RekeyedStore
from covenant.bootstrap import OpenVault
from covenant.bootstrap.recovering import held_if_possible
from covenant.kernel.errors import Refusal
from covenant.prove.ports import Access
from covenant.vault.keys import Cost, calibrate, seal_key
from covenant.vault.names import KEYS, object_name
from covenant.vault.vault import Vault, open_vault

if TYPE_CHECKING:
    from covenant.replicate.regional import RegionalStore


@dataclass(slots=True)
class Ways:
    """The ways into the vaults, each held until ``held`` ends. ``cost`` is that of the password made for a breach."""

    opened: Callable[[str], OpenVault]
    held: ExitStack
    cost: Cost | None = None
    _vaults: dict[str, OpenVault] = field(default_factory=dict)
    _made: dict[tuple[str, str], Access] = field(default_factory=dict)

    def open(self, name: str) -> Access:
        return self._once("as it is", name, _access)

    def without_primary(self, name: str) -> Access:
        return self._once("without primary", name, _without_primary)

    def with_new_password(self, name: str) -> Access:
        return self._once("anew", name, lambda vault: _with_new_password(vault, self.cost or calibrate()))

    def _once(self, way: str, name: str, make: Callable[[OpenVault], Access]) -> Access:
        if (way, name) not in self._made:
            if name not in self._vaults:
                self._vaults[name] = self.held.enter_context(held_if_possible(self.opened(name), "shared", []))
            self._made[way, name] = make(self._vaults[name])
        return self._made[way, name]


def _access(opened: OpenVault, away: frozenset[str] = frozenset(), how: str = "") -> Access:
    """A way in over a store of its own, which counts what each region gives."""
    opener = replace(opened.opener, away=away)
    if len(opener.places) < 2:
        name = opener.places[0].name
        return Access(opened.vault, opener.reading, lambda: "" if name == "default" else name, how)
    regional = opener.regional()
    region = _metered(regional)
    vault = Vault(ReadOnlyStore(regional), opened.vault.master, opened.vault.config)
    return Access(vault, opener.reading, region, how)


def _metered(store: RegionalStore) -> Callable[[], str]:
    """Which region gave most, from now on."""
    meters = {region.name: MeteredStore(region.store) for region in store.regions}
    for region in store.regions:
        region.store = meters[region.name]

    def given(name: str) -> int:
        return sum(traffic.bytes for traffic in meters[name].traffic().values())

    return lambda: max(meters, key=given) if any(map(given, meters)) else ""


def _without_primary(opened: OpenVault) -> Access:
    names = [place.name for place in opened.opener.places]
    if len(names) < 2:
        raise Refusal(
            f"{opened.vault.url} is the only place where it lies: with it everything would be gone",
            "Give the vault a second region.",
        )
    primary = opened.opener.regional().roll().highest.primary
    return _access(opened, frozenset({primary}), f"region '{primary}' was cut off")


def _with_new_password(opened: OpenVault, cost: Cost) -> Access:
    """Seal the master key under a password that was just made, and open the vault with that and nothing else."""
    password, usual = secrets.token_urlsafe(32), _access(opened)
    key = seal_key(opened.vault.master, password, cost, created=opened.clock.now())
    name = object_name(KEYS, sha256(key).hexdigest())
    vault = open_vault(RekeyedStore(usual.vault.store, {name: key}), password)
    return Access(vault, usual.open_store, usual.region, "with a password made for it")
