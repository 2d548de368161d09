"""``covenant version``."""

from __future__ import annotations

import platform

from covenant import __version__
from covenant.cli.command import command
from covenant.cli.session import Session


@command("version", "covenant version", "covenant version --json", exits=(0, 2))
def version(session: Session) -> None:
    """Say which version of Covenant this is, and on what it runs."""
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    session.output.result(f"covenant {__version__} (Python {python} on {system}, vault format 2)")
    session.output.document({"version": __version__, "python": python, "system": system, "vault_format": 2})
