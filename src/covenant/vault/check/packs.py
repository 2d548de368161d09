"""Whether the packs that the index names are there, and as large as what it says of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from covenant.kernel.findings import Finding
from covenant.vault.check.blobs import Blobs
from covenant.vault.check.inventory import foreign
from covenant.vault.check.ledger import Ledger
from covenant.vault.names import DATA, id_of, object_name
from covenant.vault.vault import Vault

_ABSENT = -1
_UNINDEXED = "no index names it: what an interrupted backup leaves behind; 'covenant prune' removes it"


class Packs:
    """The packs in the store, as against the index."""

    def __init__(self, vault: Vault, blobs: Blobs) -> None:
        self._blobs = blobs
        self._sizes = array("q", [_ABSENT]) * len(blobs.packs)
        self.unindexed = 0
        self.notes: list[Finding] = []
        for listed in vault.store.list(DATA):
            pack_id = id_of(listed.name)
            if listed.name != object_name(DATA, pack_id):
                self.notes.append(foreign(listed.name))
                continue
            number = blobs.numbers.get(bytes.fromhex(pack_id))
            if number is None:
                self.unindexed += 1
                self.notes.append(Finding("pack-unindexed", listed.name, _UNINDEXED))
            else:
                self._sizes[number] = listed.size
        self.notes += self._mixed()

    def present(self) -> Iterator[tuple[int, int]]:
        """Number and size of every pack that index and store both have."""
        for number in self._blobs.numbers.values():
            if self._sizes[number] != _ABSENT:
                yield number, self._sizes[number]

    def compare(self, ledger: Ledger) -> None:
        """Write every missing pack and every wrong size into the ledger; mark what is lost with them."""
        for pack_id, number in self._blobs.numbers.items():
            size = self._sizes[number]
            if size == _ABSENT:
                ledger.pack(number, pack_id, "pack-missing", f"it is gone, with {self._blobs.count(number)} blobs")
                self._condemn(number, 0)
            elif not self._blobs.seamless(number):
                ledger.pack(number, pack_id, "pack-damaged", "its blobs do not lie side by side as the index has them")
            elif size != self._blobs.pack_size(number):
                message = f"it has {size} bytes where the index implies {self._blobs.pack_size(number)}"
                ledger.pack(number, pack_id, "pack-damaged", message)
                self._condemn(number, size)

    def _mixed(self) -> Iterator[Finding]:
        """Packs that hold both trees and data, which old programs made: slower to read, and nothing worse."""
        for pack_id, number in self._blobs.numbers.items():
            if self._blobs.mixed(number):
                yield Finding("pack-mixed", object_name(DATA, pack_id.hex()), "it holds both trees and data")

    def _condemn(self, number: int, end: int) -> None:
        """Mark the blobs that reach beyond ``end``."""
        for entry in self._blobs.entries(number):
            if entry.offset + entry.length > end:
                self._blobs.condemn(number, entry)
