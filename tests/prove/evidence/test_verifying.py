"""Whoever changes, drops, moves, puts in or cuts off anything is found out, by a public key and a file alone."""

from __future__ import annotations

import time
from random import Random

import pytest

from covenant.prove.evidence.chain import START, Head, hash_of, linked
from covenant.prove.evidence.checkpoint import sign
from covenant.prove.evidence.signing import Signer
from covenant.prove.evidence.verifying import Flaw, Verdict, verify
from tests.prove.evidence.chains import MINUTE, NOW, SIGNER, a_record, checkpoint, export, records

KEYS = (SIGNER.public,)
CHAIN = records(30)
WHOLE = export(CHAIN)
LATEST = checkpoint(CHAIN)
SMALL = records(12)
KEPT_ELSEWHERE = checkpoint(SMALL)


def flaws(verdict: Verdict) -> list[tuple[str, int]]:
    """What is wrong, and with which record."""
    return [(flaw.kind, flaw.record) for flaw in verdict.flaws]


def change_a_byte(lines: list[bytes], chance: Random) -> list[bytes]:
    """One byte of the file is another."""
    raw = bytearray(b"".join(lines))
    raw[chance.randrange(len(raw))] ^= chance.randrange(1, 256)
    return _lines(bytes(raw))


def add_a_byte(lines: list[bytes], chance: Random) -> list[bytes]:
    """There is one byte more somewhere."""
    raw, at = b"".join(lines), chance.randrange(sum(map(len, lines)))
    return _lines(raw[:at] + chance.choice((b" ", b"0", b"\n", b'"', chance.randbytes(1))) + raw[at:])


def take_a_byte(lines: list[bytes], chance: Random) -> list[bytes]:
    """There is one byte less somewhere."""
    raw, at = b"".join(lines), chance.randrange(sum(map(len, lines)))
    return _lines(raw[:at] + raw[at + 1 :])


def drop(lines: list[bytes], chance: Random) -> list[bytes]:
    """Some records that follow one another are left out."""
    first = chance.randrange(len(SMALL))
    last = chance.randrange(first + 1, min(first + 4, len(SMALL)) + 1)
    return lines[:first] + lines[last:]


def move(lines: list[bytes], chance: Random) -> list[bytes]:
    """Two records change places."""
    a, b = chance.sample(range(len(SMALL)), 2)
    moved = [*lines]
    moved[a], moved[b] = moved[b], moved[a]
    return moved


def put_in(lines: list[bytes], chance: Random) -> list[bytes]:
    """A record is put in: a copy of another, or a new one that is linked to the one before it."""
    at = chance.randrange(len(SMALL) + 1)
    copy = chance.choice(lines)
    new, *_ = linked(Head(at, _hash(lines, at)), [a_record("note", at=NOW + at * MINUTE).body()])
    return [*lines[:at], chance.choice((copy, new + b"\n")), *lines[at:]]


def cut_off(lines: list[bytes], chance: Random) -> list[bytes]:
    """The end is cut off, and what is left is signed as it once was signed."""
    left = SMALL[: chance.randrange(1, len(SMALL))]
    return export(left)


def forge(lines: list[bytes], chance: Random) -> list[bytes]:
    """A record says something else, and everything after it is chained and signed anew, with a key of one's own."""
    at = chance.randrange(1, len(SMALL))
    bodies = [b"{" + line[line.index(b'"at"') :] for line in SMALL]
    bodies[at] = a_record("note", at=NOW + at * MINUTE, text="nothing happened").body()
    return export(list(linked(Head(), bodies)), OTHER)


OTHER = Signer.generate(NOW)
WAYS = (change_a_byte, add_a_byte, take_a_byte, drop, move, put_in, cut_off, forge)


def _hash(lines: list[bytes], at: int) -> str:
    """The hash of a record by its number, or what stands in its place before the first."""
    return hash_of(lines[at - 1].removesuffix(b"\n")) if at else START


def _lines(raw: bytes) -> list[bytes]:
    """The lines of a file, as reading it gives them: divided by line feeds and nothing else."""
    return [line + b"\n" for line in raw.split(b"\n")[:-1]] + ([raw.rsplit(b"\n", 1)[-1]] if raw[-1:] != b"\n" else [])


def missed(number: int, seed: int) -> list[str]:
    """Of so many random manipulations of each kind, those that the verifier does not find."""
    chance, found = Random(seed), list[str]()
    for way in WAYS:
        for _ in range(number):
            manipulated = way(export(SMALL), chance)
            if verify(manipulated, KEYS, [KEPT_ELSEWHERE]).whole:
                found.append(f"{way.__name__}: {manipulated}")
    return found


def test_every_one_of_ten_thousand_manipulations_is_found() -> None:
    """Whatever is changed, dropped, moved, put in, cut off or forged is found, every time."""
    assert [] == missed(1250, seed=4)


@pytest.mark.soak
def test_every_one_of_half_a_million_manipulations_is_found() -> None:
    """The same, as often as there is patience for."""
    assert [] == missed(62_500, seed=2026)


def test_a_whole_chain_is_whole() -> None:
    """Nothing is said against what is as it was signed, and it is told how far it reaches."""
    verdict = verify(WHOLE, KEYS, [LATEST])

    chain = verdict.chains[0]
    assert (True, 1, 30, 30, NOW, SIGNER.public) == (
        verdict.whole,
        len(verdict.chains),
        chain.head.length,
        chain.sealed,
        chain.sealed_at,
        chain.key,
    )
    assert {"began": 1, "backup": 29} == dict(chain.kinds)


@pytest.mark.parametrize(
    ("manipulated", "found"),
    [
        (WHOLE[:10] + WHOLE[11:], ("record-missing", 11)),
        (WHOLE[:10] + WHOLE[14:], ("record-missing", 11)),
        ([*WHOLE[:10], WHOLE[9], *WHOLE[10:]], ("record-misplaced", 10)),
        ([*WHOLE[:10], WHOLE[10].replace(b"studio", b"nobody"), *WHOLE[11:]], ("record-changed", 11)),
        ([*WHOLE[:29], WHOLE[29].replace(b"studio", b"nobody"), WHOLE[30]], ("record-changed", 30)),
        ([*WHOLE[:9], WHOLE[9].replace(b":10,", b": 10,"), *WHOLE[10:]], ("record-changed", 10)),
        (WHOLE[:30], ("unsigned", 1)),
        (WHOLE[:20], ("unsigned", 1)),
        (WHOLE[:20] + WHOLE[30:], ("end-missing", 21)),
        ([*WHOLE[:5], b"null\n", *WHOLE[5:]], ("record-unreadable", 6)),
        ([*WHOLE, WHOLE[30]], ("checkpoint-repeated", 0)),
        (WHOLE * 2, ("chain-repeated", 1)),
        (WHOLE[30:], ("beginning-missing", 1)),
        ([*WHOLE[:-1], WHOLE[-1].rstrip(b"\n")], ("line-cut", 0)),
        ([], ("empty", 0)),
    ],
)
def test_it_is_said_where_the_chain_is_not_whole(manipulated: list[bytes], found: tuple[str, int]) -> None:
    """The first flaw names the record that is missing, changed or out of its place."""
    assert found == flaws(verify(manipulated, KEYS))[0]


def test_a_changed_record_does_not_hide_a_missing_one() -> None:
    """Verifying goes on after what it found: two flaws far from one another are both told, and nothing else."""
    lines = [*WHOLE[:5], WHOLE[5].replace(b"studio", b"nobody"), *WHOLE[6:20], *WHOLE[21:]]

    assert [("record-changed", 6), ("record-missing", 21)] == flaws(verify(lines, KEYS))


def test_a_tail_that_was_cut_off_shows_against_any_later_checkpoint() -> None:
    """An older export is whole by itself, and is found to be too short by whoever keeps a later checkpoint."""
    older = export(CHAIN[:20])

    assert verify(older, KEYS).whole
    assert [("end-missing", 21)] == flaws(verify(older, KEYS, [LATEST]))


def test_an_earlier_checkpoint_must_be_on_the_way() -> None:
    """A chain that was written anew, with the right key, differs from what was signed before."""
    anew = [*CHAIN[:10], *linked(Head(10, _hash(CHAIN, 10)), [a_record("note", at=NOW).body()] * 10)]

    assert [("record-changed", 15)] == flaws(verify(export(anew), KEYS, [checkpoint(CHAIN[:15])]))


def test_a_key_that_is_not_trusted_counts_for_nothing() -> None:
    """A chain that a stranger made and signed is told to be signed by nobody."""
    theirs = export(records(3), OTHER)

    assert [("checkpoint-unsigned", 0), ("unsigned", 1)] == flaws(verify(theirs, KEYS))


def test_a_part_of_a_chain_follows_a_checkpoint() -> None:
    """What begins later than its chain is linked to a signed checkpoint, and is whole for who asked for a part."""
    part = [checkpoint(CHAIN[:10]) + b"\n", *WHOLE[10:]]

    assert verify(part, KEYS, [LATEST], partial=True).whole
    assert [("beginning-missing", 1)] == flaws(verify(part, KEYS, [LATEST]))
    assert [("record-missing", 11)] == flaws(verify([part[0], *part[2:]], KEYS, partial=True))


def test_a_chain_that_went_before_must_be_there_as_long_as_it_was() -> None:
    """A chain knows those before it: leaving one out, or its end, shows."""
    first = records(5)
    began = a_record(
        "began", key=SIGNER.public, after=[{"chain": _hash(first, 1), "length": 5, "head": _hash(first, 5)}]
    )
    second = export(list(linked(Head(), [began.body()])))

    other = export([*first[:4], *linked(Head(4, _hash(first, 4)), [a_record("note").body()])])
    assert verify([*export(first), *second], KEYS).whole
    assert [("record-changed", 5)] == flaws(verify([*other, *second], KEYS))
    assert [("chain-missing", 1)] == flaws(verify(second, KEYS))
    assert [("end-missing", 5)] == flaws(verify([*export(first[:4]), *second], KEYS))


def test_a_chain_is_signed_with_the_key_that_it_began_with() -> None:
    """Another trusted key cannot take a chain over unseen."""
    verdict = verify(export(CHAIN, OTHER), (*KEYS, OTHER.public))

    assert [("key-changed", 1)] == flaws(verdict)


def test_many_flaws_are_counted() -> None:
    """A file of nonsense does not fill the memory with what is said about it."""
    verdict = verify([b"nonsense\n"] * 1000, KEYS)

    assert (100, 901) == (len(verdict.flaws), verdict.uncounted)
    assert Flaw(1, 1, "record-unreadable", "record 1 cannot be read") == verdict.flaws[0]


def test_a_year_of_records_verifies_in_seconds() -> None:
    """Fifty thousand records take less than a second of a processor, whatever else the machine is busy with."""
    lines = export(records(50_000))
    began = time.process_time()

    verdict = verify(lines, KEYS)

    assert verdict.whole
    assert time.process_time() - began < 1


def test_a_checkpoint_says_nothing_more_than_it_signed() -> None:
    """A signed checkpoint whose spelling was touched counts for nothing."""
    for touched in (LATEST + b" ", LATEST.replace(b":30,", b": 30,"), LATEST[:-2].upper() + LATEST[-2:]):
        assert not verify([*WHOLE[:-1], touched + b"\n"], KEYS).whole


def test_a_checkpoint_of_another_chain_is_no_checkpoint_of_this_one() -> None:
    """However rightly signed, it is out of its place."""
    other = sign(SIGNER, "ab" * 32, Head(30, _hash(CHAIN, 30)), NOW)

    assert ("checkpoint-misplaced", 0) == flaws(verify([*WHOLE[:-1], other + b"\n"], KEYS))[0]
