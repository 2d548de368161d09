"""Sealing and opening bytes with a vault's master key.

Every encrypted unit (a blob, a pack's header, an index, a snapshot, a lock, the config) has this shape:

    offset  length  what
    0       16      IV: random; the initial counter block and the nonce of the authenticator
    16      n       ciphertext: AES-256 in counter mode
    16+n    16      tag: Poly1305-AES over the ciphertext

The one-time Poly1305 key is ``r || AES-128_k(IV)``. (restic ``doc/design.rst``, "Keys, Encryption and MAC")
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from covenant.kernel.errors import DamageError
from covenant.vault.ports import Buffer

IV_SIZE = 16
TAG_SIZE = 16
OVERHEAD = IV_SIZE + TAG_SIZE

_IVS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, repr=False)
class MasterKey:
    """The secret under which everything in one vault is sealed: 32 + 16 + 16 bytes."""

    encrypt: bytes
    mac_k: bytes
    mac_r: bytes

    @classmethod
    def generate(cls) -> MasterKey:
        """A new random key."""
        return cls(os.urandom(32), os.urandom(16), os.urandom(16))

    @classmethod
    def from_bytes(cls, raw: bytes) -> MasterKey:
        """``encrypt || mac_k || mac_r``, the order in which scrypt's output is cut up."""
        return cls(raw[:32], raw[32:48], raw[48:64])

    def __repr__(self) -> str:
        return "MasterKey(…)"


class Sealer:
    """Seals and opens with one key.

    Holds cipher contexts that are reset for every unit, which costs a fifth of making new ones; therefore it
    belongs to one thread.
    """

    def __init__(self, key: MasterKey) -> None:
        zero = bytes(IV_SIZE)
        self._stream = Cipher(algorithms.AES(key.encrypt), modes.CTR(zero)).encryptor()
        self._nonce_cipher = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305 - one block each
        self._r = key.mac_r
        self._ivs: list[bytes] = []

    def _new_iv(self) -> bytes:
        if not self._ivs:
            pool = os.urandom(IV_SIZE * _IVS_AT_ONCE)
            self._ivs = [pool[at : at + IV_SIZE] for at in range(0, len(pool), IV_SIZE)]
        return self._ivs.pop()

    def seal(self, plain: Buffer) -> bytes:
        """``plain``, encrypted and authenticated: ``OVERHEAD`` bytes longer."""
        iv = self._new_iv()
        self._stream.reset_nonce(iv)
        cipher = self._stream.update(plain)
        return b"".join((iv, cipher, Poly1305.generate_tag(self._r + self._nonce_cipher.update(iv), cipher)))

    def seal_into(self, plain: Buffer, out: memoryview) -> int:
        """Seal into the beginning of ``out`` without a copy; returns the number of bytes written.

        ``out`` needs room for ``len(plain) + OVERHEAD`` bytes.
        """
        iv = self._new_iv()
        end = IV_SIZE + len(plain)
        out[:IV_SIZE] = iv
        self._stream.reset_nonce(iv)
        cipher = out[IV_SIZE:end]
        self._stream.update_into(plain, out[IV_SIZE:])
        out[end : end + TAG_SIZE] = Poly1305.generate_tag(self._r + self._nonce_cipher.update(iv), cipher)
        return end + TAG_SIZE

    def open_each(self, data: bytes, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """The plain bytes of many sealed stretches (offset, length) of ``data``, in order.

        Half the cost of ``open`` for small ones. Raises ``DamageError`` at the first that is not as it was sealed.
        """
        view = memoryview(data)
        masks = self._nonce_cipher.update(b"".join([data[offset : offset + IV_SIZE] for offset, _ in places]))
        for number, (offset, length) in enumerate(places):
            end = offset + length - TAG_SIZE
            cipher = view[offset + IV_SIZE : end]
            mask = masks[number * IV_SIZE : (number + 1) * IV_SIZE]
            if not compare_digest(Poly1305.generate_tag(self._r + mask, cipher), data[end : end + TAG_SIZE]):
                raise DamageError("sealed bytes do not match their authenticator")
            self._stream.reset_nonce(data[offset : offset + IV_SIZE])
            yield self._stream.update(cipher)

    def open(self, sealed: Buffer) -> bytes:
        """The plain bytes. Raises ``DamageError`` if one bit is not as it was sealed."""
        view = memoryview(sealed)
        if len(view) < OVERHEAD:
            raise DamageError("sealed bytes are cut off")
        iv = bytes(view[:IV_SIZE])
        cipher = view[IV_SIZE:-TAG_SIZE]
        tag = Poly1305.generate_tag(self._r + self._nonce_cipher.update(iv), cipher)
        if not compare_digest(tag, view[-TAG_SIZE:]):
            raise DamageError("sealed bytes do not match their authenticator")
        self._stream.reset_nonce(iv)
        return self._stream.update(cipher)
