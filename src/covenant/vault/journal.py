"""The record of what was done, kept in the vault itself, so that nothing of weight is lost with the catalog.

A page is an object like any other small one: its plain bytes are compressed, sealed with the vault's key, and named by
the hash of what is stored.

    covenant/journal/<id>    0x02 || zstd(text)    in vaults of format 2
    covenant/policy/<id>     text                  in vaults of format 1

Pages are only ever added; they may overlap, and have no order. What their text says is the affair of who writes it
(``catalog.chronicle``; ``bootstrap.promising`` for what was promised). restic knows nothing of the folder ``covenant``
and leaves it alone: its check, its prune and its copies neither need nor see it, and a copy object by object takes it
along.
"""

from __future__ import annotations

from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing, StoreError
from covenant.kernel.findings import Finding
from covenant.vault.names import JOURNAL, id_of
from covenant.vault.ports import AppendStore
from covenant.vault.vault import Vault

_HINT = "Copy it from another region or an older copy of the vault; no snapshot depends on it."


class Pages(NamedTuple):
    """The pages that could be read, and what is the matter with the others."""

    texts: list[bytes]
    findings: list[Finding]


def write_page(vault: Vault, store: AppendStore, text: bytes, folder: str = JOURNAL) -> str:
    """Keep a page, durably; its id."""
    return vault.save(store, folder, text)


def read_pages(vault: Vault, folder: str = JOURNAL) -> Pages:
    """Every page of the folder. One that is damaged is a finding and does not keep the others from being read."""
    pages = Pages([], [])
    for listed in sorted(vault.store.list(folder)):
        try:
            pages.texts.append(vault.load(folder, id_of(listed.name)))
        except ObjectMissing as error:
            if not id_of(listed.name):
                pages.findings.append(Finding("object-foreign", listed.name, "it is no part of a vault"))
            else:
                pages.findings.append(Finding("journal-damaged", listed.name, str(error), _HINT))
        except (DamageError, StoreError) as error:
            pages.findings.append(Finding("journal-damaged", listed.name, str(error), _HINT))
    return pages
