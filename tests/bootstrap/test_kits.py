"""A kit of several vaults: one password opens each of them, or nobody believes that there is a kit."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.bootstrap import OpenVault, opener
from covenant.bootstrap.kits import Described, Order, make, make_room, write
from covenant.kernel.errors import StoreFull, TargetError
from covenant.prove.kit.kit import read_kits
from covenant.vault.lock import Owner
from covenant.vault.ports import Buffer
from covenant.vault.vault import open_vault
from tests.small_worlds import a_small_vault
from tests.vaults import CLOCK


class FullForKeys(MemoryStore):
    """A store that has no room for another key."""

    def put(self, name: str, data: Buffer) -> None:
        if name.startswith("keys/"):
            raise StoreFull("no room is left", "Make room.")
        super().put(name, data)


def described(name: str, store: MemoryStore | None = None) -> Described:
    """A vault of its own in memory."""
    ground, vault = a_small_vault()
    opened = OpenVault(vault, opener(f"memory:{name}", {}), Owner("studio", "ada", 1), CLOCK, store or ground)
    return Described(name, opened, [("default", f"memory:{name}", {})], 1)


def test_one_password_opens_every_vault(tmp_path: Path) -> None:
    """The kit of two vaults is two keys and one password."""
    vaults = [described("photos"), described("books")]

    files = make(vaults, Order(2, 2), CLOCK)

    paths = [path for path in write(files, tmp_path) if path.suffix == ".txt"]
    kit = read_kits(paths)
    opened = [open_vault(each.opened.whole, kit.password) for each in vaults]
    assert [each.key for each in kit.vaults] == [each.key_id for each in opened]
    assert [each.opened.vault.config.id for each in vaults] == [each.id for each in kit.vaults]


def test_a_kit_that_failed_half_way_names_what_it_left() -> None:
    """Where the second vault takes no key, the error names the key that the first one has by then."""
    first = described("photos")

    with pytest.raises(StoreFull) as refused:
        make([first, described("books", FullForKeys())], Order(), CLOCK)

    (left,) = [name for name, _ in first.opened.whole.list("keys") if name[5:13] in refused.value.hint]
    assert "No kit was made: remove the keys" in refused.value.hint
    assert left


def test_a_folder_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    """Before any password is added it is known whether the kit can be written at all."""
    (tmp_path / "file").touch()

    with pytest.raises(TargetError, match="no kit can be written"):
        make_room(tmp_path / "file" / "kits")


def test_a_kit_is_never_written_over(tmp_path: Path) -> None:
    """A file that is there stays as it is, and the hint says that keys were made."""
    files = make([described("photos")], Order(), CLOCK)
    (tmp_path / f"kit-{files[0].id}.txt").write_text("another")

    with pytest.raises(TargetError, match="file exists") as refused:
        list(write(files, tmp_path))

    assert "Remove the keys" in refused.value.hint
    assert "another" == (tmp_path / f"kit-{files[0].id}.txt").read_text()
