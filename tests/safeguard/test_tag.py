"""Tags change, and nothing else does."""

from __future__ import annotations

import msgspec
import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import Refusal, UsageError
from covenant.safeguard import tag
from covenant.vault.names import SNAPSHOTS
from covenant.vault.snapshot import Snapshot, encode_snapshot
from covenant.vault.vault import Vault
from tests.small_worlds import a_small_vault, take

FILES = {"a/b": b"content"}


@pytest.fixture
def world() -> tuple[MemoryStore, Vault, Snapshot]:
    """A vault with one snapshot, tagged by its user and by us."""
    store, vault = a_small_vault()
    return store, vault, take(vault, store, FILES, tags=("raw", "legal", "covenant:kind=full"))


@pytest.mark.parametrize(
    ("wish", "tags"),
    [
        ({"add": ["new", "raw"]}, ("raw", "legal", "covenant:kind=full", "new")),
        ({"remove": ["raw", "never there"]}, ("legal", "covenant:kind=full")),
        ({"add": ["new"], "remove": ["legal"]}, ("raw", "covenant:kind=full", "new")),
        ({"set_to": ["one"]}, ("one", "covenant:kind=full")),
        ({"set_to": []}, ("covenant:kind=full",)),
    ],
)
def test_tags_are_what_was_asked_for(
    world: tuple[MemoryStore, Vault, Snapshot], wish: dict[str, list[str]], tags: tuple[str, ...]
) -> None:
    """Added, removed or set; what Covenant says in tags stays. All else is as it was, and the first id is kept."""
    store, vault, old = world

    tag.apply(tag.plan([old], **wish), vault, store)

    (new,) = vault.snapshots()
    assert tags == new.tags
    assert old.id == new.original
    assert encode_snapshot(msgspec.structs.replace(old, tags_=None)) == encode_snapshot(
        msgspec.structs.replace(new, tags_=None, original=None)
    )


def test_the_first_id_outlives_several_changes(world: tuple[MemoryStore, Vault, Snapshot]) -> None:
    """``original`` is what was first taken, however often the tags change."""
    store, vault, old = world

    for word in ("one", "two"):
        tag.apply(tag.plan(vault.snapshots(), add=[word]), vault, store)

    (new,) = vault.snapshots()
    assert old.id == new.original


def test_nothing_is_written_where_nothing_changes(world: tuple[MemoryStore, Vault, Snapshot]) -> None:
    """A snapshot that has the tags already keeps its id."""
    store, vault, old = world

    tag.apply(tag.plan([old], add=["raw"]), vault, store)

    assert [old.id] == vault.snapshot_ids()


@pytest.mark.parametrize("wish", [{"add": ["covenant:kind=full"]}, {"remove": ["covenant:source=x"]}, {"add": [""]}])
def test_our_own_tags_are_not_the_users(wish: dict[str, list[str]]) -> None:
    """They say what kind of backup it was; changing them would make the next one wrong."""
    with pytest.raises(UsageError):
        tag.plan([], **wish)


def test_a_snapshot_that_says_more_than_we_know_is_left_alone(world: tuple[MemoryStore, Vault, Snapshot]) -> None:
    """A newer program's field would be lost, so the change is refused."""
    store, vault, old = world
    text = msgspec.json.decode(encode_snapshot(old)) | {"retention_lock": "2030-01-01"}
    newer = vault.load_snapshot(vault.save(store, SNAPSHOTS, msgspec.json.encode(text)))
    before = set(vault.snapshot_ids())

    with pytest.raises(Refusal, match="retention_lock"):
        tag.apply(tag.plan([newer], add=["new"]), vault, store)

    assert before == set(vault.snapshot_ids())
