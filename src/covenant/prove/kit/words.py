"""What stands on a kit, in words: the same for the file and for the paper that is printed from it.

Whoever reads it may never have heard of Covenant, may be alone at night, and may have nothing but this page.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from covenant.prove.kit.kit import CODE, KitFile, KitRegion, KitVault, password_of

PROGRAM = """\
import base64
typed = input("All codes, one after another: ").upper().replace("-", "")
codes = typed.translate(str.maketrans("018", "OIB")).split()
power, log, p = [1] * 510, [0] * 256, 1
for e in range(255):
    power[e] = power[e + 255] = p
    log[p], p = e, (p ^ p << 1) ^ (0x11B if p > 127 else 0)
raw = [base64.b32decode(code) for code in codes]
secret = bytearray(20)
for a in raw:
    w = 0
    for b in raw:
        w += log[b[6]] - log[b[6] ^ a[6]] if b != a else 0
    for i, y in enumerate(a[7:27]):
        secret[i] ^= power[(log[y] + w) % 255] if y else 0
text = base64.b32encode(bytes(secret)).decode()
print("-".join(text[i:i + 4] for i in range(0, 32, 4)))
"""
"""Puts the shares together where there is no Covenant; it stands on every share, and a test runs it as it stands."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it. Lines are paragraphs; those in ``typed`` are typed as they stand."""

    title: str
    lines: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


def title(file: KitFile) -> str:
    """What it is."""
    part = f", share {file.share.x} of {file.n}" if file.n > 1 else ""
    return f"Recovery kit {file.id}{part}"


def made(file: KitFile) -> str:
    """When and by whom it was made."""
    by = f" by {file.made_by}" if file.made_by else ""
    return f"Made on {file.made_at:%d %B %Y, %H:%M} UTC{by}"


def sections(file: KitFile) -> Iterator[Section]:
    """All of it, in the order in which it is needed."""
    yield _about(file)
    yield _secret(file)
    yield from map(_where, file.vaults)
    yield _with_covenant(file)
    if file.n > 1:
        yield _together(file)
    yield _with_restic(file)
    yield _whom(file)
    yield _afterwards(file)
    yield _evidence(file)


def _about(file: KitFile) -> Section:
    kept = ", ".join(f"'{vault.name}'" for vault in file.vaults)
    lines = [f"With this, everything in the backup vault {kept} can be brought back onto an empty machine."]
    if file.n > 1:
        lines.append(
            f"It is one of {file.n} shares. Any {file.k} of them together open the vault; fewer tell nothing at all. "
            "Keep it where you alone can reach it, and do not copy it to where another share lies."
        )
    else:
        lines.append(
            "Whoever holds it can read everything that was ever backed up. Keep it like the key to a safe, away from "
            "the machines that it stands for."
        )
    return Section("What this is", tuple(lines))


def _secret(file: KitFile) -> Section:
    if file.n > 1:
        return Section("The secret: your share of it", ("Letters A to Z and digits 2 to 7.",), (f"{CODE} {file.code}",))
    password = password_of(file.share.part)
    lines = ("The password of the vault, hyphens included; and the same with a checksum, for 'covenant'.",)
    return Section("The secret", lines, (f"Password: {password}", f"{CODE} {file.code}"))


def _where(vault: KitVault) -> Section:
    lines = [f"Vault id {vault.id[:16]}, a repository in restic's format. Any one of these places is enough:"]
    for region in vault.regions:
        lines.append(f"{region.name}: {region.url}{_options(region)}")
        lines += [
            f"{region.name} needs {option}, which was found in: {where}" for option, where in region.needs.items()
        ]
    return Section(f"Where vault '{vault.name}' lies", tuple(lines))


def _options(region: KitRegion) -> str:
    said = ", ".join(f"{name} = {value}" for name, value in region.options.items())
    return f" ({said})" if said else ""


def _with_covenant(file: KitFile) -> Section:
    names = [f"share-{number}.txt" for number in range(1, file.k + 1)] if file.n > 1 else ["kit.txt"]
    kits = " ".join(f"--kit {name}" for name in names)
    paper = (
        f"Have the kit's file (.txt) at hand. From paper, type the line that begins with '{CODE}' of each share into a "
        "file of its own, and put '--vault ADDRESS' behind the word 'covenant'."
    )
    return Section(
        "Bring everything back with Covenant",
        ("Take a machine with Debian 12 or Ubuntu and Python 3.11 or newer, and disk for everything.", paper),
        (
            "pip install memory-covenant",
            f"covenant recover --bare {kits} --target /srv/recovered",
        ),
        (
            "Everything comes back below that folder, the most important first, and is proved whole.",
            "If a place does not answer, or its credentials are gone, the others are used.",
        ),
    )


def _together(file: KitFile) -> Section:
    about = f"'covenant kit password FILE…' says it; so does this program, of any {file.k} codes, with Python alone:"
    return Section("The password, put together from shares", (about,), tuple(PROGRAM.splitlines()))


def _with_restic(file: KitFile) -> Section:
    first = file.vaults[0].regions[0] if file.vaults else None
    typed = (
        f"export RESTIC_REPOSITORY={shlex.quote(restic_address(first)) if first else 'ADDRESS'}",
        "read -r RESTIC_PASSWORD && export RESTIC_PASSWORD",
        "restic snapshots",
        "restic restore latest --target /srv/recovered",
    )
    about = "Any restic from 0.14 on reads the vault. The second line waits for the password."
    keys = "For S3 the credentials are expected in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    return Section("The same without Covenant", (about, keys) if first and first.needs else (about,), typed)


def restic_address(region: KitRegion) -> str:
    """A region's address as restic writes it."""
    kind, slashes, rest = region.url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if not slashes:
        return region.url
    if kind == "s3":
        host = region.options.get("endpoint", "s3.amazonaws.com").removesuffix("/")
        return f"s3:{host}/{rest}"
    return {"gs": f"gs:{bucket}:/{prefix}", "az": f"azure:{bucket}:/{prefix}"}.get(kind, region.url)


def _whom(file: KitFile) -> Section:
    nobody = ("Nobody is named: write contacts into [readiness] of covenant.toml, and make a new kit.",)
    return Section("Whom to call, in this order", file.contacts or nobody)


def _afterwards(file: KitFile) -> Section:
    keys = ", ".join(f"'covenant key remove {vault.key[:8]}' in vault '{vault.name}'" for vault in file.vaults)
    lines = (
        "Once a year: 'covenant kit verify FILE…' opens every place with it; an annual drill brings everything back.",
        f"If a share is lost or somebody leaves, make a new kit, and let this one open nothing any more: {keys}.",
    )
    return Section("Look after it", lines)


def _evidence(file: KitFile) -> Section:
    keys = [f"{vault}: {key}" for vault, keys in file.evidence_keys.items() for key in keys]
    if not keys:
        return Section("Public key of the evidence", ("There was no evidence yet when this was made.",))
    return Section(
        "Public key of the evidence",
        ("With it anyone can verify what was done: 'covenant evidence verify FILE --public-key KEY'.",),
        tuple(keys),
    )
