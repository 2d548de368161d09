"""What the stores of a vault are told of terms: how objects are locked there, and for how long what is put."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from covenant.kernel.durations import format_interval
from covenant.kernel.layers import merged
from covenant.settings.secrets import SecretRef
from covenant.settings.values import Region, Source, Vault


def under_terms(vaults: Mapping[str, Vault], sources: Iterable[Source]) -> dict[str, Vault]:
    """The vaults, each region with the options of its store that follow from ``immutable``; written ones go before.

    What is put is locked for the shortest term of any source that the vault keeps: no source's objects for longer than
    was promised, and none that was promised a term for a moment without. The rest is extended afterwards.
    """
    shortest: dict[str, timedelta] = {}
    for source in sources:
        if term := merged(source.layers)["immutable"].value:
            shortest[source.vault] = min(term, shortest.get(source.vault, term))
    return {name: _told(vault, shortest.get(name)) for name, vault in vaults.items()}


def _told(vault: Vault, term: timedelta | None) -> Vault:
    if not any(region.immutable for region in vault.regions):
        return vault
    regions = tuple(replace(region, options=_options(region, term)) for region in vault.regions)
    return replace(vault, regions=regions, options=regions[0].options)


def _options(region: Region, term: timedelta | None) -> Mapping[str, str | SecretRef]:
    if not region.immutable:
        return region.options
    put = {"immutable_term": format_interval(term)} if term and region.immutable == "object-lock" else {}
    return {"immutable": region.immutable, **put, **region.options}
