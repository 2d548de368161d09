"""Writing the needed blobs of some packs into new ones.

Each blob is opened and proved on the way, so that damage is never carried into a new pack where it would look sound,
and then taken over as it was sealed: nothing is compressed or encrypted a second time unless that is the point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.progress import Progress
from covenant.vault.affected import files_with
from covenant.vault.bulk import Read, in_pack, whole
from covenant.vault.census import Census
from covenant.vault.index import Index
from covenant.vault.lanes import in_threads
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.ports import AppendStore
from covenant.vault.prune.options import PruneOptions
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer


def repack(
    vault: Vault,
    store: AppendStore,
    census: Census,
    packs: Iterable[str],
    options: PruneOptions,
    *,
    lanes: int,
    progress: Progress,
) -> None:
    """Write the needed blobs of ``packs`` anew; on return they are durable and indexed, besides where they were.

    Raises ``DamageError`` or ``ObjectMissing``, with the files that suffer, where no copy of a blob is whole. What
    was written until then does no harm: the next prune finds it.
    """
    writer = _blank_writer(vault, store, options)
    chosen = {bytes.fromhex(pack) for pack in packs}
    listings = [listing for listing, pack in enumerate(census.listings) if pack in chosen and census.usable[listing]]

    def carry(work: tuple[bytes, Sequence[PackEntry]]) -> None:
        pack, entries = work
        try:
            for read in in_pack(vault, pack, entries):
                _carry(writer, read, whole(vault, read), options)
        except (DamageError, ObjectMissing) as error:
            raise _with_files(vault, error, entries) from error
        progress.advance(bytes=sum(entry.length for entry in entries))

    for _ in in_threads(carry, census.needed_in(listings), lanes):
        pass
    writer.flush()


def _blank_writer(vault: Vault, store: AppendStore, options: PruneOptions) -> Writer:
    """A writer that believes the vault to be empty, or it would find every blob to be there already."""
    blank = Vault(vault.store, vault.master, vault.config)
    blank.index = Index()
    return Writer(blank, store, pack_size=options.pack_size)


def _carry(writer: Writer, read: Read, plain: bytes, options: PruneOptions) -> None:
    is_tree = read.place.type == BlobType.TREE
    compress = not read.place.plain_length and (is_tree or options.repack_uncompressed)
    if read.sealed is not None and not (compress and writer.vault.config.compresses):
        writer.adopt(PackEntry(read.id, *read.place[1:]), read.sealed)
    elif is_tree:
        writer.tree(plain)
    else:
        writer.data(plain)


def _with_files(
    vault: Vault, error: DamageError | ObjectMissing, entries: Sequence[PackEntry]
) -> DamageError | ObjectMissing:
    bad = {(entry.type, entry.id) for entry in entries if entry.id.hex()[:8] in str(error)}
    files = files_with(vault, vault.snapshots(), bad)
    return type(error)(
        f"cannot prune, nothing was removed: {error}; affected: {', '.join(files)}",
        "Run 'covenant check --read-data', then 'covenant repair snapshots' gives up what is lost.",
    )
