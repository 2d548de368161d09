"""Looking at the whole vault before a prune, and refusing wherever something is not as it should be.

Nothing is written here. Whatever cannot be read might have needed a blob that looks unneeded, so it ends the prune.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.affected import files_with
from covenant.vault.census import Census, PackTally
from covenant.vault.crypto import OVERHEAD
from covenant.vault.lanes import in_threads
from covenant.vault.names import DATA, INDEX, id_of, object_name
from covenant.vault.ports import Terms
from covenant.vault.prune.around import Wished, around
from covenant.vault.prune.decide import decide
from covenant.vault.prune.fate import Action, Fate, PackUse
from covenant.vault.prune.options import PruneOptions
from covenant.vault.prune.plan import PrunePlan
from covenant.vault.prune.reindex import stale_files
from covenant.vault.reachable import mark_reachable
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

_PACK_FRAME = OVERHEAD + 4
_UNTOUCHED = "nothing was changed"
_REPAIR_INDEX = "Run 'covenant repair index', then prune again."
_REPAIR_SNAPSHOTS = "Run 'covenant check', then 'covenant repair snapshots' or forget them, then prune again."


def plan_prune(
    vault: Vault,
    options: PruneOptions | None = None,
    *,
    lanes: int = 2,
    terms: Terms | None = None,
    archived: Callable[[str], bool] | None = None,
) -> PrunePlan:
    """Decide what a prune would do. The caller holds the exclusive lock, from before this until it is applied.

    That lock is why a pack that no index names can go whatever its age: whoever is still writing holds a shared lock,
    so such a pack was left by someone who is gone.

    ``terms`` is asked about what would go, and about nothing else, where the store lets nobody delete for a while.
    ``archived`` is asked about packs that would be written anew: one that must be thawed before it can be read stays.

    Raises ``DamageError`` or ``ObjectMissing`` where a snapshot, an index file, a tree or any needed blob cannot be
    had: better a vault that is too large than one that has lost something.
    """
    options = options or PruneOptions()
    indexes = frozenset(id_of(listed.name) for listed in vault.store.list(INDEX)) - {""}
    vault.forget_index()
    snapshots = _snapshots(vault)
    stored = {id_of(listed.name): listed.size for listed in vault.store.list(DATA)}
    stored.pop("", None)
    census = Census(vault.index.segments)
    _set_aside(census, stored)
    read = _mark(vault, census, snapshots, lanes)
    tallies = _settled(census)
    uses = _uses(census, tallies, stored)
    fates = decide(uses, options, compresses=vault.config.compresses)
    if archived is not None:
        fates = _left_archived(fates, archived, lanes)
    absent = sorted({pack.hex() for pack in census.listings} - stored.keys())
    gone = {fate.pack.id for fate in fates if fate.action is not Action.KEEP}.union(absent)
    twice = {pack.hex() for pack in census.twice_listed()}
    unindexed = sorted((pack, stored[pack]) for pack in stored.keys() - {use.id for use in uses})
    index_files = stale_files(vault, indexes, gone, twice) if gone or twice else []
    wished = Wished(fates, unindexed, absent, index_files)
    allowed, held = (wished, ()) if terms is None else around(wished, vault, indexes, twice, terms, lanes)
    return PrunePlan(
        fates=tuple(allowed.fates),
        unindexed=tuple(allowed.unindexed),
        absent=tuple(allowed.absent),
        index_files=tuple(allowed.index_files),
        held=tuple(held),
        snapshots=frozenset(snapshot.id for snapshot in snapshots),
        indexes=indexes,
        options=options,
        trees_read=read,
        census=census,
    )


def _left_archived(fates: Sequence[Fate], archived: Callable[[str], bool], lanes: int) -> list[Fate]:
    """The same, but for what would have to be thawed to be written anew. What nobody needs goes unread."""

    def settled(fate: Fate) -> Fate:
        if fate.action is Action.REPACK and archived(object_name(DATA, fate.pack.id)):
            return Fate(fate.pack, Action.KEEP, f"it lies in an archival class; {fate.why}")
        return fate

    return list(in_threads(settled, fates, 4 * lanes))


def _snapshots(vault: Vault) -> list[Snapshot]:
    """All of them. One that is listed and not there cannot have been removed by anyone, under the exclusive lock."""
    try:
        return [vault.load_snapshot(snapshot_id) for snapshot_id in vault.snapshot_ids()]
    except (DamageError, ObjectMissing) as error:
        raise type(error)(f"cannot prune, {_UNTOUCHED}: {error}", _REPAIR_SNAPSHOTS) from error


def _set_aside(census: Census, stored: dict[str, int]) -> None:
    """Pass over listings of packs that are not there, and all but one of a pack that is listed several times."""
    twice = census.twice_listed()
    tallies = census.tally() if twice else []
    chosen = set()
    for listing, pack in enumerate(census.listings):
        if pack.hex() not in stored:
            census.usable[listing] = 0
        elif pack in twice:
            whole = tallies[listing].bytes + _PACK_FRAME == stored[pack.hex()]
            census.usable[listing] = whole and pack not in chosen
            chosen |= {pack} if whole else set()
    for pack in twice - chosen:
        if pack.hex() in stored:
            raise DamageError(
                f"cannot prune, {_UNTOUCHED}: index files do not agree on pack {pack.hex()[:8]}", _REPAIR_INDEX
            )


def _mark(vault: Vault, census: Census, snapshots: Sequence[Snapshot], lanes: int) -> int:
    try:
        read = mark_reachable(vault, census, (snapshot.tree for snapshot in snapshots), lanes)
    except (DamageError, ObjectMissing) as error:
        raise type(error)(f"cannot prune, {_UNTOUCHED}: {error}", _REPAIR_SNAPSHOTS) from error
    if census.missing:
        files = files_with(vault, snapshots, census.missing)
        raise ObjectMissing(
            f"cannot prune, {_UNTOUCHED}: {len(census.missing)} needed blobs are in no index or their packs are gone; "
            f"affected: {', '.join(files)}",
            "Run 'covenant repair index', then 'covenant check'; 'covenant repair snapshots' gives up what is lost.",
        )
    return read


def _settled(census: Census) -> list[PackTally]:
    """The sums, after choosing for each blob with several copies the one in the pack with least waste."""
    tallies = census.tally()

    def waste(listing: int) -> float:
        return 1 - tallies[listing].needed_bytes / tallies[listing].bytes

    return census.tally() if census.settle(waste) else tallies


def _uses(census: Census, tallies: list[PackTally], stored: dict[str, int]) -> list[PackUse]:
    """Every indexed pack that there is. Raises ``DamageError`` where one that is needed has not the size it should."""
    uses = []
    for listing, (pack, tally) in enumerate(zip(census.listings, tallies, strict=True)):
        if not census.usable[listing]:
            continue
        size = stored[pack.hex()]
        if tally.needed_blobs and size != tally.bytes + _PACK_FRAME:
            raise DamageError(
                f"cannot prune, {_UNTOUCHED}: pack {pack.hex()[:8]} has {size} bytes, "
                f"but the index accounts for {tally.bytes + _PACK_FRAME}",
                "Run 'covenant check'; if the pack is whole, 'covenant repair index' sets the index right.",
            )
        unused = tally.bytes - tally.needed_bytes
        uses.append(
            PackUse(
                id=pack.hex(),
                size=size,
                used=tally.needed_bytes,
                unused=unused,
                used_blobs=tally.needed_blobs,
                blobs=tally.blobs,
                kinds=tally.kinds,
                uncompressed=tally.uncompressed,
            )
        )
    return uses
