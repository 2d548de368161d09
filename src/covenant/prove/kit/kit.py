"""A kit as a value, and as the block of text from which a program reads it.

What is public in it (where the vaults lie, which credentials are needed, who to call, how to check the evidence) stands
on every share; the secret is the vaults' password, whole or as one person's share of it. The block is JSON between two
lines that nobody writes by accident:

    -----BEGIN COVENANT RECOVERY KIT-----
    {"version": 1, "id": …, "made_at": …, "vaults": […], …, "code": "AEAJ-…", "proof": …}
    -----END COVENANT RECOVERY KIT-----
    SHA-256 of the block: 5f1c…

The sum is that of the lines between the two, each with its line feed. Whoever has nothing but paper types the line
``Code:`` of each share into a file of its own: that opens the vault too, once somebody says where it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from covenant.kernel.errors import DamageError, Refusal, UsageError
from covenant.prove.kit import shamir
from covenant.prove.kit.code import Share, grouped, read_code

BEGIN = "-----BEGIN COVENANT RECOVERY KIT-----"
END = "-----END COVENANT RECOVERY KIT-----"
SUM = "SHA-256 of the block:"
CODE = "Code:"
VERSION = 1

_BLOCK = re.compile(rf"^{BEGIN}\n(.*?^){END}\n{SUM} ([0-9a-f]{{64}})\s", re.DOTALL | re.MULTILINE)
_TYPED = re.compile(rf"^\s*{CODE}\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KitRegion:
    """Where a vault lies. ``needs`` are the options of its store that are secrets, and where each was found."""

    name: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KitVault:
    """A vault that the kit opens: its id, and the id of the key object that the kit's password opens."""

    name: str
    id: str
    key: str
    regions: tuple[KitRegion, ...]
    acknowledge: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Everything that recovery begins with. ``password`` opens every vault of it, with Covenant and with restic.

    ``vaults`` is empty where nothing but codes was at hand. ``evidence_keys`` are the public keys of the evidence, in
    hexadecimal, by vault.
    """

    id: str
    password: str = field(repr=False)
    made_at: datetime | None = None
    made_by: str = ""
    policy: str = ""
    """Where ``covenant.toml`` lay when the kit was made."""
    vaults: tuple[KitVault, ...] = ()
    contacts: tuple[str, ...] = ()
    evidence_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    k: int = 1
    n: int = 1


class KitFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a kit: what is public, and one share. It never shows its code."""

    version: int = VERSION
    id: str
    made_at: datetime
    made_by: str = ""
    policy: str = ""
    vaults: tuple[KitVault, ...] = ()
    contacts: tuple[str, ...] = ()
    evidence_keys: dict[str, tuple[str, ...]] = {}
    k: int = 1
    n: int = 1
    proof: str
    """The beginning of a hash of the secret: tells whether shares were put together rightly."""
    code: str

    def __repr__(self) -> str:
        return f"KitFile({self.id}, {self.k} of {self.n})"

    @property
    def share(self) -> Share:
        """The share in it. Raises ``DamageError``."""
        return read_code(self.code)


def password_of(secret: bytes) -> str:
    """The password that a secret stands for, exactly as it is printed."""
    return grouped(secret)


def proof_of(kit: str, secret: bytes) -> str:
    """What tells a rightly combined secret from a wrong one, and nothing else about it."""
    return sha256(b"covenant recovery kit " + bytes.fromhex(kit) + secret).hexdigest()[:16]


def block(file: KitFile, *, indent: int | None = 1) -> str:
    """The block of a file, with its sum; without ``indent`` on one line, for where room is dear."""
    raw = msgspec.json.encode(file)
    text = (raw if indent is None else msgspec.json.format(raw, indent=indent)).decode() + "\n"
    return f"{BEGIN}\n{text}{END}\n{SUM} {sha256(text.encode()).hexdigest()}\n"


def read_kit_file(text: str, name: str) -> KitFile | Share:
    """What a file holds: its part of a kit, or a code that somebody typed. Raises ``UsageError``, ``DamageError``."""
    text = text.replace("\r\n", "\n")
    found = _BLOCK.search(text)
    if found is None:
        if any(mark in text for mark in (BEGIN, END, SUM)):
            raise DamageError(f"the block of '{name}' is not whole", "Take another copy, or type its code.")
        typed = _TYPED.search(text)
        if typed is None:
            raise UsageError(
                f"'{name}' is no recovery kit", f"It has neither the line '{BEGIN}' nor one with '{CODE}'."
            )
        return read_code(typed[1])
    if sha256(found[1].encode()).hexdigest() != found[2]:
        raise DamageError(f"the block of '{name}' does not fit its sum", "Take another copy, or type its code.")
    try:
        file = msgspec.json.decode(found[1], type=KitFile)
    except msgspec.MsgspecError as error:
        raise DamageError(f"the block of '{name}' cannot be read: {error}", "Take another copy.") from error
    if file.version > VERSION:
        raise DamageError(f"'{name}' is of version {file.version}, newer than this program", "Update Covenant.")
    if file.share.kit != file.id:
        raise DamageError(f"'{name}' holds the code of another kit", "Take another copy.")
    return file


def read_kits(files: Sequence[Path]) -> Kit:
    """The kit that these files are, or are the shares of.

    Raises ``UsageError`` for what is no kit, ``DamageError``, and ``Refusal`` where shares are missing or belong to
    different kits.
    """
    read = [read_kit_file(_text(path), str(path)) for path in files]
    if not read:
        raise UsageError("no file of a kit is named", "Name the kit, or as many shares as it asks for.")
    secret, known = _secret([each if isinstance(each, Share) else each.share for each in read]), _public(read)
    if known is None:
        first = read[0]
        assert isinstance(first, Share)  # a file would be known
        return Kit(id=first.kit, password=password_of(secret), k=first.k, n=first.k)
    if known.proof != proof_of(known.id, secret):
        raise DamageError("the shares do not give the secret that was split", "One of them is wrong: try others.")
    names = [name for name in Kit.__dataclass_fields__ if name != "password"]
    return Kit(password=password_of(secret), **{name: getattr(known, name) for name in names})


def _public(read: Sequence[KitFile | Share]) -> KitFile | None:
    """What all files say of the kit; ``None`` where there are only codes."""
    files = [each for each in read if isinstance(each, KitFile)]
    if len({msgspec.json.encode(msgspec.structs.replace(each, code="")) for each in files}) > 1:
        raise Refusal("the files are not shares of one and the same kit", "Take those that were made together.")
    return files[0] if files else None


def _secret(shares: Sequence[Share]) -> bytes:
    """What the shares give together. Raises ``Refusal`` where they cannot."""
    if len({(share.kit, share.k) for share in shares}) > 1:
        kits = ", ".join(sorted({share.kit for share in shares}))
        raise Refusal(f"these are shares of different kits: {kits}", "Take those that were made together.")
    by_person = {share.x: share.part for share in shares}
    needed = shares[0].k
    if 0 in by_person:
        return by_person[0]
    if len(by_person) < needed:
        raise Refusal(
            f"{len(by_person)} of the {needed} shares that kit {shares[0].kit} needs are here",
            f"Bring {needed - len(by_person)} more, of other people.",
        )
    return shamir.combine(by_person)  # more than are needed give the same, unless one of them is wrong


def parts(file: KitFile, secret: bytes, shares: Mapping[int, bytes]) -> list[KitFile]:
    """The files of a kit: one for each share, or a single one with the whole secret where there are none."""
    proved = msgspec.structs.replace(file, proof=proof_of(file.id, secret))
    given = shares or {0: secret}
    return [msgspec.structs.replace(proved, code=Share(file.id, file.k, x, part).code()) for x, part in given.items()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"the kit '{path}' cannot be read: {reason}", "Name the file of the kit.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"'{path}' is no text", "Name the kit's .txt, not what is printed from it.") from error
