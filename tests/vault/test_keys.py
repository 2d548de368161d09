"""Keys and the config: who may open a vault, and which vault it is."""

from __future__ import annotations

from hashlib import scrypt
from pathlib import Path

import msgspec
import pytest

from covenant.kernel.errors import DamageError, VaultError, VaultExists, VaultMissing, WrongPassword
from covenant.vault.config import Config, decode_config, encode_config
from covenant.vault.crypto import MasterKey
from covenant.vault.keys import CHEAPEST, Cost, calibrate, decode_key, derive, open_key
from covenant.vault.polynomial import DEGREE, is_irreducible, random_irreducible
from covenant.vault.vault import open_vault
from tests.vaults import PASSWORD, a_store, a_vault


def test_a_vault_opens_with_its_password_only(tmp_path: Path) -> None:
    """The right password gives the same vault; another is refused as wrong."""
    store = a_store(tmp_path / "v")
    made = a_vault(store)

    assert made.config == open_vault(store, PASSWORD).config
    with pytest.raises(WrongPassword):
        open_vault(store, PASSWORD + " ")


def test_a_vault_is_never_made_over_another(tmp_path: Path) -> None:
    """Making a vault where one is would orphan it."""
    store = a_store(tmp_path / "v")
    a_vault(store)

    with pytest.raises(VaultExists):
        a_vault(store)


def test_a_missing_vault_is_said_to_be_missing(tmp_path: Path) -> None:
    """An empty store is not a wrong password."""
    with pytest.raises(VaultMissing):
        open_vault(a_store(tmp_path / "v"), PASSWORD)


def test_the_password_hash_is_never_cheaper_than_its_floor() -> None:
    """However slow the machine, and the machine decides only upwards."""
    assert CHEAPEST == calibrate(seconds=0.0)
    assert calibrate(seconds=0.0).n * 3 <= calibrate(seconds=5.0).n * calibrate(seconds=5.0).p


@pytest.mark.parametrize(
    ("password", "salt", "cost", "output"),
    [
        (
            b"",
            b"",
            Cost(16, 1, 1),
            (
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
            ),
        ),
        (
            b"password",
            b"NaCl",
            Cost(1024, 8, 16),
            (
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
            ),
        ),
    ],
)
def test_the_password_hash_is_the_one_that_its_standard_describes(
    password: bytes, salt: bytes, cost: Cost, output: str
) -> None:
    """RFC 7914's own examples come out."""
    assert MasterKey.from_bytes(bytes.fromhex(output)) == derive(password, salt, cost)


@pytest.mark.parametrize(
    "cost", [CHEAPEST, Cost(1 << 15, 8, 4), Cost(1 << 16, 8, 1), Cost(1 << 10, 3, 2), Cost(2, 1, 5)]
)
def test_another_library_hashes_passwords_alike(cost: Cost) -> None:
    """A key sealed before, or by another program, opens still: OpenSSL makes the same of the same."""
    password, salt = "pass wörd".encode(), bytes(range(64))

    other = scrypt(password, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * cost.memory, dklen=64)

    assert MasterKey.from_bytes(other) == derive(password, salt, cost)


@pytest.mark.parametrize("field", [{"N": 1 << 30}, {"N": 1000}, {"r": 0}, {"p": 5000}, {"kdf": "rot13"}])
def test_a_hostile_key_cannot_ask_for_all_our_memory(tmp_path: Path, field: dict[str, object]) -> None:
    """Parameters that no honest vault has are damage, before anything is computed."""
    store = a_store(tmp_path / "v")
    a_vault(store)
    name = next(iter(store.list("keys"))).name
    key = {**msgspec.json.decode(store.get(name)), **field}

    with pytest.raises(DamageError):
        decode_key(msgspec.json.encode(key), "k")


def test_a_key_is_plain_json_that_restic_wrote() -> None:
    """A key object as restic 0.14 made it, for the password 'x'."""
    raw = (Path(__file__).parent / "restic-key.json").read_bytes()
    key = decode_key(raw, "restic")

    assert Cost(32768, 8, 4) == Cost(key.N, key.r, key.p)
    assert open_key(key, "y") is None
    assert open_key(key, "x") is not None


def test_configs_read_back_and_unknown_versions_are_refused() -> None:
    """A format that we do not know is not guessed at."""
    config = Config.generate()

    assert config == decode_config(encode_config(config))
    with pytest.raises(VaultError):
        decode_config(encode_config(Config(3, config.id, config.chunker_polynomial)))


def test_polynomials_are_irreducible() -> None:
    """restic refuses to chunk with any other; the known one is from its documentation's example."""
    assert is_irreducible(0x3DA3358B4DC173)
    assert not is_irreducible(0x3DA3358B4DC173 ^ 2)
    assert DEGREE == random_irreducible().bit_length() - 1
