"""The commands that look after a vault: passwords, tags, rewriting, copies, pruning, checking."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import here
from tests.vaults import CHEAP, CLOCK, a_store


def test_a_second_password_opens_the_vault_and_can_be_taken_away(studio: Studio) -> None:
    """Added, used, listed and removed; the one in use is refused."""
    second = studio.home / "second"
    second.write_text("another")
    first_id = studio.here("key", "list", "--json").document["keys"][0]["id"]

    added = studio.here("key", "add", "--new-password-file", second, "--json").document["id"]
    by_second = here("--vault", studio.vault, "--password-file", second, "--no-cache", "key", "list", "--json")
    in_use = studio.here("key", "remove", first_id)
    removed = studio.here("key", "remove", added[:8])
    gone = here("--vault", studio.vault, "--password-file", second, "--no-cache", "snapshots")

    assert [added] == [key["id"] for key in by_second.document["keys"] if key["current"]]
    assert [22, 0, 12] == [in_use.code, removed.code, gone.code]


def test_a_changed_password_replaces_the_old_one(studio: Studio) -> None:
    """After passwd only the new password opens."""
    new = studio.home / "new"
    new.write_text("newer")

    changed = studio.here("key", "passwd", "--new-password-file", new)
    old = studio.here("snapshots")
    opened = here("--vault", studio.vault, "--password-file", new, "--no-cache", "snapshots")

    assert [0, 12, 0] == [changed.code, old.code, opened.code], changed.err


def test_tags_are_added_removed_and_set(studio: Studio) -> None:
    """What Covenant notes in tags stays; 'latest' is the snapshot under its new id."""
    studio.backed_up()

    def own() -> list[str]:
        (snapshot,) = studio.here("snapshots", "--json").document["snapshots"]
        assert "covenant:kind=full" in snapshot["tags"]
        return sorted(tag for tag in snapshot["tags"] if not tag.startswith("covenant:"))

    assert 0 == studio.here("tag", "--add", "a", "--add", "b", "latest").code
    assert ["a", "b"] == own()
    assert 0 == studio.here("tag", "--remove", "a", "latest").code
    assert ["b"] == own()
    assert 0 == studio.here("tag", "--set", "", "latest").code
    assert [] == own()


def test_a_rewritten_snapshot_has_lost_what_was_dropped(studio: Studio) -> None:
    """A dry run names it and changes nothing; then it is gone, and with --forget so is the old snapshot."""
    studio.backed_up()

    dry = studio.here("rewrite", "--exclude", "*.jpg", "--dry-run", "latest")
    done = studio.here("rewrite", "--exclude", "*.jpg", "--forget", "latest")

    assert "cover.jpg" in dry.out
    assert [0, 0] == [dry.code, done.code]
    assert 1 == len(studio.here("snapshots", "--json").document["snapshots"])
    assert "cover.jpg" not in studio.here("ls", "latest", "-r").out


def test_a_copy_is_another_vault_with_the_same_files(studio: Studio) -> None:
    """Copied under another password, restored from there; a second copy finds everything present."""
    studio.backed_up()
    password = studio.home / "other-password"
    password.write_text("other")
    other = ("--vault", studio.home / "other", "--password-file", password, "--no-cache")
    here(*other, "init")
    to = ("--to-vault", studio.home / "other", "--to-password-file", password, "--json")

    first, second = studio.here("copy", *to), studio.here("copy", *to, "latest")
    restored = here(*other, "restore", "latest", studio.photos, "--strip", "--target", studio.home / "out")

    assert (1, 0) == (len(first.document["copied"]), len(second.document["copied"])), first.err
    assert 0 == restored.code
    assert ["cover.jpg", "shoot-1"] == sorted(os.listdir(studio.home / "out"))


def test_forget_says_why_each_snapshot_stays(studio: Studio) -> None:
    """A dry run changes nothing; then what no rule keeps is gone."""
    for _ in range(3):
        studio.backed_up()

    dry = studio.here("forget", "--keep-last", "1", "--dry-run")
    done = studio.here("forget", "--keep-last", "1", "--json").document

    assert "1 of 1 last" in dry.out
    assert "no rule keeps it: 1 last" in dry.out
    assert (2, 1) == (done["forgotten"], len(studio.here("snapshots", "--json").document["snapshots"]))


def test_a_forgotten_snapshot_gives_room_when_pruned(studio: Studio) -> None:
    """Named, forgotten and pruned in one go: the bytes are gone, and what is left is whole."""
    (studio.photos / "film.mov").write_bytes(os.urandom(1 << 20))
    first = studio.backed_up()
    (studio.photos / "film.mov").unlink()
    studio.backed_up()
    before = stored(studio.vault)

    ran = studio.here("forget", first[:12], "--prune", "--json")

    assert (0, 1) == (ran.code, ran.document["forgotten"]), ran.err
    assert stored(studio.vault) < before - (1 << 20)
    assert 0 == studio.here("check", "--read-data").code


def stored(vault: Path) -> int:
    """Bytes in the vault's packs."""
    return sum(path.stat().st_size for path in (vault / "data").rglob("*") if path.is_file())


def test_prune_shows_its_plan_first(studio: Studio) -> None:
    """A dry run names every pack and why, in text and in JSON."""
    studio.backed_up()

    text, data = studio.here("prune", "--dry-run"), studio.here("prune", "--dry-run", "--json").document

    assert "all of it is needed" in text.out
    assert {"keep"} == {pack["action"] for pack in data["packs"]}


def test_damage_is_found_and_the_files_are_named(studio: Studio) -> None:
    """Exit code 1, a finding on stderr or in the document, and the files that suffer."""
    studio.backed_up()
    packs = sorted((path for path in (studio.vault / "data").rglob("*") if path.is_file()), key=lambda p: -size(p))
    packs[0].chmod(0o600)
    raw = bytearray(packs[0].read_bytes())
    raw[100] ^= 1
    packs[0].write_bytes(raw)

    text, data = studio.here("check", "--read-data"), studio.here("check", "--read-data", "--json")

    assert [1, 1] == [text.code, data.code]
    assert "shoot-1/" in text.err or "cover.jpg" in text.err
    assert data.document["damaged_packs"] == [packs[0].name]


def size(path: Path) -> int:
    """A file's size."""
    return path.stat().st_size


def test_objects_can_be_looked_at_and_the_master_key_cannot(studio: Studio) -> None:
    """Config, snapshot, index, key, pack and tree are printed as JSON; no secret is among them."""
    snapshot = studio.backed_up()
    index = os.listdir(studio.vault / "index")[0]
    key = os.listdir(studio.vault / "keys")[0]
    pack = next(path.name for path in (studio.vault / "data").rglob("*") if path.is_file())

    ran = [
        studio.here("cat", *words, "--json")
        for words in (
            ("config",),
            ("snapshot", snapshot[:8]),
            ("index", index[:8]),
            ("key", key[:8]),
            ("pack", pack[:8]),
            ("tree", f"latest:{studio.photos}"),
        )
    ]

    assert [0] * 6 == [each.code for each in ran], ran
    assert {"id", "created", "username", "hostname", "kdf", "N", "r", "p"} == set(ran[3].document)
    assert ["cover.jpg", "shoot-1"] == [node["name"] for node in ran[5].document["nodes"]]
    assert 2 == studio.here("cat", "masterkey").code


def test_a_blob_is_printed_as_it_is(studio: Studio) -> None:
    """The bytes on stdout are the file's own."""
    studio.backed_up()
    nodes = studio.here("cat", "tree", f"latest:{studio.photos}", "--json").document["nodes"]

    printed = studio.apart("cat", "blob", nodes[0]["content"][0])

    assert "cover" * 1000 == printed.out


def test_a_store_is_validated_without_a_vault(tmp_path: Path) -> None:
    """Every promise is asked of an empty folder, and nothing stays in it."""
    a_store(tmp_path / "store")

    ran = here("--vault", tmp_path / "store", "store", "validate", "--json")

    assert (0, "none") == (ran.code, ran.document["immutability"]["label"]), ran.err
    assert [] == [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_learns_to_complete(shell: str) -> None:
    """The script names the program."""
    ran = here("completion", shell)

    assert 0 == ran.code
    assert "_COVENANT_COMPLETE" in ran.out


def test_a_new_vault_costs_what_the_machine_can_bear(studio: Studio) -> None:
    """The key that init makes is hashed at the least cost we allow, or more."""
    from covenant.vault.keys import CHEAPEST

    here("--vault", studio.home / "new", "--password-file", studio.home / "password", "init")
    key = os.listdir(studio.home / "new" / "keys")[0]
    before = ("--vault", studio.home / "new", "--password-file", studio.home / "password", "--no-cache")

    shown = here(*before, "cat", "key", key, "--json").document

    assert (CHEAPEST.n, True) == (shown["N"], shown["p"] >= CHEAPEST.p)
    assert CHEAP.n < CHEAPEST.n


def test_a_clock_set_back_forgets_nothing_by_mistake(studio: Studio) -> None:
    """Snapshots from what looks like the future are kept, and named as findings."""
    from datetime import timedelta

    from tests.clocks import FrozenClock

    for _ in range(3):
        studio.backed_up()
    clock = FrozenClock(CLOCK.now() - timedelta(days=400))

    ran = here(*studio.before, "forget", "--keep-last", "1", "--json", clock=clock)

    assert (1, 0) == (ran.code, ran.document["forgotten"]), ran.err
    assert {"snapshot-from-the-future"} == {finding["kind"] for finding in ran.document["findings"]}


def test_a_damaged_vault_is_repaired_step_by_step(studio: Studio) -> None:
    """Index, packs and snapshots in turn; afterwards check finds nothing, and what was whole restores."""
    studio.backed_up()
    for path in (studio.vault / "index").iterdir():
        path.unlink()
    data = [path for path in (studio.vault / "data").rglob("*") if path.is_file()]
    damaged = max(data, key=size)
    damaged.chmod(0o600)
    raw = bytearray(damaged.read_bytes())
    raw[100] ^= 1
    damaged.write_bytes(raw)

    assert 0 == studio.here("repair", "index", "--dry-run").code
    assert 0 == studio.here("repair", "index").code
    assert 1 == studio.here("repair", "packs").code
    repaired = studio.here("repair", "snapshots", "--forget", "--json")

    assert (1, 1) == (repaired.code, len(repaired.document["new_ids"]))
    assert 0 == studio.here("check", "--read-data").code
    assert 0 == studio.here("restore", "latest", "--target", studio.home / "out").code
    assert 0 == studio.here("repair", "index").code


def test_how_much_there_is_can_be_counted_in_three_ways(studio: Studio) -> None:
    """Two snapshots of the same files: twice to restore, once by content, once in the vault."""
    studio.backed_up()
    studio.backed_up()
    total = 5_000 + 25_000 + 30_000

    to_restore, by_contents, raw = (
        studio.here("stats", "--mode", mode, "--json").document
        for mode in ("restore-size", "files-by-contents", "raw-data")
    )

    assert (2 * total, total, total) == (to_restore["bytes"], by_contents["bytes"], raw["data"]["plain"])
    assert "together" in studio.here("stats", "--mode", "raw-data").out
