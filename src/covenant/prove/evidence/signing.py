"""Signing with Ed25519 (RFC 8032): one key for each vault, whose public half is all that an auditor needs.

The private half lies in the vault, sealed with its key. So whoever can open a vault can sign for it, and nobody else;
what that means is written in the threat model (``docs/design.md``) and in the decision about it (``docs/adr``).
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from covenant.kernel.errors import DamageError, UsageError

VERSION = 1
_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_PEM_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", re.DOTALL)
_PEM_HEAD = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in X.509's form (RFC 8410)."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that can sign. ``public`` is the public half in hexadecimal."""

    public: str
    made_at: datetime
    _private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"Signer({self.public})"

    @classmethod
    def generate(cls, now: datetime) -> Signer:
        """A new key."""
        private = Ed25519PrivateKey.generate()
        return cls(private.public_key().public_bytes_raw().hex(), now, private)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message: 64 bytes."""
        return self._private.sign(message)

    def encode(self) -> bytes:
        """The key as it is sealed in a vault."""
        private = self._private.private_bytes_raw()
        return msgspec.json.encode(_Written(version=VERSION, made_at=self.made_at, private=private, public=self.public))


class _Written(msgspec.Struct):
    version: int
    made_at: datetime
    private: bytes
    public: str


def decode_signer(raw: bytes) -> Signer:
    """A key as it lay in a vault. Raises ``DamageError``, which shows nothing of it."""
    try:
        written = msgspec.json.decode(raw, type=_Written)
        private = Ed25519PrivateKey.from_private_bytes(written.private)
    except (msgspec.MsgspecError, ValueError):
        raise DamageError("a key of the evidence is not readable", "Copy it from another region.") from None
    return Signer(private.public_key().public_bytes_raw().hex(), written.made_at, private)


def signed_by(public: str, message: bytes, signature: bytes) -> bool:
    """Whether the key with this public half signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_public_key(text: str) -> str:
    """A public key, in hexadecimal, from 64 hexadecimal digits or from PEM. Raises ``UsageError``."""
    pem = _PEM_KEY.search(text)
    if pem is not None:
        try:
            raw = b64decode("".join(pem[1].split()), validate=True)
        except ValueError:
            raw = b""
        if raw.startswith(_PEM_HEAD) and len(raw) == len(_PEM_HEAD) + 32:
            return raw[len(_PEM_HEAD) :].hex()
    elif _HEX_KEY.fullmatch(text.strip().lower()):
        return text.strip().lower()
    raise UsageError(
        "that is no public key of Ed25519", "Give 64 hexadecimal digits, or a PEM file; 'covenant evidence key' has it."
    )
