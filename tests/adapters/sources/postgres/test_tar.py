"""A tar is taken apart as it arrives, in pieces of any size, exactly as the standard library reads it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.archives import Messages
from covenant.adapters.sources.postgres.receiving import Receiving
from covenant.adapters.sources.postgres.tar import members
from covenant.kernel.errors import DamageError
from covenant.kernel.progress import Silent

names = st.text(alphabet="abc_/.0é", min_size=1, max_size=60).filter(lambda name: name.strip("/.") == name)
files = st.dictionaries(names, st.binary(max_size=1500), max_size=6)


def tar_of(content: dict[str, bytes], *, link: str = "", folder: str = "") -> bytes:
    """A tar as PostgreSQL writes it, by the standard library."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.mtime, info.uname = len(data), 0o600, 26, 1_700_000_000, "postgres"
            tar.addfile(info, io.BytesIO(data))
        for name, kind in ((link, tarfile.SYMTYPE), (folder, tarfile.DIRTYPE)):
            if name:
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.mode = kind, "/elsewhere" if kind == tarfile.SYMTYPE else "", 0o700
                tar.addfile(info)
    return out.getvalue()


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The same bytes, so many at a time."""
    return (data[at : at + size] for at in range(0, len(data), size))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=files, size=st.integers(1, 3000))
def test_every_file_arrives_as_the_standard_library_wrote_it(content: dict[str, bytes], size: int) -> None:
    """Names, owners, times and bytes are the same, wherever the pieces are cut."""
    came = {}
    for member in members(in_pieces(tar_of(content), size)):
        came[member.name] = b"".join(bytes(piece) for piece in member.content)
        assert ("file", 0o600, 26, "postgres", 1_700_000_000) == (
            member.kind,
            member.mode,
            member.uid,
            member.user,
            member.mtime,
        )

    assert content == came


def test_what_is_not_taken_of_a_file_is_passed_over() -> None:
    """Whoever looks at names alone gets all of them, links and folders among them."""
    tar = tar_of({"PG_VERSION": b"18\n", "base/1": b"x" * 1000}, link="pg_tblspc/16400", folder="pg_wal")

    assert [("PG_VERSION", "file"), ("base/1", "file"), ("pg_tblspc/16400", "symlink"), ("pg_wal/", "dir")] == [
        (member.name, member.kind) for member in members(in_pieces(tar, 100))
    ]


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (tar_of({"a": b"x" * 1000})[:900], "ended in the middle"),
        (tar_of({"a": b"x"}).replace(b"0000600", b"0000644", 1), "not whole"),
        (tar_of({"a": b"x"}).replace(b"00000000001\0", b"0000000zzz1\0", 1), "not whole|is none"),
    ],
    ids=["cut off", "a header changed", "no number"],
)
def test_a_damaged_tar_is_refused(spoilt: bytes, said: str) -> None:
    """What is cut off or changed is damage, and not a shorter backup."""
    with pytest.raises(DamageError, match=said):
        for _ in members(iter([spoilt])):
            pass


@pytest.mark.parametrize("name", ["../outside", "base/../../outside", "base//1", "."])
def test_a_server_cannot_name_files_elsewhere(name: str) -> None:
    """A name that leads out of the data directory is refused before anything is stored under it."""
    copy = iter([b"nbase.tar\0\0", b"d" + tar_of({name: b"x"})])
    receiving = Receiving("/shop", Messages(copy, Silent()), None, 8192, 65536)

    with pytest.raises(DamageError, match="impossible name"):
        list(receiving.arrivals())


def test_a_backup_without_a_manifest_is_refused() -> None:
    """Nothing is believed that the server does not vouch for."""
    copy = iter([b"nbase.tar\0\0", b"d" + tar_of({"PG_VERSION": b"18\n"})])
    receiving = Receiving("/shop", Messages(copy, Silent()), None, 8192, 65536)

    with pytest.raises(DamageError, match="no manifest"):
        [list(arrival.pieces) for arrival in receiving.arrivals()]
