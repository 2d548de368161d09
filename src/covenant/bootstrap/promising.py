"""What was promised, kept in the vault beside what it was promised for.

A machine that is gone takes its ``covenant.toml`` along, and with it which source goes first, how soon it must be back
and what must be asked of it then. So the text lies in every vault that it speaks of, sealed like a page of the journal:

    {"at": …, "vault": its name in the file, "path": where the file lay, "text": the file}

A secret is never in it, for ``covenant.toml`` names only where secrets are. A page is added when the text has changed.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from covenant.kernel.errors import ConfigError
from covenant.kernel.findings import Finding
from covenant.vault.journal import read_pages, write_page
from covenant.vault.names import POLICY

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.settings.values import Settings
    from covenant.vault.vault import Vault

_REMEMBERED = "policy"
"""The file in the cache that says which text lies in the vault already."""


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """The policy as a vault keeps it: since when, under which name of the vault, and where its file lay."""

    at: datetime
    vault: str
    path: str
    text: str

    def settings(self) -> Settings:
        """What it says. Raises ``ConfigError`` where this version cannot follow it."""
        from covenant.settings.file import parse

        return parse(self.text, Path(self.path))


class Found(NamedTuple):
    """The newest policy that a vault keeps, ``None`` where it keeps none, and what is the matter with others."""

    newest: Promised | None
    findings: list[Finding]


def keep_promises(opened: OpenVault, settings: Settings, name: str) -> bool:
    """Have the policy lie in the vault, called ``name`` in it, as its file says it now; whether it was added."""
    try:
        text = settings.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # It was read a moment ago and is gone: what lies in the vault stays.
    page = Promised(at=opened.clock.now(), vault=name, path=str(settings.path), text=text)
    if _remembered(opened) == _fingerprint(page):
        return False
    before = kept_promises(opened.vault).newest
    added = before is None or _fingerprint(before) != _fingerprint(page)
    if added:
        if before is not None:  # a clock that ran ahead once must not decide for ever which one is the newest
            page = msgspec.structs.replace(page, at=max(page.at, before.at + timedelta.resolution))
        write_page(opened.vault, opened.appending, msgspec.json.encode(page), POLICY)
    _remember(opened, page)
    return added


def kept_promises(vault: Vault) -> Found:
    """The policy that a vault keeps."""
    texts, findings = read_pages(vault, POLICY)
    pages = []
    for text in texts:
        try:
            pages.append(msgspec.json.decode(text, type=Promised))
        except msgspec.MsgspecError as error:
            findings.append(Finding("policy-unknown", POLICY, f"a page cannot be understood: {error}"))
    return Found(max(pages, key=lambda page: page.at, default=None), findings)


def understood(found: Found) -> tuple[Settings | None, list[Finding]]:
    """What the newest policy says, or why nothing is known of it."""
    if found.newest is None:
        hint = "Nobody knows what goes first, nor how soon; the order is that of the names."
        return None, [*found.findings, Finding("policy-missing", POLICY, "the vault keeps no policy", hint)]
    try:
        return found.newest.settings(), found.findings
    except ConfigError as error:
        hint = "Take the version of Covenant that wrote it; the data comes back all the same."
        return None, [*found.findings, Finding("policy-unknown", found.newest.path, error.message, hint)]


def _fingerprint(page: Promised) -> str:
    return sha256("\0".join((page.vault, page.path, page.text)).encode()).hexdigest()


def _remembered(opened: OpenVault) -> str:
    with contextlib.suppress(OSError, ValueError):
        return _memory(opened).read_text()
    return ""


def _remember(opened: OpenVault, page: Promised) -> None:
    with contextlib.suppress(OSError):
        _memory(opened).parent.mkdir(parents=True, exist_ok=True)
        _memory(opened).write_text(_fingerprint(page))


def _memory(opened: OpenVault) -> Path:
    """Where this machine remembers it for this vault and this address; losing it costs a few requests."""
    address = sha256(opened.vault.url.encode()).hexdigest()[:16]
    return opened.vault.cache / f"{_REMEMBERED}-{address}" if opened.vault.cache else Path(os.devnull)
