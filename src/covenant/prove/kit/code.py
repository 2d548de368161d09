"""The secret part of a kit as people can print it, read it out and type it: base32, in groups, with a checksum.

    offset  length  what
    0       1       the version of this form, 1
    1       4       the kit: shares of different kits do not go together
    5       1       k: how many shares are needed; 1 where the kit was not split
    6       1       x: whose share it is; 0 where the kit was not split, and what follows is the secret itself
    7       20      the secret, or the share of it (``shamir``)
    27      3       the first bytes of the SHA-256 of all of the above

That is 30 bytes, 48 letters and digits of RFC 4648's alphabet (A-Z, 2-7), in twelve groups of four. Whoever types them
may use small letters, leave out the hyphens, and take 0, 1 and 8 for the O, I and B that they look like.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from hashlib import sha256

from covenant.kernel.errors import DamageError

SECRET_SIZE = 20
"""160 bits: nobody guesses that, whatever the password's hash costs."""

_VERSION = 1
_SIZE = 30
_ALIKE = str.maketrans("018", "OIB")
_GAPS = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Share:
    """One person's part of a kit's secret; all of it where ``x`` is 0."""

    kit: str
    k: int
    x: int
    part: bytes = field(repr=False)

    def code(self) -> str:
        """What is printed."""
        plain = bytes([_VERSION]) + bytes.fromhex(self.kit) + bytes([self.k, self.x]) + self.part
        return grouped(plain + sha256(plain).digest()[:3])


def grouped(plain: bytes) -> str:
    """Bytes in base32, four characters at a time; a multiple of five bytes."""
    text = b32encode(plain).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def read_code(text: str) -> Share:
    """The share of which this is the code. Raises ``DamageError`` where a character is wrong or missing."""
    letters = _GAPS.sub("", text).upper().translate(_ALIKE)
    try:
        raw = b32decode(letters)
    except ValueError as error:
        raise DamageError(f"a kit's code has {len(letters)} characters, or strange ones", _HINT) from error
    if len(raw) != _SIZE or sha256(raw[:-3]).digest()[:3] != raw[-3:]:
        raise DamageError("a kit's code does not fit its own checksum", _HINT)
    if raw[0] != _VERSION:
        raise DamageError(
            f"a kit's code has the version {raw[0]}, which is newer than this program", "Update Covenant."
        )
    return Share(raw[1:5].hex(), raw[5], raw[6], raw[7:27])


_HINT = "Compare it with the paper: twelve groups of four, of the letters A to Z and the digits 2 to 7."
