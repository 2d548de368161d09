"""Which snapshot is meant by what the user wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from covenant.cli.snapshot_list import Filter, readable
from covenant.kernel.errors import SnapshotMissing

if TYPE_CHECKING:
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

LATEST = "latest"


def one_snapshot(vault: Vault, name: str, wanted: Filter | None = None) -> Snapshot:
    """``latest``, the name of a source (its latest), or the beginning of an id. Raises ``SnapshotMissing``."""
    if name == LATEST:
        return _newest(vault, wanted or Filter(), "no snapshot that fits")
    try:
        return vault.find_snapshot(name)
    except SnapshotMissing as error:
        try:
            return _newest(vault, Filter(sources=(name,)), "")
        except SnapshotMissing:
            raise error from None


def _newest(vault: Vault, wanted: Filter, message: str) -> Snapshot:
    fitting = [snapshot for snapshot in readable(vault)[0] if wanted.fits(snapshot)]
    if not fitting:
        raise SnapshotMissing(f"{message} in {vault.url}", "List them with 'covenant snapshots'.")
    return fitting[-1]


def chosen(vault: Vault, names: Sequence[str], wanted: Filter) -> list[Snapshot]:
    """The snapshots that are named, or all that fit, oldest first; each once. Raises as ``one_snapshot`` does."""
    if not names:
        return [snapshot for snapshot in readable(vault)[0] if wanted.fits(snapshot)]
    return list({found.id: found for name in names for found in [one_snapshot(vault, name, wanted)]}.values())
