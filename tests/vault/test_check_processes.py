"""Very many small blobs are proved by worker processes, which find the same as threads do."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.clock import SystemClock
from covenant.vault.check.inspection import check
from covenant.vault.check.reading import Settings
from covenant.vault.check.subset import All
from covenant.vault.names import DATA, INDEX
from covenant.vault.vault import open_vault
from covenant.vault.writer import Writer
from tests.vaults import PASSWORD, a_store, a_vault

_BLOBS = 30_000
_ENOUGH_FOR_PROCESSES = 1 << 20


@pytest.mark.parametrize("in_processes", [False, True])
def test_processes_find_what_threads_find(tmp_path: Path, in_processes: bool) -> None:
    """A flipped byte among thousands of tiny blobs is found, and everything is read, in either way."""
    store = a_store(tmp_path)
    writer = Writer(a_vault(store), store, pack_size=1 << 18)
    for number in range(_BLOBS):
        writer.data(b"%d" % number)
    writer.flush()
    assert _ENOUGH_FOR_PROCESSES < sum(listed.size for listed in store.list(INDEX))
    name, size = max(store.list(DATA))
    path = tmp_path / name
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(size // 3)
        byte = file.read(1)
        file.seek(size // 3)
        file.write(bytes([byte[0] ^ 4]))
    spec = StoreSpec(str(tmp_path))
    ways = Settings(open_store=spec.open if in_processes else None)

    report = check(open_vault(store, PASSWORD), SystemClock(), read_data=All(), settings=ways)

    assert [name] == [finding.subject for finding in report.findings]
    assert "1 of" in report.findings[0].message
    assert _BLOBS == report.counts.blobs
    assert sum(listed.size for listed in store.list(DATA)) == report.bytes_read
