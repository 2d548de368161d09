"""``covenant key``: the passwords that open the vault."""

from __future__ import annotations

from covenant.cli.command import command, family
from covenant.cli.session import Session

key = family("key", "List, add, remove and change the passwords that open the vault.")


@command("list", "covenant key list", "covenant key list --json", group=key)
def list_(session: Session) -> None:
    """List the vault's keys, one for each password; '*' marks the one that was opened just now."""
    from covenant.vault.keys import list_keys

    with session.opened() as opened:
        keys, current = list_keys(opened.reading), opened.vault.key_id
    session.output.table(
        ("", "ID", "User", "Host", "Created"),
        (
            ("*" if key_id == current else "", key_id[:8], each.username, each.hostname, each.created[:19])
            for key_id, each in keys
        ),
    )
    session.output.document(
        {
            "keys": [
                {
                    "id": key_id,
                    "username": each.username,
                    "hostname": each.hostname,
                    "created": each.created,
                    "current": key_id == current,
                }
                for key_id, each in keys
            ]
        }
    )
