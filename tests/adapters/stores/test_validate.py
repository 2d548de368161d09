"""The suite that users run on their own store, and the measure of immutability: both must tell good from bad."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from covenant.adapters.stores.guarded import ReadOnlyStore
from covenant.adapters.stores.immutability import Outcome
from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.posix import PosixStore
from covenant.adapters.stores.s3_versions import intruder_for
from covenant.adapters.stores.validate import Report, validate
from covenant.kernel.answers import Result
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.ports import Buffer, Listed, Store
from tests.adapters.stores.stopped_clock import StoppedClock
from tests.faults.stores import FlipsLastByte, Full, Sound, Truncates, WriteOnce
from tests.servers.seaweedfs import ADMIN, READER, Credentials, SeaweedServer


def results(report: Report) -> dict[str, Result]:
    """What was answered, by promise."""
    return {answer.question: answer.result for answer in report.answers}


def outcomes(report: Report) -> list[Outcome]:
    """What came of the attempts on the canary."""
    return [trial.outcome for trial in report.immutability.trials]


# --- promises ---------------------------------------------------------------------------------------------------------


def test_a_sound_store_keeps_every_promise(tmp_path: Path) -> None:
    """A folder passes; what cannot be seen from here is said to be so; nothing is left behind."""
    store = PosixStore(tmp_path)
    store.put("config", b"not touched")

    report = validate(store, SystemClock())

    assert not report.failed
    assert {"An object is durable when its put returns"} == {
        promise for promise, result in results(report).items() if result is not Result.PASSED
    }
    assert () == report.left_behind
    assert [Listed("config", 11)] == list(store.list(""))


class Overwriting(Sound):
    """Writes over what exists, as a server does that ignores conditions."""

    def put(self, name: str, data: Buffer) -> None:
        try:
            self.inside.delete(name)
        except ObjectMissing:
            pass
        super().put(name, data)


class Forgetful(Sound):
    """Lists nothing."""

    def list(self, prefix: str) -> Any:
        return iter(())


class Clinging(Sound):
    """Deletes nothing, and says that it did."""

    def delete(self, name: str) -> None:
        self.inside.size(name)


class Generous(Sound):
    """Gives fewer bytes than a range asked for instead of an error."""

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self.get(name)[offset : offset + length]


class Careless(Sound):
    """Says of a missing object that it is damaged."""

    def get(self, name: str) -> bytes:
        try:
            return super().get(name)
        except ObjectMissing:
            raise DamageError("something is wrong") from None


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (FlipsLastByte(MemoryStore()), "An object comes back byte for byte"),
        (Truncates(MemoryStore()), "A pack is never seen half written"),
        (Overwriting(MemoryStore()), "A put never writes over another object"),
        (Forgetful(MemoryStore()), "A listing has every object at once, with its size"),
        (Clinging(MemoryStore()), "A deleted object is gone at once, and its name is free"),
        (Generous(MemoryStore()), "A range that ends behind the object is an error, never fewer bytes"),
        (Careless(MemoryStore()), "An object that is not there is called missing"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Sound) else "",
)
def test_a_broken_promise_is_found(broken: Store, promise: str) -> None:
    """Each way to be a bad store fails the promise that it breaks."""
    report = validate(broken, StoppedClock())

    assert report.failed
    assert Result.FAILED == results(report)[promise]


@pytest.mark.parametrize("store", [ReadOnlyStore(MemoryStore()), Full(MemoryStore(), 0)])
def test_what_could_not_be_asked_is_not_passed(store: Store) -> None:
    """Without the right or the room to write, nearly everything stays unknown, and nothing is called broken."""
    report = validate(store, StoppedClock())

    assert not report.failed
    assert Result.COULD_NOT_VERIFY == results(report)["An object comes back byte for byte"]
    assert "unknown" == report.immutability.label


def test_what_cannot_be_removed_is_named() -> None:
    """Where deletes are refused the report lists every object that stays."""
    report = validate(WriteOnce(MemoryStore()), StoppedClock())

    assert any(name.endswith("/canary") for name in report.left_behind)
    assert any(name.endswith("/object") for name in report.left_behind)


# --- immutability -----------------------------------------------------------------------------------------------------


def test_a_folder_is_not_immutable(tmp_path: Path) -> None:
    """On a disk everything can be written over and deleted, and the canary is gone afterwards."""
    report = validate(PosixStore(tmp_path), StoppedClock())

    assert "none" == report.immutability.label
    assert ["done", "done", "could not verify"] == outcomes(report)
    assert () == report.left_behind


def test_refusal_alone_is_governance() -> None:
    """Where no bypass could be tried, nobody may call it WORM."""
    store = WriteOnce(MemoryStore(), lambda name: name.startswith("data/"))

    report = validate(store, StoppedClock())

    assert "governance" == report.immutability.label
    assert ["refused", "refused", "could not verify"] == outcomes(report)
    assert 1 == len(report.left_behind)
    assert store.kept >= 2


def test_half_a_trial_is_no_label() -> None:
    """A store that cannot be asked to write over an object is labelled only if the delete went through."""
    sealed = WriteOnce(MemoryStore())

    assert "none" == validate(Sound(MemoryStore()), StoppedClock()).immutability.label
    assert "unknown" == validate(Sound(sealed), StoppedClock()).immutability.label


def locked_bucket(server: SeaweedServer, mode: str) -> str:
    """A bucket in which every new object is under a term of one day."""
    bucket = server.new_bucket(object_lock=True)
    server.client().put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": mode, "Days": 1}},
        },
    )
    return bucket


def versioned_bucket(server: SeaweedServer) -> str:
    """A bucket that keeps versions, and protects none of them."""
    bucket = server.new_bucket()
    server.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def validated(server: SeaweedServer, bucket: str, who: Credentials = ADMIN) -> Report:
    """The report on a bucket of the server."""
    url = f"s3://{bucket}/vault"
    store = open_store(url, server.options(who))
    return validate(store, SystemClock(), intruder_for(store, url, server.options(who)))


def test_a_bucket_keeps_every_promise(s3_server: SeaweedServer) -> None:
    """A plain bucket passes, and is not immutable; nothing is left in it."""
    bucket = s3_server.new_bucket()

    report = validated(s3_server, bucket)

    assert [] == [answer for answer in report.answers if answer.result is Result.FAILED]
    assert "none" == report.immutability.label
    assert ["done", "done", "could not verify"] == outcomes(report)
    assert () == report.left_behind
    assert 0 == s3_server.client().list_objects_v2(Bucket=bucket)["KeyCount"]


def test_versions_alone_are_no_protection(s3_server: SeaweedServer) -> None:
    """A bucket that keeps versions outlives an overwrite, but who can delete versions destroys the original."""
    report = validated(s3_server, versioned_bucket(s3_server))

    assert ["refused", "done", "could not verify"] == outcomes(report)
    assert "none" == report.immutability.label


def test_compliance_mode_is_worm(s3_server: SeaweedServer) -> None:
    """Not even an administrator who asks for a bypass destroys the original, and the store says until when."""
    bucket = locked_bucket(s3_server, "COMPLIANCE")

    report = validated(s3_server, bucket)

    assert ["refused", "refused", "refused"] == outcomes(report)
    assert "worm" == report.immutability.label
    (canary,) = report.immutability.left_behind
    kept = s3_server.client().list_object_versions(Bucket=bucket, Prefix=f"vault/{canary}")["Versions"]
    assert 1 <= len(kept)


def test_governance_mode_is_governance(s3_server: SeaweedServer) -> None:
    """Refused as asked, done with a bypass."""
    report = validated(s3_server, locked_bucket(s3_server, "GOVERNANCE"))

    assert ["refused", "refused", "done"] == outcomes(report)
    assert "governance" == report.immutability.label


def test_a_reader_learns_nothing(s3_server: SeaweedServer) -> None:
    """With credentials that cannot write, every answer is that it could not be verified."""
    report = validated(s3_server, locked_bucket(s3_server, "COMPLIANCE"), READER)

    assert not report.failed
    assert "unknown" == report.immutability.label


def test_without_the_administration_client_nothing_is_claimed(
    s3_server: SeaweedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without boto3 a bucket's versions cannot be seen, so that no label is given, and the report says why."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    url = s3_server.new_url()
    store = open_store(url, s3_server.options())

    report = validate(store, SystemClock(), intruder_for(store, url, s3_server.options()))

    assert "unknown" == report.immutability.label
    assert "boto3" in report.immutability.trials[0].detail
    assert () == report.left_behind
