"""The vaults of a document: their regions, what a write must reach, and their chores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

from covenant.adapters.stores.location import parse_location
from covenant.kernel.durations import format_interval
from covenant.kernel.errors import UsageError
from covenant.kernel.policy import ChoreKind
from covenant.kernel.schedule import Schedule
from covenant.settings import defaults
from covenant.settings.reading import Reading
from covenant.settings.tables.vaults import ChoresTable, PlaceTable, RegionTable, VaultTable
from covenant.settings.toml_lines import Where
from covenant.settings.values import Region, Vault

_ARCHIVE = "GLACIER"
_CLASSED = (
    "Write storage_class for a bucket; and archive_after, with archive_class if you like, for one that speaks S3: only "
    "from there can we have it thawed."
)


def vaults(reading: Reading) -> Iterator[Vault]:
    """The vaults, the one from ``[vault]`` under the name ``default``."""
    if "vault" in reading.document:
        yield from _vault(reading, "default", reading.document["vault"], ("vault",))
    for name, raw, where in reading.named("vaults"):
        if name == "default" and "vault" in reading.document:
            reading.problems.add(where, "this vault is [vault] already", "Keep one of the two.")
        yield from _vault(reading, name, raw, where)


def _vault(reading: Reading, name: str, raw: Any, where: Where) -> Iterator[Vault]:
    table = reading.problems.read(VaultTable, raw, where)
    if table is None:
        return
    regions = tuple(_regions(reading, table, where))
    if not regions:
        return
    acknowledge = len(regions) if table.acknowledge == "all" else table.acknowledge
    yield Vault(
        name=name,
        url=regions[0].url,
        password=None if table.password is None else reading.secret(table.password),
        options=regions[0].options,
        regions=regions,
        acknowledge=acknowledge,
        chores=_chores(table),
        verify_within=_verify_within(table),
    )


def _regions(reading: Reading, table: VaultTable, where: Where) -> Iterator[Region]:
    if table.url is not None:
        yield from _region(reading, "default", table.url, table, where)
        return
    for name, raw, at in reading.named_in(table.regions, (*where, "regions")):
        region = reading.problems.read(RegionTable, raw, at)
        if region is not None:
            yield from _region(reading, name, region.url, region, at)


def _region(reading: Reading, name: str, url: str, table: PlaceTable, where: Where) -> Iterator[Region]:
    options = reading.options(table.options, where)
    try:
        location = parse_location(url)
    except UsageError as error:
        reading.problems.add((*where, "url"), error.message, error.hint)
        return
    if unfit := _unfit_class(location.kind, table):
        reading.problems.add((*where, unfit), f"a store of this kind cannot follow {unfit}", _CLASSED)
        return
    absolute = str(reading.path(location.path)) if location.kind == "folder" else url
    archive_class = table.archive_class or (_ARCHIVE if table.archive_after else "")
    said = (table.storage_class or "", table.archive_after, archive_class)
    yield Region(name, absolute, {**_classes(*said), **options}, *said, table.immutable or "")


def _unfit_class(kind: str, table: PlaceTable) -> str:
    """The key that asks for a class of storage which a store of this kind does not have, or ``""``."""
    if table.storage_class and (kind in ("folder", "memory") or (kind == "az" and table.storage_class == "Archive")):
        return "storage_class"
    if table.archive_after and kind != "s3":
        return "archive_after"
    return "archive_class" if table.archive_class and not table.archive_after else ""


def _classes(storage_class: str, after: timedelta | None, archive_class: str) -> dict[str, str]:
    """The same as options of the store."""
    aged = {"archive_after": format_interval(after), "archive_class": archive_class} if after else {}
    return {**({"storage_class": storage_class} if storage_class else {}), **aged}


def _verify_within(table: VaultTable) -> timedelta:
    return defaults.VERIFY_WITHIN if table.verify_within is None else table.verify_within


def _chores(table: VaultTable) -> dict[ChoreKind, Schedule]:
    """The chores of a vault; what promises nothing is not done."""
    found = chores(table.chores)
    if not _verify_within(table):
        found.pop("verify", None)
    return found


def chores(table: ChoresTable | None) -> dict[ChoreKind, Schedule]:
    """When a vault looks after itself: as the table says, else as it is usual; ``never`` leaves a chore out."""
    written = set() if table is None else table.model_fields_set
    zone = (table and table.zone) or "UTC"
    jitter = (table and table.jitter) or timedelta()
    blackouts = tuple((table and table.blackouts) or ())
    found: dict[ChoreKind, Schedule] = {}
    for kind in get_args(ChoreKind):
        schedule = getattr(table, kind) if kind in written else defaults.CHORES[kind]
        if schedule is not None:
            found[kind] = replace(schedule, zone=zone, jitter=jitter, blackouts=blackouts)
    return found
