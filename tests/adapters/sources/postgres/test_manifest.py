"""The server's manifest is believed as it was written, and a whole one is made of an incremental one."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from covenant.adapters.sources.postgres.manifest import Manifest, Seen
from covenant.kernel.errors import DamageError

MODIFIED = "2026-11-25 14:00:00 GMT"


def written(files: dict[str, Seen]) -> bytes:
    """A manifest as a server writes it; one name is no UTF-8."""
    lines = []
    for path, (size, checksum) in files.items():
        try:
            path.encode()
            named = {"Path": path}
        except UnicodeEncodeError:
            named = {"Encoded-Path": path.encode(errors="surrogateescape").hex()}
        proof = {"Checksum-Algorithm": "SHA256", "Checksum": checksum}
        lines.append(json.dumps({**named, "Size": size, "Last-Modified": MODIFIED, **proof}))
    text = (
        '{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 7412,\n"Files": [\n'
        + ",\n".join(lines)
        + '\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000120" }\n],\n'
    )
    return f'{text}"Manifest-Checksum": "{sha256(text.encode()).hexdigest()}"}}\n'.encode()


FILES = {
    "PG_VERSION": Seen(3, "aa"),
    "base/5/INCREMENTAL.16384": Seen(12, "bb"),
    "base/5/caf\udce9": Seen(1, "cc"),
    "backup_label": Seen(230, "dd"),
}


def test_what_arrived_otherwise_is_named() -> None:
    """Missing, changed and unheard-of files are each told; what is as it says is not."""
    manifest = Manifest.parse(written(FILES))
    arrived = {**FILES, "PG_VERSION": Seen(3, "ab"), "extra": Seen(1, "ee")}
    del arrived["backup_label"]

    assert [] == list(manifest.differences(FILES))
    assert {
        "PG_VERSION did not arrive as it was sent",
        "backup_label did not arrive",
        "extra was not sent",
    } == set(manifest.differences(arrived))


def test_the_manifest_of_the_whole_is_one_that_a_server_would_take() -> None:
    """Files stand under their own names with what they are now, the log stays, and its checksum holds."""
    changed = {
        "base/5/INCREMENTAL.16384": ("base/5/16384", Seen(81920, "")),
        "backup_label": ("backup_label", Seen(180, "ff")),
    }

    text = Manifest.parse(written(FILES)).as_whole(changed)

    whole = Manifest.parse(text)
    assert {
        "PG_VERSION": Seen(3, "aa"),
        "base/5/16384": Seen(81920, ""),
        "base/5/caf\udce9": Seen(1, "cc"),
        "backup_label": Seen(180, "ff"),
    } == whole.files
    assert (7412, "0/2000028") == (
        whole.document["System-Identifier"],
        whole.document["WAL-Ranges"][0]["Start-LSN"],
    )
    assert b'"Manifest-Checksum"' == text.splitlines()[-1][:19]


@pytest.mark.parametrize(
    "spoilt",
    [written(FILES).replace(b"16384", b"16385"), written(FILES)[:-40], b""],
    ids=["another name", "cut off", "empty"],
)
def test_a_manifest_that_is_not_what_was_written_is_refused(spoilt: bytes) -> None:
    """Its own checksum guards it."""
    with pytest.raises(DamageError, match="manifest"):
        Manifest.parse(spoilt)
