"""A vault whose bucket archives: what goes to an archival class, what stays at hand, and bringing it back from there.

The server is one of ours, see ``tests.servers.archive``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from covenant.bootstrap import regional_opener
from covenant.bootstrap.storing import promise_archiving
from covenant.settings.file import load
from tests.cli.running import Ran, here
from tests.servers.archive import ArchiveServer, archiving
from tests.servers.seaweedfs import ADMIN, SeaweedServer, s3_server
from tests.vaults import PASSWORD, a_vault

__all__ = ["s3_server"]

POLICY = """
[vault]
password = {{ file = "{home}/password" }}
acknowledge = "all"

[vault.regions.cold]
url = "s3:{endpoint}/vaults/studio"
options = {{ region = "us-east-1", access_key_id = "anyone", secret_access_key = {{ env = "SECRET" }} }}
archive_after = "30d"

{more}

[sources.photos]
kind = "files"
path = "{home}/photos"
class = "important"
"""
ATTIC = '[vault.regions.attic]\nurl = "attic"\n'
MONTH, MORNING = timedelta(days=31), timedelta(hours=5)


class Studio:
    """A folder of photos, and a vault in a bucket that archives."""

    def __init__(self, home: Path, server: ArchiveServer, more: str = "") -> None:
        self.home, self.server = home, server
        (home / "password").write_text(PASSWORD)
        (home / "photos").mkdir()
        for number in range(3):
            (home / "photos" / f"{number}.raw").write_bytes(Random(number).randbytes(400_000))
        (home / "covenant.toml").write_text(POLICY.format(home=home, endpoint=server.endpoint, more=more))
        self.make()
        ran = self("backup", "photos")
        assert 0 == ran.code, ran.err

    def make(self) -> None:
        """Make the vault as ``init`` does, with a password that is hashed in a millisecond."""
        vault = load(self.home / "covenant.toml").vaults["default"]
        secrets = {"SECRET": "anything"}
        regions = {
            region.name: (
                region.url,
                {key: each if isinstance(each, str) else each.resolve(secrets) for key, each in region.options.items()},
            )
            for region in vault.regions
        }
        opener = regional_opener(regions, vault.acknowledge, None)
        for place in opener.places:
            place.make_folder()
        a_vault(opener.whole())
        promise_archiving(opener)

    def __call__(self, *words: object) -> Ran:
        variables = {"SECRET": "anything", "COVENANT_STATE_DIR": str(self.home / "state")}
        cache = ("--cache-dir", self.home / "cache")
        return here("-c", self.home / "covenant.toml", *cache, *words, variables=variables)

    def restore(self, *words: object) -> Ran:
        """Bring the photos back."""
        return self("restore", "photos", self.home / "photos", "--strip", "--target", self.home / "out", *words)

    @property
    def whole(self) -> bool:
        """Whether every photo came back as it was."""
        return all(
            (self.home / "out" / photo.name).read_bytes() == photo.read_bytes()
            for photo in (self.home / "photos").iterdir()
        )


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    """A server that archives."""
    with archiving() as found:
        yield found


def test_content_is_archived_at_its_age_and_all_else_stays_at_hand(tmp_path: Path, server: ArchiveServer) -> None:
    """The bucket is told once; a month later content lies in the archival class, and nothing but content. Snapshots,
    folders and the structure can be seen as before, and another backup builds on it."""
    studio = Studio(tmp_path, server)
    (rule,) = server.rules()
    server.pass_on(MONTH)

    packs = server.classes("studio/data")
    others = {key: kind for key, kind in server.classes("studio").items() if key not in packs}
    ran = [studio("ls", "photos", tmp_path / "photos"), studio("check"), studio("backup", "photos")]

    assert ("studio/data/", "covenant=content", timedelta(days=30), "GLACIER") == tuple(rule.values())[1:]
    assert ["GLACIER", "STANDARD"] == sorted(packs.values())
    assert {"STANDARD"} == set(others.values())
    assert [0, 0, 0] == [each.code for each in ran], [each.err for each in ran]


def test_a_restore_says_what_must_be_thawed_and_goes_on_when_it_is(tmp_path: Path, server: ArchiveServer) -> None:
    """A dry run tells how much, how long and roughly what; without '--thaw' nothing is asked for; with it the same
    command is told when to come back, asks for nothing twice, and restores once the packs are at hand."""
    studio = Studio(tmp_path, server)
    server.pass_on(MONTH)

    planned, refused = studio.restore("--dry-run", "--json"), studio.restore()
    asked_before = list(server.asked)
    asked, again = studio.restore("--thaw", "bulk"), studio.restore("--thaw", "bulk")
    server.pass_on(MORNING)
    done = studio.restore("--json")

    archived = planned.document["archived"]
    assert (0, 37, 37, 37, 0) == tuple(each.code for each in (planned, refused, asked, again, done)), done.err
    assert (1, 1, {"GLACIER": 1}) == (archived["packs"], archived["frozen"], archived["classes"])
    assert archived["bytes"] > 1_200_000
    assert {"expedited", "standard", "bulk"} == set(archived["offers"])
    assert 0 < archived["offers"]["standard"]["dollars"] < 0.01
    assert "'--thaw standard' (3 h to 5 h, roughly $0.00)" in refused.err
    assert [] == asked_before
    assert "Run the same command again in 5 h to 12 h" in asked.err
    assert 1 == len(server.asked)
    assert "Bulk" in {each.tier for each in server.objects.values()}
    assert studio.whole


def test_a_restore_waits_for_what_is_thawed(tmp_path: Path, server: ArchiveServer) -> None:
    """With '--wait' one command asks, waits, and restores."""
    studio = Studio(tmp_path, server)
    server.pass_on(MONTH)
    done = threading.Event()

    def mornings() -> None:
        while not done.wait(0.2):
            server.pass_on(MORNING)

    clock = threading.Thread(target=mornings)
    clock.start()
    ran = studio.restore("--thaw", "standard", "--wait")
    done.set()
    clock.join()

    assert 0 == ran.code, ran.err
    assert studio.whole


def test_a_copy_at_hand_needs_no_thawing(tmp_path: Path, server: ArchiveServer) -> None:
    """Where another region has the packs at hand a restore reads them there, and nothing is asked of the archive."""
    studio = Studio(tmp_path, server, ATTIC)
    server.pass_on(MONTH)

    ran = studio.restore("--json")

    assert 0 == ran.code, ran.err
    assert 0 == ran.document["archived"]["frozen"]
    assert [] == server.asked
    assert studio.whole


def test_what_must_be_thawed_is_not_taken_for_verified(tmp_path: Path, server: ArchiveServer) -> None:
    """A check that reads everything says how many packs it could not read, and calls none of them damaged; a lost copy
    whose only other one is archived is said to be so, and not to be lost; and a prune leaves what it cannot read."""
    studio = Studio(tmp_path, server, ATTIC)
    server.pass_on(MONTH)
    (pack,) = (key for key, kind in server.classes("studio/data").items() if kind == "GLACIER")
    (tmp_path / "attic" / pack.removeprefix("studio/")).unlink()

    checked = studio("check", "--read-data", "--json")
    synced = studio("region", "sync", "--json")
    healed = studio("region", "heal", "--verify", "--json")

    assert 0 == checked.code, checked.err
    assert 1 == checked.document["counts"]["packs_archived"]
    assert ["copy-archived"] == [finding["kind"] for finding in synced.document["findings"]]
    assert "copies-archived" in [finding["kind"] for finding in healed.document["findings"]]
    assert not [finding for finding in healed.document["findings"] if "damaged" in finding["kind"]]


def test_a_prune_leaves_what_it_would_have_to_thaw(tmp_path: Path, server: ArchiveServer) -> None:
    """A pack of which a part is needed no more stays as it is while it is archived; one that nobody needs goes."""
    studio = Studio(tmp_path, server)
    for photo in ("0.raw", "1.raw"):
        (tmp_path / "photos" / photo).unlink()
    assert 0 == studio("backup", "photos").code
    server.pass_on(MONTH)

    partly = studio("forget", "--keep-last", "1", "--prune", "--json")
    left = [key for key, kind in server.classes("studio/data").items() if kind == "GLACIER"]
    (tmp_path / "photos" / "2.raw").unlink()
    assert 0 == studio("backup", "photos").code
    wholly = studio("forget", "--keep-last", "1", "--prune", "--json")

    assert [0, 0] == [partly.code, wholly.code], partly.err + wholly.err
    assert 1 == len(left)
    assert "GLACIER" not in server.classes("studio/data").values()


def test_a_class_is_kept_by_a_real_server(tmp_path: Path, s3_server: SeaweedServer) -> None:
    """On a server that is not ours, content is put in the class that was asked for, through every wrapper, and what is
    brought to a region by a sync as well; everything else lies in the usual one."""
    cold, colder = s3_server.new_url(), s3_server.new_url()
    options = (
        f'options = {{ region = "us-east-1", endpoint = "{s3_server.endpoint}", access_key_id = "{ADMIN.key}", '
        f'secret_access_key = {{ file = "{tmp_path}/secret" }} }}'
    )
    both = "".join(
        f'[vault.regions.{name}]\nurl = "{url}"\nstorage_class = "{kind}"\n{options}\n'
        for name, url, kind in (("one", cold, "STANDARD_IA"), ("two", colder, "GLACIER_IR"))
    )
    (tmp_path / "secret").write_text(ADMIN.secret)
    with archiving() as unused:
        studio = Studio(tmp_path, unused, both)
        client = s3_server.client()
        bucket, _, folder = colder.removeprefix("s3://").partition("/")

        def classes() -> list[str]:
            found = client.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
            heads = [client.head_object(Bucket=bucket, Key=each["Key"]) for each in found if "/data/" in each["Key"]]
            return sorted(head.get("StorageClass", "STANDARD") for head in heads)

        put = classes()
        (pack,) = (
            each["Key"]
            for each in client.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
            if client.head_object(Bucket=bucket, Key=each["Key"]).get("StorageClass") == "GLACIER_IR"
        )
        client.delete_object(Bucket=bucket, Key=pack)
        synced = studio("region", "sync")

        assert ["GLACIER_IR", "STANDARD"] == put
        assert 0 == synced.code, synced.err
        assert put == classes()


def test_an_empty_machine_gets_what_was_archived_once_it_is_thawed(tmp_path: Path, server: ArchiveServer) -> None:
    """Recovery from nothing asks for what is frozen, says that it is on its way, and goes on when it is there."""
    studio = Studio(tmp_path, server)
    server.pass_on(MONTH)
    target = tmp_path / "recovered"
    place = ("--vault", f"s3:{server.endpoint}/vaults/studio", "-o", "region=us-east-1", "-o", "access_key_id=anyone")
    before = (*place, "-o", "secret_access_key=anything", "--password-file", tmp_path / "password", "--no-cache")

    def recover(*words: object) -> Ran:
        return here(*before, "--json", "recover", "--bare", "--target", target, *words)

    frozen, asked = recover(), recover("--thaw", "standard")
    server.pass_on(MORNING)
    thawed = recover("--thaw", "standard")

    (source,) = asked.document["sources"]
    assert [3, 3, 0] == [frozen.code, asked.code, thawed.code], thawed.out
    assert "are being thawed" in source["why_not"]
    photos = target / "sources" / "photos" / str(studio.home / "photos").lstrip("/")
    assert {path.name: path.read_bytes() for path in (studio.home / "photos").iterdir()} == {
        path.name: path.read_bytes() for path in photos.iterdir()
    }
