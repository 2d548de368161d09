"""The decision of a prune: which packs stay, go, or are written anew. Pure: it sees numbers alone.

A pack that nobody needs goes. One that is needed in part is written anew, the emptiest first, until what is left
unused is within what the options allow. Packs of trees are cheap and always cleaned, for every program caches them;
packs in which trees and data are mixed, and trees that were never compressed, are set right at the same time. These
are the rules of restic's ``prune``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from covenant.vault.prune.fate import Action, Fate, PackUse
from covenant.vault.prune.options import PruneOptions

_SMALL = 0.8


def decide(packs: Sequence[PackUse], options: PruneOptions, *, compresses: bool) -> list[Fate]:
    """The fate of every pack, in no particular order. ``compresses``: whether the vault's format knows compression."""
    fates, candidates = [], []
    small = _small(packs, options)
    for pack in packs:
        fate = _settled(pack, options, pack.id in small, compresses)
        if fate is None:
            candidates.append(pack)
        else:
            fates.append(fate)
    return fates + list(_repacked(candidates, fates, options, small, compresses))


def _small(packs: Iterable[PackUse], options: PruneOptions) -> set[str]:
    """The packs that are too small, if that was asked for and there is another to put each together with."""
    if not options.repack_small:
        return set()
    small = [pack for pack in packs if pack.used_blobs and pack.size < _SMALL * options.pack_size]
    fellows = Counter(pack.kinds for pack in small)
    return {pack.id for pack in small if fellows[pack.kinds] > 1}


def _settled(pack: PackUse, options: PruneOptions, small: bool, compresses: bool) -> Fate | None:
    """The fate of a pack that does not depend on the others'."""
    if not pack.used_blobs:
        return Fate(pack, Action.REMOVE, "no snapshot needs any of it")
    if pack.unused or pack.mixed or small or _improvable(pack, options, compresses):
        return None
    return Fate(pack, Action.KEEP, "all of it is needed")


def _improvable(pack: PackUse, options: PruneOptions, compresses: bool) -> bool:
    return compresses and pack.uncompressed and (options.repack_uncompressed or not pack.of_data_alone)


def _repacked(
    candidates: list[PackUse], settled: list[Fate], options: PruneOptions, small: set[str], compresses: bool
) -> Iterator[Fate]:
    """The others' fates: written anew until what stays unused is allowed, or the work is as much as is allowed."""
    used = sum(fate.pack.used for fate in settled) + sum(pack.used for pack in candidates)
    unused = sum(pack.unused for pack in candidates)
    allowed = options.allowed(used)
    work = 0
    for pack in sorted(candidates, key=_urgency):
        if options.max_repack_size is not None and work + pack.used + pack.unused > options.max_repack_size:
            yield Fate(pack, Action.KEEP, f"as much as allowed is repacked without it; {_share(pack)}")
            continue
        why = _occasion(pack, options, pack.id in small, compresses)
        if not why and unused <= allowed:
            yield Fate(pack, Action.KEEP, f"what stays unused is within what is allowed; {_share(pack)}")
            continue
        work += pack.used + pack.unused
        unused -= pack.unused
        yield Fate(pack, Action.REPACK, why or _share(pack))


def _urgency(pack: PackUse) -> tuple[int, float, str]:
    """Mixed packs first, then trees, then the rest; among equals those with least to rewrite for what they free."""
    rank = 0 if pack.mixed else 2 if pack.of_data_alone else 1
    return rank, -pack.unused / max(pack.used, 1), pack.id


def _occasion(pack: PackUse, options: PruneOptions, small: bool, compresses: bool) -> str:
    """Why a pack is written anew however little of it is unused, or ``""``."""
    if pack.mixed:
        return "data and trees lie in it together"
    if _improvable(pack, options, compresses):
        return "blobs in it are not compressed"
    if not pack.of_data_alone:
        return f"it holds trees; {_share(pack)}"
    return "it is small" if small else ""


def _share(pack: PackUse) -> str:
    return f"{100 * pack.unused / max(pack.used + pack.unused, 1):.1f} % of it is unused"
