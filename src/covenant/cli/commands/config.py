"""``covenant config``: what covenant.toml says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from covenant.cli import exits, formats
from covenant.cli.command import command, family
from covenant.cli.output import as_dicts, json_text
from covenant.cli.session import Session

config = family("config", "Check covenant.toml, show what it comes to, and print its schema for editors.")


@command("check", "covenant config check", "covenant -c site.toml config check --json", exits=(0, 1, 2), group=config)
def check(session: Session) -> int:
    """Check covenant.toml, and name every mistake in it with its line.

    What can be followed but should be known, such as a password file that others can read, is a finding.
    """
    settings = session.required_settings()
    output = session.output
    sources, vaults = len(settings.sources), len(settings.vaults)
    output.say(
        f"{settings.path}: {formats.counted(sources, 'source')}, {formats.counted(vaults, 'vault')}, can be followed"
    )
    output.document({"path": str(settings.path), "valid": True, "findings": as_dicts(settings.findings)})
    return exits.FINDINGS if settings.findings else exits.DONE


@command("show", "covenant config show", "covenant config show --json", exits=(0, 2), group=config)
def show(session: Session) -> None:
    """Show every value that is in force, and which line or default supplied it. Secrets appear as where they are."""
    from covenant.settings.show import show as effective

    shown = effective(session.required_settings())
    session.output.table(("Key", "Value", "From"), _rows(shown))
    session.output.document(shown)


@command("schema", "covenant config schema > covenant.schema.json", exits=(0, 2), group=config)
def schema(session: Session) -> None:
    """Print the JSON Schema of covenant.toml, with which editors complete and check while one types."""
    import json

    from covenant.settings.schema import schema as described

    session.output.result(json.dumps(described(), indent=2))
    session.output.document(described())


def _rows(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, str]]:
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict) and set(value) == {"value", "origin"}:
            plain = value["value"]
            yield name, plain if isinstance(plain, str) else json_text(plain), value["origin"]
        elif isinstance(value, dict):
            yield from _rows(value, name)
