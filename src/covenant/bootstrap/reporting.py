"""The report of a drill as files: for a browser, for paper, and the record itself with what vouches for it.

    drill-monthly-2026-11-02-3f9a2c11.json      the record, byte by byte as it is kept
    ….html  ….pdf                               written from it
    ….sig  ….pem                                the Ed25519 signature over the bytes of the .json, and its public key
    ….sha256                                    the sums of all of them, as ``sha256sum --check`` reads them

``openssl pkeyutl -verify -pubin -inkey ….pem -rawin -in ….json -sigfile ….sig`` checks it. The key is that of the
vault's evidence, so that whoever trusts the one can trust the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.kernel.errors import TargetError
from covenant.prove.report.shown import day
from covenant.prove.report.story import Signed
from covenant.prove.telling import from_json

if TYPE_CHECKING:
    from covenant.prove.evidence.signing import Signer
    from covenant.prove.record import DrillRecord
    from covenant.prove.report.past import Past

FORMS = ("html", "pdf")


def report_files(
    text: str,
    past: Iterable[Past],
    forms: Collection[str],
    signer: Signer | None,
    missed: Iterable[datetime] = (),
) -> dict[str, bytes]:
    """Every file of a report, by its name. ``text`` is the record as it is kept. Raises ``DamageError``.

    ``missed`` are moments at which a drill of its level was promised and none was held; later ones are left out.
    """
    record, raw = from_json(text), text.encode()
    signed = None if signer is None else Signed(signer.public, signer.sign(raw).hex())
    name, digest, drills = _name(record), sha256(raw).hexdigest(), list(past)
    lacking = [due for due in missed if due < record.began_at]
    files = {f"{name}.json": raw}
    if "html" in forms:
        from covenant.prove.report.html import report_html

        files[f"{name}.html"] = report_html(record, drills, digest, signed, lacking).encode()
    if "pdf" in forms:
        from covenant.prove.report.pdf import report_pdf

        files[f"{name}.pdf"] = report_pdf(record, drills, digest, signed, lacking)
    if signed is not None:
        files[f"{name}.sig"] = bytes.fromhex(signed.signature)
        files[f"{name}.pem"] = _pem(signed.key)
    sums = "".join(f"{sha256(content).hexdigest()}  {each}\n" for each, content in files.items())
    return {**files, f"{name}.sha256": sums.encode()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write them, each whole or not at all. Raises ``TargetError``."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            aside = folder / f".{name}.new"
            aside.write_bytes(content)
            written.append(aside.replace(folder / name))
    except OSError as error:
        raise TargetError(
            f"{folder} cannot be written: {error.strerror or error}", "Name another folder with '-o'."
        ) from error
    return written


def _pem(key: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _name(record: DrillRecord) -> str:
    """What its files are called; an id that somebody else chose is no path."""
    known = re.sub(r"[^A-Za-z0-9]", "", record.id)[:8] or "unnamed"
    return f"drill-{record.level}-{day(record.began_at)}-{known}"
