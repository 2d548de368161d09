"""Which packs a check reads when it is to read only some."""

from __future__ import annotations

from random import Random

import pytest

from covenant.kernel.errors import UsageError
from covenant.vault.check.subset import Amount, Part, Percent, parse_subset

PACKS = [(bytes([n, n * 7 % 256]), 1000 + n) for n in range(256)]


def test_parts_cover_everything_once() -> None:
    """Whoever reads all parts in turn has read every pack, and none twice."""
    chosen = [at for n in range(1, 6) for at in Part(n, 5).choose(PACKS, Random(1))]

    assert list(range(256)) == sorted(chosen)


@pytest.mark.parametrize(("percent", "count"), [(0.01, 1), (10.0, 26), (100.0, 256)])
def test_a_share_is_random_and_never_nothing(percent: float, count: int) -> None:
    """A share has the size that was asked for, and at least one pack."""
    chosen = Percent(percent).choose(PACKS, Random(1))

    assert count == len(set(chosen))


def test_an_amount_is_kept_to() -> None:
    """No more bytes are read than were asked for, but always one pack."""
    chosen = Amount(10_000).choose(PACKS, Random(2))

    assert 8_000 < sum(PACKS[at][1] for at in chosen) <= 10_000
    assert 1 == len(Amount(1).choose(PACKS, Random(2)))


@pytest.mark.parametrize(
    ("text", "subset"), [("2/7", Part(2, 7)), ("2.5%", Percent(2.5)), ("5G", Amount(5 << 30)), ("700", Amount(700))]
)
def test_subsets_are_read_as_restic_writes_them(text: str, subset: object) -> None:
    """The three ways of saying how much."""
    assert subset == parse_subset(text)


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1/257", "0%", "101%", "x", "-5", "1/", "5X", "²"])
def test_what_is_no_subset_is_refused(text: str) -> None:
    """Anything else is wrong usage, with a hint."""
    with pytest.raises(UsageError) as refused:
        parse_subset(text)

    assert refused.value.hint
