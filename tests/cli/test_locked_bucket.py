"""A vault that nobody can destroy: made, kept, shown and pruned from the command line, in a bucket with object lock."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import Ran, here
from tests.servers.seaweedfs import ADMIN, SeaweedServer, s3_server

__all__ = ["s3_server"]


class Bucket:
    """The studio's vault in a bucket, and the command line that reaches it."""

    def __init__(self, studio: Studio, server: SeaweedServer, bucket: str, **options: str) -> None:
        self.url = f"s3:{server.endpoint}/{bucket}/vault"
        self.studio = studio
        self.options = server.options() | {"immutable": "object-lock"} | options
        self.options.pop("endpoint")
        studio.vault.parent.mkdir(exist_ok=True)

    def __call__(self, *words: object) -> Ran:
        home = self.studio.home
        said = [part for key, value in self.options.items() for part in ("-o", f"{key}={value}")]
        secret = ("--password-file", home / "password", "--cache-dir", home / "cache")
        return here("--vault", self.url, *secret, *said, *words)

    def restic(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The stock program on the same vault."""
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": ADMIN.key,
            "AWS_SECRET_ACCESS_KEY": ADMIN.secret,
            "RESTIC_PASSWORD_FILE": str(self.studio.home / "password"),
            "RESTIC_CACHE_DIR": str(self.studio.home / "restic-cache"),
        }
        command = ["restic", "-r", self.url, *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_whole_round(studio: Studio, s3_server: SeaweedServer) -> None:
    """Measured at set-up, locked from the first moment, extended, left by forget and prune; restic finds it sound."""
    covenant = Bucket(studio, s3_server, s3_server.new_bucket(object_lock=True), immutable_term="3s")
    made = covenant("init", "--json")
    assert 0 == made.code, made.err
    snapshot = covenant("backup", "--path", studio.photos, "--json").document["snapshot_id"]
    unlocked = covenant("lock", "show", "--term", "30d", "--json")

    tried = covenant("lock", "extend", "--term", "30d", "--dry-run", "--json").document
    extended = covenant("lock", "extend", "--term", "30d", "--json")
    again = covenant("lock", "extend", "--term", "30d", "--json").document
    shown = covenant("lock", "show", "--term", "30d", "--json")
    forgotten = covenant("forget", snapshot, "--json")
    pruned = covenant("prune", "--json")

    assert {"default": "worm"} == made.document["immutability"]
    assert (1, 1) == (unlocked.code, unlocked.document["short"])
    assert (0, 0) == (extended.code, shown.code), extended.err + shown.err
    assert {step["name"] for step in tried["extensions"]} == {step["name"] for step in extended.document["extensions"]}
    assert [] == again["extensions"]
    assert ({"default": "worm"}, 0) == (shown.document["immutability"], shown.document["short"])
    assert (1, 0) == (forgotten.code, forgotten.document["forgotten"])
    assert "immutable until" in str(forgotten.document["findings"])
    assert 0 == pruned.code
    checked = covenant.restic("check", "--read-data", "--no-lock")
    assert 0 == checked.returncode, checked.stderr


def test_a_prune_says_what_it_must_leave(studio: Studio, s3_server: SeaweedServer) -> None:
    """A pack whose term is longer than its snapshot's stays until then, told in bytes."""
    covenant = Bucket(studio, s3_server, s3_server.new_bucket(object_lock=True), immutable_term="2s")
    assert 0 == covenant("init").code
    snapshot = covenant("backup", "--path", studio.photos, "--json").document["snapshot_id"]
    client = s3_server.client()
    bucket = covenant.url.split("/")[3]
    versions = client.list_object_versions(Bucket=bucket, Prefix="vault/data/")["Versions"]
    for version in versions:
        client.put_object_retention(
            Bucket=bucket,
            Key=version["Key"],
            VersionId=version["VersionId"],
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": time.time() + 86400},
        )
    time.sleep(3)

    assert 0 == covenant("forget", snapshot).code
    pruned = covenant("prune", "--json")

    assert 0 == pruned.code, pruned.err
    assert pruned.document["totals"]["bytes_held"] > 0
    assert all(held["until"] for held in pruned.document["held"])
    assert "must stay until" in covenant("prune").out


def test_a_claim_that_is_not_true_is_refused(studio: Studio, s3_server: SeaweedServer) -> None:
    """A bucket without object lock, or one whose locks an administrator can lift, is no place for such a vault."""
    plain = Bucket(studio, s3_server, s3_server.new_bucket())

    ran = plain("init")

    assert 22 == ran.code, ran.err
    assert "measured it is 'unknown'" in ran.err
    assert 10 == plain("snapshots").code


@pytest.mark.parametrize(("mode", "label"), [("compliance", "worm"), ("governance", "governance")])
def test_the_label_is_what_happened(studio: Studio, s3_server: SeaweedServer, mode: str, label: str) -> None:
    """The mode that was chosen is measured, not believed."""
    covenant = Bucket(studio, s3_server, s3_server.new_bucket(object_lock=True), immutable_mode=mode)

    ran = covenant("init", "--json")

    assert {"default": label} == ran.document["immutability"]


POLICY = """
[vault]
password = {{ file = "{home}/password" }}

[vault.regions.safe]
url = "{url}"
immutable = "object-lock"
options = {{ region = "us-east-1", access_key_id = "{key}", secret_access_key = {{ env = "SECRET" }} }}

[vault.regions.near]
url = "{home}/near"

[classes.legal]
rpo = "24h"
rto = "72h"
immutable = "30d"

[sources.photos]
kind = "files"
paths = ["{home}/photos"]
class = "legal"
"""


def test_the_policy_says_the_term(studio: Studio, s3_server: SeaweedServer) -> None:
    """A class's term holds from the first moment in the region that locks, is extended there, and holds everywhere."""
    url = f"s3:{s3_server.endpoint}/{s3_server.new_bucket(object_lock=True)}/vault"
    written = studio.home / "covenant.toml"
    written.write_text(POLICY.format(home=studio.home, url=url, key=ADMIN.key))
    variables = {"SECRET": ADMIN.secret}

    def covenant(*words: object) -> Ran:
        return here("-c", written, "--cache-dir", studio.home / "cache", *words, variables=variables)

    made = covenant("init", "--json")
    assert 0 == made.code, made.err
    kept = covenant("backup", "photos", "--json")
    assert 0 == kept.code, kept.err
    shown = covenant("lock", "show", "--json")
    extended = covenant("lock", "extend", "--json")
    forgotten = covenant("forget", kept.document["snapshot_id"], "--json")
    pruned = covenant("prune", "--dry-run", "--json")
    checked = covenant("check", "--read-data")
    regions = covenant("region", "status", "--json")

    assert {"safe": "worm"} == made.document["immutability"]
    assert (0, 0) == (shown.code, shown.document["short"]), shown.out
    assert ["safe"] == [row["region"] for row in shown.document["snapshots"]]
    assert 0 == extended.code, extended.err
    assert 0 == forgotten.document["forgotten"]
    assert 0 == pruned.code, pruned.err
    assert 0 == checked.code, checked.err
    assert 0 == regions.code, regions.out + regions.err


def test_the_loop_extends_and_goes_around(studio: Studio, s3_server: SeaweedServer) -> None:
    """What is due in a locked vault is done, term by term: nothing fails because something may not be deleted yet."""
    url = f"s3:{s3_server.endpoint}/{s3_server.new_bucket(object_lock=True)}/vault"
    written = studio.home / "covenant.toml"
    near = '[vault.regions.near]\nurl = "{home}/near"\n'
    assert near in POLICY
    written.write_text(POLICY.replace(near, "").format(home=studio.home, url=url, key=ADMIN.key))
    variables = {"SECRET": ADMIN.secret, "XDG_STATE_HOME": str(studio.home / "state")}

    def covenant(*words: object) -> Ran:
        return here("-c", written, "--cache-dir", studio.home / "cache", *words, variables=variables)

    assert 0 == covenant("init").code

    ran = covenant("run", "--once", "--json")

    assert 0 == ran.code, ran.out + ran.err
    assert 0 == covenant("lock", "show").code


def test_a_term_that_no_region_keeps_is_never_called_kept(studio: Studio) -> None:
    """In a folder nothing can be locked: showing ends with findings, and extending is refused."""
    studio.backed_up()

    shown = studio.here("lock", "show", "--term", "30d", "--json")
    extended = studio.here("lock", "extend", "--term", "30d")

    assert (1, 1) == (shown.code, shown.document["short"])
    assert shown.document["snapshots"][0]["locked_until"] is None
    assert 22 == extended.code
    assert "keeps none" in extended.err
