"""Making recovery kits and trying them: a password of their own in each vault, and files for people."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.kernel.answers import Answer, Result
from covenant.kernel.errors import CovenantError, TargetError
from covenant.prove.evidence.keeping import sure_signers
from covenant.prove.kit import shamir
from covenant.prove.kit.code import SECRET_SIZE
from covenant.prove.kit.kit import Kit, KitFile, KitRegion, KitVault, parts, password_of
from covenant.prove.kit.text import kit_text
from covenant.vault.keys import CHEAPEST
from covenant.vault.passwords import add_password

if TYPE_CHECKING:
    from covenant.bootstrap import Opener, OpenVault
    from covenant.kernel.clock import Clock
    from covenant.settings.secrets import SecretRef


_SECRET = re.compile("(secret|token|password|passphrase|key)$", re.IGNORECASE)
"""The names of options whose values are never written down, though somebody may have typed them."""
_SAID = "the command line"


@dataclass(frozen=True, slots=True)
class Described:
    """A vault that a kit shall open: opened, and its regions' addresses and options as they were written down."""

    name: str
    opened: OpenVault
    regions: Sequence[tuple[str, str, Mapping[str, str | SecretRef]]]
    acknowledge: int


@dataclass(frozen=True, slots=True)
class Order:
    """What kind of kit is wanted: any ``k`` of ``n`` people, or 1 of 1 for all of it in one hand."""

    k: int = 1
    n: int = 1
    policy: str = ""
    contacts: tuple[str, ...] = ()


def make(vaults: Sequence[Described], order: Order, clock: Clock) -> list[KitFile]:
    """A new kit, one file for each person. From here on its password opens the vaults.

    The password has 160 bits of chance in it: hashing it at more than the least cost would make nothing safer.

    Where one of several vaults fails, the error names the keys that the others have by then.
    """
    secret = os.urandom(SECRET_SIZE)
    shares = shamir.split(secret, order.k, order.n, os.urandom) if order.n > 1 else {}
    made: list[KitVault] = []
    for each in vaults:
        try:
            made.append(_let_in(each, password_of(secret), clock))
        except CovenantError as error:
            if made:
                left = ", ".join(f"{vault.key[:8]} of vault '{vault.name}'" for vault in made)
                error.hint = f"{error.hint} No kit was made: remove the keys {left}.".strip()
            raise
    owner = vaults[0].opened.owner
    file = KitFile(
        id=os.urandom(4).hex(),
        made_at=clock.now(),
        made_by=f"{owner.username}@{owner.hostname}",
        policy=order.policy,
        vaults=tuple(made),
        contacts=order.contacts,
        evidence_keys={each.name: _evidence_keys(each) for each in vaults},
        k=order.k,
        n=order.n,
        proof="",
        code="",
    )
    return parts(file, secret, shares)


def _let_in(described: Described, password: str, clock: Clock) -> KitVault:
    opened = described.opened
    opened.confirm()
    key = add_password(
        opened.vault,
        opened.appending,
        password,
        CHEAPEST,
        created=clock.now(),
        username="recovery-kit",
        hostname=opened.owner.hostname,
    )
    regions = tuple(_region(*region) for region in described.regions)
    return KitVault(
        name=described.name,
        id=opened.vault.config.id,
        key=key,
        regions=regions,
        acknowledge=described.acknowledge,
    )


def _region(name: str, url: str, options: Mapping[str, str | SecretRef]) -> KitRegion:
    """A region without its secrets: only where each of them was found."""
    open_ = {key: value for key, value in options.items() if isinstance(value, str) and not _SECRET.search(key)}
    hidden = {key: str(value) if not isinstance(value, str) else _SAID for key, value in options.items()}
    return KitRegion(
        name=name, url=url, options=open_, needs={key: where for key, where in hidden.items() if key not in open_}
    )


def _evidence_keys(described: Described) -> tuple[str, ...]:
    return tuple(signer.public for signer in sure_signers(described.opened.vault))


def make_room(folder: Path) -> None:
    """Make the folder for a kit and see that it can be written, before any vault is opened to a new password."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".kit-", dir=folder)
        os.close(descriptor)
        os.unlink(name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TargetError(
            f"no kit can be written to '{folder}': {reason}", "Nothing was made. Name another."
        ) from error


def write(files: Sequence[KitFile], folder: Path) -> Iterator[Path]:
    """Write the text and the PDF of each file, for their owner alone; none that is there is written over."""
    from covenant.prove.kit.printing import kit_pdf

    for file in files:
        name = f"kit-{file.id}" + (f"-share-{file.share.x}" if file.n > 1 else "")
        for ending, content in ((".txt", kit_text(file).encode()), (".pdf", kit_pdf(file))):
            path = folder / f"{name}{ending}"
            _put(path, content)
            yield path


def _put(path: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "Remove the keys that were made for it ('covenant key list'), and make a new kit elsewhere."
        raise TargetError(f"the kit '{path}' cannot be written: {reason}", hint) from error


def tried(kit: Kit, vault: KitVault, region: str, opener: Opener, clock: Clock) -> Answer:
    """Whether the kit opens a vault in one region."""
    from covenant.bootstrap import open_vault

    began = clock.monotonic()
    question = f"does the kit open vault '{vault.name}' in region {region}?"

    def answer(result: Result, detail: str) -> Answer:
        return Answer(question, result, detail, clock.monotonic() - began)

    try:
        opened = open_vault(opener, kit.password, clock, None)
    except CovenantError as error:
        certain = type(error).__name__ in ("WrongPassword", "VaultMissing", "DamageError")
        return answer(Result.FAILED if certain else Result.COULD_NOT_VERIFY, error.message)
    if opened.vault.config.id != vault.id:
        return answer(Result.FAILED, f"another vault lies there: {opened.vault.config.id[:16]}")
    return answer(Result.PASSED, f"opened by key {opened.vault.key_id[:8]}")
