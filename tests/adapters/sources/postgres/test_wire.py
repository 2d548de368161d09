"""A replication connection asks, copies, gives up in time, and says in our words what a server refuses."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from covenant.adapters.sources.postgres import commands
from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.lsn import format_lsn, parse_lsn, segment_name
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.errors import Interrupted, SourceError, SourceUnavailable
from tests.servers.postgres import PASSWORD, PostgresServer, give_away, postgres_18, postgres_server
from tests.vaults import CLOCK

__all__ = ["postgres_18", "postgres_server"]


def wire_to(server: PostgresServer, stop: threading.Event | None = None) -> Wire:
    """A connection as a provider's customer would make it."""
    return Wire.connect(Address("shop", server.managed_url()), stop)


def test_who_may_only_replicate_learns_which_server_it_is(
    postgres_server: PostgresServer, postgres_18: PostgresServer
) -> None:
    """A role like Supabase's, without any row for replication, is told the cluster and its place in the log."""
    for server in (postgres_server, postgres_18):
        with wire_to(server) as wire:
            told = commands.identify(wire)

            (asked,) = server.run("SELECT system_identifier::text FROM pg_control_system()")
            assert (asked[0], 1, "postgres") == (told.system, told.timeline, told.database)
            assert told.flushed > 0
            assert server.version == wire.major
            assert 16 << 20 == commands.segment_size(wire)


def test_a_slot_is_made_seen_and_let_go(postgres_server: PostgresServer) -> None:
    """A physical slot keeps the log from the moment it is made, and is gone when dropped."""
    with wire_to(postgres_server) as wire:
        commands.create_slot(wire, "covenant_test")
        made = commands.slot(wire, "covenant_test")
        commands.drop_slot(wire, "covenant_test")

        assert made is not None
        assert ("covenant_test", "physical", False, "reserved") == (made.name, made.kind, made.active, made.wal_status)
        assert made.restart is not None
        assert commands.slot(wire, "covenant_test") is None


def test_the_log_streams_and_stops_when_told(postgres_server: PostgresServer) -> None:
    """A copy in both directions brings the log, is answered, and leaves a connection that can be asked again."""
    with wire_to(postgres_server) as wire:
        place = commands.identify(wire).flushed // commands.segment_size(wire) * commands.segment_size(wire)
        wire.begin(f"START_REPLICATION PHYSICAL {format_lsn(place)}")
        wire.copy_both()
        message = wire.receive(5)
        wire.send(b"r" + place.to_bytes(8) * 3 + bytes(8) + b"\0")
        wire.end_copy_both()

        assert message is not None
        assert (b"w", place) == (bytes(message[:1]), int.from_bytes(message[1:9]))
        assert 1 == commands.identify(wire).timeline


def test_whoever_waits_for_the_server_can_be_stopped(postgres_server: PostgresServer) -> None:
    """A wait ends soon after stop is set, and what the server was busy with is ended there too."""
    stop = threading.Event()
    wire = wire_to(postgres_server, stop)
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()

    with pytest.raises(Interrupted), wire:
        wire.ask("SELECT pg_sleep(30)")

    assert 10 > time.monotonic() - began
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid()"
    assert [(0,)] == postgres_server.run(sleeping)


def test_a_silent_server_is_not_waited_for_without_end(postgres_server: PostgresServer) -> None:
    """Silence beyond what was agreed is an error that trying again may mend."""
    with wire_to(postgres_server) as wire:
        wire.silence_seconds = 0.3

        with pytest.raises(SourceUnavailable, match="does not answer"):
            wire.ask("SELECT pg_sleep(30)")


def test_what_is_refused_is_told_with_a_way_out_and_no_password(postgres_server: PostgresServer) -> None:
    """Wrong password, no right to replicate, no such host, no address: each has its hint, none shows the secret."""
    good = postgres_server.managed_url()
    postgres_server.run(f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'")
    cases = {
        good.replace(PASSWORD, "not-the-one"): "Check the user and the password",
        good.replace("managed_owner", "plain"): "ALTER ROLE",
        good.replace("127.0.0.1", "127.0.0.1,127.0.0.2").replace(str(postgres_server.port), "9"): "server is up",
        "password=not-the-one and more": "postgresql://user:password@host",
    }

    for url, hint in cases.items():
        with pytest.raises(SourceError) as caught:
            Wire.connect(Address("shop", url))
        assert hint in caught.value.hint
        assert PASSWORD not in str(caught.value)
        assert "not-the-one" not in str(caught.value)
    assert PASSWORD not in repr(Address("shop", good))
    assert PASSWORD not in dataclasses.replace(Address("shop", good)).scrubbed(f"so {PASSWORD} failed")


def test_a_pooler_is_told_from_a_server() -> None:
    """Who gave the pooler's address learns that it cannot replicate, and not that the server is down."""
    refusal = b"SERROR\0C08P01\0Munsupported startup parameter: replication\0\0"
    with socket.create_server(("127.0.0.1", 0)) as pooler:

        def refuse() -> None:
            client, _ = pooler.accept()
            client.recv(1024)
            client.sendall(b"E" + (len(refusal) + 4).to_bytes(4) + refusal)
            client.close()

        threading.Thread(target=refuse).start()
        url = f"postgresql://someone@127.0.0.1:{pooler.getsockname()[1]}/postgres?sslmode=disable&gssencmode=disable"
        with pytest.raises(SourceError, match="unsupported startup parameter") as caught:
            Wire.connect(Address("shop", url))

    assert not caught.value.transient
    assert "A pooler cannot replicate" in caught.value.hint


def test_what_libpq_knows_of_tls_holds(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The connection is encrypted and the server proved, as the address asks; who is not the one named is refused."""
    certificate, key = a_certificate("127.0.0.1")
    (tmp_path / "ours.crt").write_bytes(certificate)
    (tmp_path / "other.crt").write_bytes(a_certificate("127.0.0.1")[0])
    for name, content in (("server.crt", certificate), ("server.key", key)):
        file = postgres_server.data / name
        file.write_bytes(content)
        file.chmod(0o600)
        give_away(file)
    postgres_server.set("ssl", "on")

    address = f"{postgres_server.managed_url()}?sslmode=verify-full&sslrootcert={tmp_path}/"
    with Wire.connect(Address("shop", f"{address}ours.crt")) as wire:
        assert [("t",)] == list(wire.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").rows)
        assert 1 == commands.identify(wire).timeline
    with pytest.raises(SourceError, match="certificate verify failed"):
        Wire.connect(Address("shop", f"{address}other.crt"))
    postgres_server.set("ssl", "off")


def a_certificate(address: str) -> tuple[bytes, bytes]:
    """A certificate that a server at this address signed for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    begins = CLOCK.now() - timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(begins).not_valid_after(begins + timedelta(days=2))
    built = built.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return built.sign(key, hashes.SHA256()).public_bytes(pem), secret


def test_what_goes_wrong_on_the_server_keeps_its_words(postgres_server: PostgresServer) -> None:
    """An error of the server arrives as ours, names the source, and the connection can be used on."""
    with wire_to(postgres_server) as wire:
        with pytest.raises(SourceError, match=r"source 'shop' refuses: .*covenant_none.* does not exist"):
            commands.drop_slot(wire, "covenant_none")

        assert [("1",)] == list(wire.ask("SELECT 1").rows)


def test_places_in_the_log_are_written_as_postgresql_does() -> None:
    """A place and its text are one another's inverse, and the file that it lies in has PostgreSQL's name."""
    place = parse_lsn("2/7A000148")

    assert "2/7A000148" == format_lsn(place)
    assert "00000003000000020000007A" == segment_name(3, place)
    assert "000000010000000000000004" == segment_name(1, 0x1000000 * 4)
