"""A kit is read from its files: whole, in shares, or from codes that somebody typed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import CovenantError, DamageError, Refusal, UsageError
from covenant.prove.kit import shamir
from covenant.prove.kit.code import SECRET_SIZE, Share, read_code
from covenant.prove.kit.kit import CODE, KitFile, KitRegion, KitVault, block, parts, password_of, read_kits

SECRET = bytes(range(SECRET_SIZE))
REGION = KitRegion(name="eu", url="s3://bucket/vault", options={"region": "eu-1"}, needs={"secret_access_key": "X"})
FILE = KitFile(
    id="0a1b2c3d",
    made_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
    vaults=(KitVault(name="default", id="ab" * 32, key="cd" * 32, regions=(REGION,), acknowledge=1),),
    contacts=("Ada, +44 1",),
    proof="",
    code="",
)


def written(folder: Path, files: Sequence[KitFile]) -> list[Path]:
    """The files of a kit, with words around their blocks."""
    paths = [folder / f"kit-{number}.txt" for number, _ in enumerate(files, 1)]
    for path, file in zip(paths, files, strict=True):
        path.write_text(f"Keep this.\n\n{CODE} {file.code}\n\n{block(file)}\nThat is all.\n")
    return paths


def split_kit(k: int, n: int, kit: str = FILE.id, secret: bytes = SECRET) -> list[KitFile]:
    """The shares of a kit."""
    file = KitFile(
        id=kit, made_at=FILE.made_at, vaults=FILE.vaults, contacts=FILE.contacts, k=k, n=n, proof="", code=""
    )
    return parts(file, secret, shamir.split(secret, k, n, os.urandom))


def test_a_whole_kit_is_read_back(tmp_path: Path) -> None:
    """One file that was not split gives the password and all that stands in it."""
    kit = read_kits(written(tmp_path, parts(FILE, SECRET, {})))

    assert (password_of(SECRET), FILE.vaults, FILE.contacts, FILE.made_at) == (
        kit.password,
        kit.vaults,
        kit.contacts,
        kit.made_at,
    )


def test_any_two_of_three_shares_are_the_kit(tmp_path: Path) -> None:
    """Whichever two of three people come, they have the password."""
    paths = written(tmp_path, split_kit(2, 3))

    kits = [read_kits(chosen) for chosen in combinations(paths, 2)]

    assert [password_of(SECRET)] * 3 == [kit.password for kit in kits]


def test_too_few_shares_are_refused(tmp_path: Path) -> None:
    """Two of three needed shares, or one of them twice, say how many are missing and nothing of the password."""
    paths = written(tmp_path, split_kit(3, 4))

    for chosen in (paths[:2], [paths[0], paths[0], paths[1]]):
        with pytest.raises(Refusal, match="2 of the 3 shares") as refused:
            read_kits(chosen)
        assert "Bring 1 more, of other people." == refused.value.hint


def test_shares_of_different_kits_do_not_go_together(tmp_path: Path) -> None:
    """A share of an older kit is refused by name, however alike the kits are."""
    here, there = split_kit(2, 3), split_kit(2, 3, kit="ffffffff")

    with pytest.raises(Refusal, match="different kits: 0a1b2c3d, ffffffff"):
        read_kits(written(tmp_path, [here[0], there[1]]))


def test_a_share_with_a_false_secret_is_noticed(tmp_path: Path) -> None:
    """Shares that fit in form and not in substance give no password, even where enough good ones are there."""
    right, wrong = split_kit(2, 3), split_kit(2, 3, secret=bytes(SECRET_SIZE))
    false = KitFile(**{**{name: getattr(right[1], name) for name in KitFile.__struct_fields__}, "code": wrong[1].code})

    for files in ([right[0], false], [right[0], false, right[2]]):
        with pytest.raises(DamageError, match="do not give the secret"):
            read_kits(written(tmp_path, files))


def test_codes_that_were_typed_are_enough(tmp_path: Path) -> None:
    """With nothing but paper, the codes in files of their own give the password; where the vault is, someone knows."""
    first, second, _ = split_kit(2, 3)
    (tmp_path / "ada").write_text(f"code: nothing\n{CODE} {first.code}\n")
    (tmp_path / "bob").write_text(f"  {CODE} {second.code.lower().replace('-', ' ').replace('o', '0')}\n")

    kit = read_kits([tmp_path / "ada", tmp_path / "bob"])

    assert (password_of(SECRET), ()) == (kit.password, kit.vaults)


def refusal(path: Path) -> CovenantError | None:
    """Why a kit is not read."""
    try:
        read_kits([path])
    except CovenantError as error:
        return error
    return None


@given(st.integers(0, 10_000), st.sampled_from('ABCXYZ237abc-{}" '))
def test_a_changed_character_is_noticed(tmp_path_factory: pytest.TempPathFactory, at: int, instead: str) -> None:
    """Whatever character of a kit is another, it is refused without telling the secret, or says what it said."""
    folder = tmp_path_factory.mktemp("kit")
    path = written(folder, parts(FILE, SECRET, {}))[0]
    whole, text = read_kits([path]), path.read_text()
    at %= len(text)
    path.write_text(text[:at] + instead + text[at + 1 :])

    error = refusal(path)

    assert password_of(SECRET) not in (f"{error} {error.hint}" if error else "")
    assert error or whole == read_kits([path])


@given(st.binary(min_size=SECRET_SIZE, max_size=SECRET_SIZE), st.integers(0, 47), st.integers(1, 31))
def test_a_wrongly_typed_code_is_refused(part: bytes, at: int, by: int) -> None:
    """One wrong character in a code is noticed by its checksum."""
    letters = Share("0a1b2c3d", 2, 1, part).code().replace("-", "")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    wrong = letters[:at] + alphabet[(alphabet.index(letters[at]) + by) % 32] + letters[at + 1 :]

    with pytest.raises(DamageError):
        read_code(wrong)


@pytest.mark.parametrize(
    "text", ["", "Dear all,\n", "Code: ABCD\n", "Code: \n", "-----BEGIN COVENANT RECOVERY KIT-----\n"]
)
def test_what_is_no_kit_is_refused(tmp_path: Path, text: str) -> None:
    """A file that holds neither a block nor a code is named, with what was looked for."""
    (tmp_path / "letter").write_text(text)

    with pytest.raises((UsageError, DamageError)):
        read_kits([tmp_path / "letter"])


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    """Neither a kit nor a file nor a share of it shows its secret where it is printed for a programmer."""
    file = parts(FILE, SECRET, {})[0]
    kit = read_kits(written(tmp_path, [file]))

    shown = f"{kit!r} {file!r} {file.share!r}"

    assert password_of(SECRET) not in shown
    assert file.code not in shown
    assert repr(SECRET) not in shown
