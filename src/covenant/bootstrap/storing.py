"""Classes of storage, put together: which packs may lie in a cheaper one, and what buckets are told of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from covenant.adapters.stores.location import parse_location
from covenant.kernel.errors import CovenantError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.adapters.stores.s3_archive import S3Archive
    from covenant.bootstrap import NamedSpec, Opener, OpenVault
    from covenant.recover.job import RestoreJob
    from covenant.recover.thawing import ThawPlan
    from covenant.vault.vault import Vault

_CLASS_OPTIONS = ("storage_class", "archive_after")


def classed(opening: Opener) -> list[NamedSpec]:
    """The regions that keep files' content in a class of its own, or archive it."""
    return [place for place in opening.places if any(place.spec.options.get(key) for key in _CLASS_OPTIONS)]


def nothing(name: str) -> bool:
    """Whether a pack is known to hold content alone, for who has no key: never."""
    return False


def content_of(opened: OpenVault) -> Callable[[str], bool]:
    """Says of a pack's name whether it holds content of files alone; the index is read when it is first asked.

    A pack that no index names yet counts as not: it lies where everything can be read at once.
    """
    if not classed(opened.opener):
        return nothing
    found: dict[str, frozenset[str]] = {}
    lock = threading.Lock()

    def is_content(name: str) -> bool:
        with lock:
            if "packs" not in found:
                found["packs"] = _content_packs(opened.vault)
        return name in found["packs"]

    return is_content


def _content_packs(vault: Vault) -> frozenset[str]:
    from covenant.vault.census import Census
    from covenant.vault.names import DATA, object_name
    from covenant.vault.pack import BlobType

    try:
        census = Census(vault.index.segments)
    except CovenantError:
        return frozenset()
    pairs = zip(census.listings, census.tally(), strict=True)
    return frozenset(object_name(DATA, pack.hex()) for pack, tally in pairs if tally.kinds == 1 << BlobType.DATA)


def unread(archived: Mapping[str, int]) -> tuple[Finding, ...]:
    """What could not be verified because it must be thawed first, region by region."""
    return tuple(
        Finding(
            "copies-archived",
            f"region '{region}'",
            f"{number:,} copies lie in an archival class and were not read; if they are whole is not known",
            "A restore with '--thaw' reads and proves them.",
        )
        for region, number in archived.items()
        if number
    )


# -- archival classes --------------------------------------------------------------------------------------------------


def archives(opening: Opener, *, everywhere: bool = False) -> dict[str, S3Archive]:
    """The regions that may have to thaw what is read from them; ``everywhere``: any bucket that speaks S3.

    Somebody's own lifecycle rules may have archived what we were never told of.
    """
    places = [place for place in opening.places if _archives(place, everywhere)]
    if not places:
        return {}
    from covenant.adapters.stores.s3_archive import S3Archive

    return {place.name: S3Archive.open(place.spec.url, place.spec.options) for place in places}


def _archives(place: NamedSpec, everywhere: bool) -> bool:
    options = place.spec.options
    if everywhere:
        return parse_location(place.spec.url).kind == "s3"
    return bool(options.get("archive_after")) or options.get("storage_class") in ("GLACIER", "DEEP_ARCHIVE")


def archived(opening: Opener) -> Callable[[str], bool] | None:
    """Says of an object whether no region has it at hand; ``None`` where no region archives."""
    found = archives(opening)
    if not found:
        return None
    from covenant.recover.thawing import plan

    at_hand = _at_hand(opening, found)
    return lambda name: not plan([name], found, at_hand.__contains__).at_hand


def thaw_plan(opened: OpenVault, job: RestoreJob, found: Mapping[str, S3Archive]) -> ThawPlan:
    """What must be thawed before the restore can read everything."""
    from covenant.recover import thawing

    at_hand = _at_hand(opened.opener, found)
    return thawing.plan(thawing.needed_packs(job), found, at_hand.__contains__)


def _at_hand(opening: Opener, found: Mapping[str, S3Archive]) -> frozenset[str]:
    """The packs that a region has which archives nothing: one listing of each. A region that is away has none now."""
    from covenant.vault.names import DATA

    if len(found) == len(opening.places):
        return frozenset()
    names = set[str]()
    for region in opening.regional().regions:
        if region.name not in found:
            with contextlib.suppress(CovenantError):
                names.update(region.ask(lambda store: [listed.name for listed in store.list(DATA)]))
    return frozenset(names)


def promise_archiving(opening: Opener) -> dict[str, bool]:
    """Tell every bucket that is to archive at an age so; by region, whether it had to be told."""
    aged = {place.name for place in opening.places if place.spec.options.get("archive_after")}
    if not aged:
        return {}
    return {name: archive.promise() for name, archive in archives(opening).items() if name in aged}
