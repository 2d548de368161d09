"""Buckets as stores: the contract on a real S3-compatible server, and every kind of refusal understood."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from covenant.adapters.stores.metered import MeteredStore
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.retrying import RetryingStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import (
    CovenantError,
    DamageError,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from covenant.vault.ports import Store
from tests.contracts.store_contract import StoreContract
from tests.servers.scripted import Answer, Asked, ScriptedServer, answering, s3_error
from tests.servers.seaweedfs import ADMIN, READER, Credentials, SeaweedServer

KEYS = {"access_key_id": "someone", "secret_access_key": "very-secret", "region": "us-east-1"}
CREATED = Answer(200, headers={"ETag": '"1"'})


class TestObjectStore(StoreContract):
    @pytest.fixture
    def store(self, s3_server: SeaweedServer) -> Store:
        return open_store(s3_server.new_url(), s3_server.options())


class TestObjectStoreWithoutConditions(StoreContract):
    """The contract but for its race, as far as it can be kept where a server knows no conditions."""

    @pytest.fixture
    def store(self, s3_server: SeaweedServer) -> Store:
        return open_store(s3_server.new_url(), s3_server.options() | {"conditional_put": "off"})

    def test_one_winner_among_many_writers(self, store: Store) -> None:
        """Not promised: this is what the option gives up. Some writer's bytes are there, whole."""
        store.put("config", b"alone")

        assert b"alone" == store.get("config")


# --- a real server's refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [Credentials(ADMIN.key, "wrong", ()), Credentials("nobody", "wrong", ())],
    ids=["wrong secret", "unknown key"],
)
def test_wrong_credentials_are_denied(s3_server: SeaweedServer, who: Credentials) -> None:
    """Credentials that do not fit are told as such, at every call, and never shown."""
    store = open_store(s3_server.new_url(), s3_server.options(who))

    for act in (
        lambda: store.put("config", b"x"),
        lambda: store.get("config"),
        lambda: store.size("config"),
        lambda: list(store.list("")),
        lambda: store.delete("config"),
    ):
        with pytest.raises(StoreDenied) as caught:
            act()
        assert "wrong" not in str(caught.value)


def test_a_reader_reads(s3_server: SeaweedServer) -> None:
    """Credentials that may only read read, and are denied the rest."""
    url = s3_server.new_url()
    open_store(url, s3_server.options()).put("config", b"x")
    store = open_store(url, s3_server.options(READER))

    assert b"x" == store.get("config")
    with pytest.raises(StoreDenied):
        store.put("data/one", b"y")
    with pytest.raises(StoreDenied):
        store.delete("config")


def test_a_missing_bucket_is_no_missing_object(s3_server: SeaweedServer) -> None:
    """A mistyped bucket is not taken for an empty vault."""
    store = open_store("s3://no-such-bucket/vault", s3_server.options())

    for act in (lambda: store.put("config", b"x"), lambda: store.get("config"), lambda: list(store.list(""))):
        with pytest.raises(StoreError, match="there is no bucket") as caught:
            act()
        assert not isinstance(caught.value, ObjectMissing)


def test_a_server_that_is_not_there_is_transient() -> None:
    """Nobody listens: that may change, and the error says so."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        store = open_store(f"s3:http://127.0.0.1:{port}/bucket", KEYS)

        for act in (
            lambda: store.put("config", b"x"),
            lambda: store.get("config"),
            lambda: store.size("config"),
            lambda: list(store.list("")),
            lambda: store.delete("config"),
        ):
            with pytest.raises(StoreUnavailable) as caught:
                act()
            assert "very-secret" not in str(caught.value)


# --- any server's refusals --------------------------------------------------------------------------------------------


@contextmanager
def refusing(answer: Answer) -> Iterator[Store]:
    """A store whose server answers everything alike."""
    with answering(lambda _: answer) as server:
        yield open_store(f"s3:{server.endpoint}/bucket", KEYS)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (s3_error(503, "SlowDown"), StoreUnavailable),
        (s3_error(500, "InternalError"), StoreUnavailable),
        (s3_error(429, "TooManyRequests"), StoreUnavailable),
        (s3_error(400, "RequestTimeout"), StoreUnavailable),
        (s3_error(409, "ConditionalRequestConflict"), StoreUnavailable),
        (s3_error(409, "OperationAborted"), StoreUnavailable),
        (s3_error(507, "InsufficientStorage"), StoreFull),
        (s3_error(403, "QuotaExceeded"), StoreFull),
        (s3_error(403, "AccessDenied"), StoreDenied),
        (s3_error(403, "RequestTimeTooSkewed"), StoreDenied),
        (s3_error(403, "ObjectLockedByBucketPolicy"), StoreDenied),
        (s3_error(401, "Unauthorized"), StoreDenied),
        (s3_error(412, "PreconditionFailed"), ObjectExists),
        (s3_error(404, "NoSuchBucket"), StoreError),
        (s3_error(400, "AuthorizationHeaderMalformed"), StoreError),
        (s3_error(501, "NotImplemented"), StoreError),
    ],
    ids=lambda value: value.body.decode().split("<")[2][5:] if isinstance(value, Answer) else "",
)
def test_each_refusal_has_its_error(answer: Answer, expected: type[CovenantError]) -> None:
    """What a server answers to a put becomes the error that says what to do next."""
    with refusing(answer) as store, pytest.raises(StoreError) as caught:
        store.put("data/one", b"x")

    assert expected is type(caught.value)


def test_a_body_that_breaks_off_is_transient() -> None:
    """An answer that ends too early is asked for again, not taken for the object."""
    headers = {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
    with refusing(Answer(200, b"0123456789", headers, cut=4)) as store, pytest.raises(StoreUnavailable):
        store.get("data/one")


def test_a_server_that_hangs_is_given_up() -> None:
    """A request takes no longer than its time-out, and may be tried again."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = open_store(f"s3:http://127.0.0.1:{silent.getsockname()[1]}/bucket", KEYS | {"timeout": "0.2"})

        with pytest.raises(StoreUnavailable):
            store.get("config")


def test_a_certificate_of_one_s_own_is_trusted_when_named(tmp_path: Path) -> None:
    """A server signed by an unknown authority is refused with a hint, and reached once its certificate is named."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    _sign_oneself(certificate, key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with answering(lambda _: Answer(200, headers={"ETag": '"1"'}), tls) as server:
        url = f"s3:{server.endpoint}/bucket"
        with pytest.raises(StoreError) as caught:
            open_store(url, KEYS).size("config")
        assert not caught.value.transient
        assert "ca_file" in caught.value.hint
        with pytest.raises(StoreError, match="without writing over"):
            open_store(url, KEYS | {"ca_file": str(certificate)}).put("locks/one", b"x")


def _sign_oneself(certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test of covenant")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


# --- never over another -----------------------------------------------------------------------------------------------


def test_a_server_that_ignores_conditions_is_found_out() -> None:
    """Some servers write over what exists and say nothing: the first small put notices, and says what can be done."""
    with answering(lambda _: CREATED) as server:
        store = open_store(f"s3:{server.endpoint}/bucket", KEYS)
        with pytest.raises(StoreError, match="without writing over") as caught:
            store.put("locks/one", b"x")

    assert "conditional_put" in caught.value.hint
    assert [b"x", b"x"] == [asked.body for asked in server.asked]


def test_a_server_without_conditions_is_told() -> None:
    """A server that refuses the condition itself gets the same hint."""
    with refusing(s3_error(501, "NotImplemented")) as store, pytest.raises(StoreError) as caught:
        store.put("locks/one", b"x")

    assert "conditional_put" in caught.value.hint


def test_a_server_is_proven_once(s3_server: SeaweedServer) -> None:
    """The second request that proves the condition is made for the first object alone."""
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        repeated = sum(other.path == asked.path for other in seen) > 1
        return s3_error(412, "PreconditionFailed") if repeated else CREATED

    with answering(answer) as server:
        store = open_store(f"s3:{server.endpoint}/bucket", KEYS)
        for number in range(3):
            store.put(f"data/{number}", b"x")

    assert ["/bucket/data/0", "/bucket/data/0", "/bucket/data/1", "/bucket/data/2"] == [one.path for one in seen]
    assert {"*"} == {one.headers["if-none-match"] for one in seen}


def test_a_put_whose_answer_was_lost_is_recognised() -> None:
    """The server stored the object and answered 500; asked again it says 412, and the bytes say that it is ours."""
    with _losing_the_first_answer(b"ours") as server:
        _retried(server).put("config", b"ours")

    assert ["PUT", "PUT", "HEAD", "GET"] == [asked.method for asked in server.asked]


def test_a_stranger_s_config_is_recognised_too() -> None:
    """As above, but the object is somebody else's, of the same size: the name is taken."""
    with _losing_the_first_answer(b"them") as server, pytest.raises(ObjectExists):
        _retried(server).put("config", b"ours")


@contextmanager
def _losing_the_first_answer(held: bytes) -> Iterator[ScriptedServer]:
    puts = iter([s3_error(500, "InternalError")])

    def answer(asked: Asked) -> Answer:
        if asked.method == "PUT":
            return next(puts, s3_error(412, "PreconditionFailed"))
        return Answer(200, held, {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"})

    with answering(answer) as server:
        yield server


def _retried(server: ScriptedServer) -> Store:
    store = open_store(f"s3:{server.endpoint}/bucket", KEYS)
    return RetryingStore(store, SystemClock(), Random(1), first_pause=0.01)


# --- the other providers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "options", "header", "value"),
    [
        ("gs://bucket/vault", {"bearer_token": "t"}, "x-goog-if-generation-match", "0"),
        ("az://box/vault", {"account_name": "someone", "account_key": "a2V5"}, "if-none-match", "*"),
    ],
    ids=["Google", "Azure"],
)
def test_other_providers_are_asked_to_create(url: str, options: dict[str, str], header: str, value: str) -> None:
    """Google and Azure have their own words for a put that never writes over another, and refuse in their own way."""
    with answering(lambda _: Answer(412)) as server:
        store = open_store(url, options | {"endpoint": server.endpoint})
        with pytest.raises(ObjectExists):
            store.put("config", b"x")

    (asked,) = server.asked
    assert "PUT" == asked.method
    assert unquote(asked.path).partition("?")[0].endswith("/vault/config")
    assert value == asked.headers[header]


def test_a_signature_in_an_address_is_not_shown() -> None:
    """Azure's signature travels in the address, and no error repeats it."""
    options = {"account_name": "someone", "sas_token": "sv=2026&sig=very-secret"}
    with answering(lambda _: Answer(503)) as server:
        store = open_store("az://box/vault", options | {"endpoint": server.endpoint})
        with pytest.raises(StoreUnavailable) as caught:
            store.get("config")

    assert "sig=" in server.asked[0].path
    assert "very-secret" not in f"{caught.value} {caught.value.hint}"


def test_a_range_beyond_the_end_is_damage_and_costs_one_request(s3_server: SeaweedServer) -> None:
    """Reads are one request each, whatever comes of them."""
    store = MeteredStore(open_store(s3_server.new_url(), s3_server.options()))
    store.put("data/one", b"12345")

    with pytest.raises(DamageError):
        store.get_range("data/one", 3, 3)
    assert 1 == store.traffic()["get_range"].failures
