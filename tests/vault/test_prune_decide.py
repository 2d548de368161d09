"""The decision of a prune, for packs of every make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import UsageError
from covenant.vault.prune import Action, PackUse, PruneOptions
from covenant.vault.prune.decide import decide


@st.composite
def pack_uses(draw: st.DrawFn) -> list[PackUse]:
    """Packs as a survey may find them."""
    packs = []
    for number in range(draw(st.integers(0, 12))):
        blobs = draw(st.integers(1, 5))
        used_blobs = draw(st.integers(0, blobs))
        used = used_blobs * draw(st.integers(70, 5000))
        unused = (blobs - used_blobs) * draw(st.integers(70, 5000))
        packs.append(
            PackUse(
                id=f"{number:064x}",
                size=used + unused + 36,
                used=used,
                unused=unused,
                used_blobs=used_blobs,
                blobs=blobs,
                kinds=draw(st.integers(1, 3)),
                uncompressed=bool(used_blobs) and draw(st.booleans()),
            )
        )
    return packs


options = st.builds(
    PruneOptions,
    max_unused=st.floats(0, 1),
    max_unused_bytes=st.none() | st.integers(0, 20000),
    max_repack_size=st.none() | st.integers(0, 20000),
    repack_small=st.booleans(),
    repack_uncompressed=st.booleans(),
    pack_size=st.just(8192),
)


@given(pack_uses(), options, st.booleans())
def test_a_pack_goes_exactly_when_nobody_needs_it(packs: list[PackUse], chosen: PruneOptions, compresses: bool) -> None:
    """Whatever the options: removed are the packs without a needed blob; each pack has one fate and a reason."""
    fates = decide(packs, chosen, compresses=compresses)

    assert sorted(packs) == sorted(fate.pack for fate in fates)
    assert {pack.id for pack in packs if not pack.used_blobs} == {
        fate.pack.id for fate in fates if fate.action is Action.REMOVE
    }
    assert all(fate.why for fate in fates)


@given(pack_uses(), options, st.booleans())
def test_what_stays_unused_is_within_what_is_allowed(
    packs: list[PackUse], chosen: PruneOptions, compresses: bool
) -> None:
    """Unless the work itself was bounded, and then the work is within its bound."""
    fates = decide(packs, chosen, compresses=compresses)

    used = sum(pack.used for pack in packs)
    unused = sum(fate.pack.unused for fate in fates if fate.action is Action.KEEP)
    work = sum(fate.pack.used + fate.pack.unused for fate in fates if fate.action is Action.REPACK)
    if chosen.max_repack_size is None:
        assert unused <= chosen.allowed(used)
    else:
        assert work <= chosen.max_repack_size


@given(pack_uses())
def test_nothing_is_repacked_without_an_occasion(packs: list[PackUse]) -> None:
    """A pack of compressed data, all of it needed, stays."""
    fates = decide(packs, PruneOptions(max_unused=0), compresses=True)

    whole = {pack.id for pack in packs if pack.used_blobs and not pack.unused and pack.of_data_alone}
    assert not whole & {fate.pack.id for fate in fates if fate.action is not Action.KEEP}


@pytest.mark.parametrize("numbers", [{"max_unused": -0.1}, {"max_unused": 5.0}, {"max_repack_size": -1}])
def test_numbers_that_mean_nothing_are_refused(numbers: dict[str, float]) -> None:
    """Five per cent is 0.05, not 5."""
    with pytest.raises(UsageError):
        PruneOptions(**numbers)  # type: ignore[arg-type]
