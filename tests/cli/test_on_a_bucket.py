"""The whole round on a real S3-compatible server, with the address and the credentials that users give."""

from __future__ import annotations

from tests.cli.conftest import Studio
from tests.cli.running import Ran, apart
from tests.servers.seaweedfs import ADMIN, SeaweedServer, s3_server

__all__ = ["s3_server"]


def test_a_vault_in_a_bucket(studio: Studio, s3_server: SeaweedServer) -> None:
    """Init, backup, check, restore, forget and prune, as real processes; the secret comes by the environment."""
    variables = {
        "COVENANT_VAULT": s3_server.new_url(),
        "COVENANT_PASSWORD_FILE": str(studio.home / "password"),
        "AWS_ACCESS_KEY_ID": ADMIN.key,
        "AWS_SECRET_ACCESS_KEY": ADMIN.secret,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": s3_server.endpoint,
    }

    def covenant(*words: object) -> Ran:
        ran = apart(studio.home, *words, **variables)
        assert ADMIN.secret not in ran.out + ran.err
        return ran

    commands: tuple[tuple[object, ...], ...] = (
        ("init",),
        ("backup", "--path", studio.photos),
        ("backup", "--path", studio.photos, "--full"),
        ("check", "--read-data"),
        ("restore", "latest", studio.photos, "--strip", "--target", studio.home / "out"),
        ("forget", "--keep-last", "1", "--prune"),
        ("check", "--read-data"),
    )
    ran = [covenant(*words) for words in commands]

    assert [0] * len(commands) == [each.code for each in ran], [each.err for each in ran]
    assert b"cover" * 1000 == (studio.home / "out" / "cover.jpg").read_bytes()


def test_wrong_credentials_are_denied_not_retried(studio: Studio, s3_server: SeaweedServer) -> None:
    """26, at once, and the wrong secret is not shown."""
    ran = apart(
        studio.home,
        *("--vault", s3_server.new_url(), "--password-file", studio.home / "password", "snapshots"),
        AWS_ACCESS_KEY_ID=ADMIN.key,
        AWS_SECRET_ACCESS_KEY="wrong-secret",
        AWS_REGION="us-east-1",
        AWS_ENDPOINT_URL_S3=s3_server.endpoint,
    )

    assert 26 == ran.code, ran.err
    assert "wrong-secret" not in ran.err
