"""Amounts as people write them."""

import pytest

from covenant.settings.amounts import parse_compression, parse_pack_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("16MiB", 16 << 20), ("16M", 16 << 20), ("16 mb", 16 << 20), ("8192k", 8 << 20), (str(4 << 20), 4 << 20)],
)
def test_a_pack_size_is_read(text: str, size: int) -> None:
    """Units are powers of 1024, however they are spelt."""
    assert size == parse_pack_size(text)


@pytest.mark.parametrize("text", ["", "MiB", "16 MiB/s", "-16M", "1.5M", "3M", "129M", "1G"])
def test_no_pack_size_is_refused(text: str) -> None:
    """What is no size, and sizes beyond restic's bounds, are refused."""
    with pytest.raises(ValueError, match="is not"):
        parse_pack_size(text)


@pytest.mark.parametrize(("text", "level"), [("off", 0), ("auto", None), ("MAX", 19), ("1", 1), ("22", 22), ("0", 0)])
def test_compression_is_read(text: str, level: int | None) -> None:
    """restic's words and zstd's levels both count."""
    assert level == parse_compression(text)


@pytest.mark.parametrize("text", ["", "best", "23", "-1", "3.5"])
def test_no_compression_is_refused(text: str) -> None:
    """What is neither is refused."""
    with pytest.raises(ValueError, match="neither off, auto, max nor a level"):
        parse_compression(text)
