"""The config object: which format, and which vault this is.

    {"version": 2, "id": 64 hexadecimal digits, "chunker_polynomial": hexadecimal}

It is sealed but never compressed. Our own chunker needs no polynomial; restic does when it adds to the vault, so a
valid one is written. (restic ``doc/design.rst``, "Repository Format")
"""

from __future__ import annotations

import os

import msgspec

from covenant.kernel.errors import DamageError, VaultError
from covenant.vault.polynomial import random_irreducible

VERSIONS = (1, 2)
"""What can be read; only the last is written."""


class Config(msgspec.Struct, frozen=True):
    """What a vault says of itself."""

    version: int
    id: str
    chunker_polynomial: str

    @classmethod
    def generate(cls) -> Config:
        """The config of a new vault."""
        return cls(VERSIONS[-1], os.urandom(32).hex(), f"{random_irreducible():x}")

    @property
    def compresses(self) -> bool:
        """Whether this version of the format knows compression."""
        return self.version >= 2


def decode_config(raw: bytes) -> Config:
    """Read a config's JSON. Raises ``DamageError``, or ``VaultError`` for a version that we do not know."""
    try:
        config = msgspec.json.decode(raw, type=Config)
    except msgspec.MsgspecError as error:
        raise DamageError(f"the vault's config is not readable: {error}") from error
    if config.version not in VERSIONS:
        raise VaultError(
            f"the vault has format version {config.version}", "Use a newer Covenant, or restic, to open it."
        )
    return config


def encode_config(config: Config) -> bytes:
    """The JSON of a config."""
    return msgspec.json.encode(config)
