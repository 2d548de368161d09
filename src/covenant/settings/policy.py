"""From settings to the policy: what was promised for each source and each vault, and which line gave each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from covenant.kernel.layers import Stated
from covenant.kernel.policy import Commitment, DrillPolicy, Policy, SourcePolicy, VaultPolicy, source_policy
from covenant.settings.show import plain
from covenant.settings.toml_lines import Where
from covenant.settings.values import Settings, Source, Vault


def policy_of(settings: Settings) -> Policy:
    """Everything that was promised. A vault that only the environment names has one region."""
    vaults = {name: _vault(settings, vault) for name, vault in settings.vaults.items()}
    for source in settings.sources.values():
        if source.vault not in vaults:
            vaults[source.vault] = VaultPolicy(vault=source.vault, acknowledge=Stated(1, "default"))
    return Policy(
        sources={name: _source(source) for name, source in settings.sources.items()},
        vaults=vaults,
        commitments=tuple(_commitments(settings)),
        drills=dict(_drills(settings)),
    )


def _source(source: Source) -> SourcePolicy:
    return source_policy(
        source.name,
        system=source.kind,
        vault=source.vault,
        data_class=source.data_class,
        tier=source.tier,
        covered=source.covered,
        dumped=source.dumped,
        layers=source.layers,
    )


def _vault(settings: Settings, vault: Vault) -> VaultPolicy:
    named: Where = ("vaults", vault.name)
    where = named if named in settings.lines else ("vault",)
    return VaultPolicy(
        vault=vault.name,
        regions=tuple(region.name for region in vault.regions),
        acknowledge=Stated(vault.acknowledge, _origin(settings, (*where, "acknowledge"))),
        chores={
            kind: Stated(schedule, _origin(settings, (*where, "chores", kind)))
            for kind, schedule in vault.chores.items()
        },
        verify_within=Stated(vault.verify_within, _origin(settings, (*where, "verify_within")))
        if vault.verify_within
        else None,
        immutable_by={region.name: region.immutable for region in vault.regions if region.immutable},
    )


def _drills(settings: Settings) -> Iterator[tuple[str, DrillPolicy]]:
    for level, said in settings.drills.levels.items():
        if said.at is not None:
            at = Stated(said.at, _origin(settings, ("drills", level, "at")))
            yield level, DrillPolicy(level=level, at=at, what=said.what)


def _commitments(settings: Settings) -> Iterator[Commitment]:
    """Every sentence of the sections that no source carries, and whether this version keeps it."""
    for section, said in settings.commitments.items():
        for keys, value in _sentences(said):
            at = (section, *keys)
            if at in _MEANS:
                continue
            promises = _PROMISES.get(at) or _PROMISES.get(at[:2]) or _PROMISES.get(at[:1]) or ()
            covered = at in _COVERED or at[:2] in _COVERED
            yield Commitment(".".join(at), _worded(value), promises, _origin(settings, at), covered)


def _sentences(said: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in said.items():
        if isinstance(value, Mapping):
            yield from _sentences(value, (*above, key))
        else:
            yield (*above, key), value


def _worded(value: Any) -> str:
    shown = plain(value)
    return ", ".join(map(str, shown)) if isinstance(shown, list) else str(shown).replace("True", "yes")


def _origin(settings: Settings, where: Where) -> str:
    line = settings.lines.get(where)
    return "default" if line is None else f"{settings.path.name}:{line}"


_MEANS: frozenset[Where] = frozenset({("drills", "folder"), ("drills", "room"), ("drills", "reports")})
"""Keys that say how something is done, and promise nothing."""

_COVERED: frozenset[Where] = frozenset(
    {("drills", "monthly"), ("drills", "quarterly"), ("drills", "annual"), ("drills", "validate")}
)
"""The sections, or keys, that this version keeps."""

_PROMISES: dict[Where, tuple[str, ...]] = {
    ("trash",): ("S10", "S11", "S12", "S18"),
    ("dunning", "grace"): ("S13",),
    ("dunning", "freeze_portal"): ("S13",),
    ("dunning", "block_uploads"): ("S14",),
    ("dunning", "warn_on_day"): ("S15",),
    ("dunning", "export_on_day"): ("S15",),
    ("dunning", "erase_on_day"): ("S16",),
    ("drills", "monthly"): ("M27",),
    ("drills", "quarterly"): ("S20", "M28"),
    ("drills", "annual"): ("M29",),
    ("drills", "validate"): ("M30",),
    ("authorisation",): ("S6",),
    ("communication",): ("M25",),
    ("restoration",): ("M26",),
    ("audit",): ("S27",),
    ("scenarios",): ("S17", "S18", "S19", "M22"),
    ("procedures", "database"): ("M23",),
    ("procedures", "system"): ("M24",),
    ("incidents", "read_only"): ("S19",),
    ("incidents",): ("S22",),
    ("export",): ("S24",),
    ("readiness",): ("M31",),
}
"""The promises of ``docs/covenant.md`` that each section, or key, speaks of."""
