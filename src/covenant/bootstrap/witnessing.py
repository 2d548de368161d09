"""Bringing the evidence of a vault up to date, and taking it out: for who acts by hand, beside the daemon."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from covenant.bootstrap import remembering
from covenant.kernel.findings import Finding
from covenant.prove.evidence.keeping import exported, kept_evidence
from covenant.prove.evidence.watching import note_policy

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.policy import Policy


def bring_up_to_date(catalog: Catalog, name: str, held: OpenVault, policy: Policy) -> None:
    """Take up what the vault has and what was promised, and seal all that is not sealed yet. ``held`` is held."""
    now = held.clock.now()
    note_policy(catalog, policy, f"{held.owner.username}@{held.owner.hostname}", now)
    remembering.take_up(catalog, name, held.vault, now)
    remembering.record(catalog, name, held.vault, held.appending, now)


@dataclass(frozen=True, slots=True)
class Export:
    """The evidence of one or several vaults, as it is given to others."""

    lines: Sequence[bytes]
    findings: tuple[Finding, ...]
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The public keys, by vault."""


def export(opened: dict[str, OpenVault], since: datetime | None) -> Export:
    """Everything that these vaults keep; ``since`` only what was sealed from then on."""
    kept = {name: kept_evidence(each.vault) for name, each in opened.items()}
    lines = [line for evidence in kept.values() for line in exported(evidence, since)]
    findings = tuple(finding for evidence in kept.values() for finding in evidence.findings)
    return Export(lines, findings, {name: tuple(sorted(evidence.keys)) for name, evidence in kept.items()})


def write_whole(path: str, lines: Sequence[bytes]) -> None:
    """Write a file whole or not at all, for its owner alone."""
    aside = f"{path}.{os.getpid()}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
