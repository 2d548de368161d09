"""From the tables of a document to values that can be relied on: defaults, absolute paths, names looked up.

Each table is read by itself, so that a mistake in one does not hide those in the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from covenant.kernel.findings import Finding
from covenant.settings import defaults, running
from covenant.settings.commitments import commitments
from covenant.settings.drills import drills
from covenant.settings.problems import did_you_mean
from covenant.settings.reading import Reading
from covenant.settings.secrets import exposure
from covenant.settings.sources import classes, sources, tiers
from covenant.settings.tables.document import Document
from covenant.settings.terms import under_terms
from covenant.settings.toml_lines import Where
from covenant.settings.values import Files, Postgres, Settings, Source, Vault
from covenant.settings.vaults import vaults


def resolve(path: Path, document: Mapping[str, Any], lines: Mapping[Where, int]) -> Settings:
    """What a document says. Raises ``InvalidConfig`` with every problem in it."""
    reading = Reading(path, document, lines)
    for key in document:
        if key not in Document.model_fields:
            reading.problems.add((key,), "no such section", did_you_mean(key, Document.model_fields))
    kept_in = {vault.name: vault for vault in vaults(reading)}
    by_class = {**defaults.CLASSES, **{each.name: each for each in classes(reading)}}
    by_tier = {layer.name.removeprefix("tier "): layer for layer in tiers(reading)}
    kept = {source.name: source for source in sources(reading, by_class, by_tier)}
    kept_in = under_terms(kept_in, kept.values())
    promised = commitments(reading)
    settings = Settings(
        path=path,
        vaults=kept_in,
        classes=by_class,
        sources=kept,
        limits=running.limits(reading),
        tiers=by_tier,
        catalog=running.catalog(reading),
        metrics=running.metrics(reading),
        alerts=running.alerts(reading, {*by_class, *reading.names("classes")}),
        drills=drills(reading, promised.get("drills", {})),
        commitments=promised,
        findings=tuple(_findings(kept_in, kept)),
        lines=lines,
    )
    reading.problems.raise_all()
    return settings


def _findings(vaults: Mapping[str, Vault], sources: Mapping[str, Source]) -> Iterator[Finding]:
    secrets = dict.fromkeys(
        secret
        for vault in vaults.values()
        for secret in (vault.password, *(value for region in vault.regions for value in region.options.values()))
        if not isinstance(secret, str)
    )
    secrets |= dict.fromkeys(each.system.url for each in sources.values() if isinstance(each.system, Postgres))
    yield from (exposed for secret in secrets if (exposed := exposure(secret)) is not None)
    for source in sources.values():
        vault_of = vaults.get(source.vault)
        if vault_of is None or not isinstance(source.system, Files):
            continue
        for region in vault_of.regions:
            if _lies_within(region.url, source.system):
                yield Finding(
                    kind="vault-in-source",
                    subject=f"source '{source.name}'",
                    message=f"the vault lies in a folder that it keeps: '{region.url}'",
                    hint="Exclude the vault, or move it: a copy on the same disk does not outlive the disk.",
                )


def _lies_within(url: str, files: Files) -> bool:
    return url.startswith("/") and any(Path(url).is_relative_to(path) for path in files.paths)
