"""``covenant key``: the passwords that open the vault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covenant.cli.command import OPENING, command, family
from covenant.cli.session import Session
from covenant.cli.witnessing import note

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault

key = family("key", "List, add, remove and change the passwords that open the vault.")


def _new_password(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where a new password is."""
    for flag, about in (
        ("--new-password-command", "This program prints the new password."),
        ("--new-password-file", "The new password is in this file."),
    ):
        kind = click.Path(path_type=Path) if flag.endswith("file") else str
        metavar = flag.rpartition("-")[2].upper()
        function = click.option(flag, flag[2:].replace("-", "_"), type=kind, metavar=metavar, help=about)(function)
    return function


@command("list", "covenant key list", "covenant key list --json", group=key)
def list_(session: Session) -> None:
    """List the vault's keys, one for each password; '*' marks the one that was opened just now."""
    from covenant.vault.passwords import list_passwords

    with session.opened() as opened:
        keys = list_passwords(opened.vault)
    session.output.table(
        ("", "ID", "User", "Host", "Created"),
        (("*" if each.current else "", each.id[:8], each.username, each.hostname, each.created[:19]) for each in keys),
    )
    session.output.document({"keys": [asdict(each) for each in keys]})


@command("add", "covenant key add", "covenant key add --new-password-file ~/.second-password", group=key)
@_new_password
def add(session: Session, new_password_file: Path | None, new_password_command: str | None) -> None:
    """Let another password open the vault too."""
    from covenant.vault.keys import calibrate
    from covenant.vault.passwords import add_password

    with session.opened("shared") as opened:
        password = session.new_password(new_password_file, new_password_command)
        opened.confirm()
        key_id = add_password(opened.vault, opened.appending, password, calibrate(), **_whose(session, opened))
    session.output.say(f"added key {key_id[:8]}")
    session.output.document({"id": key_id})


@command("remove", "covenant key remove 437f2bc6", exits=(*OPENING, 22), group=key)
@click.argument("id")
def remove(session: Session, id: str) -> None:
    """Let a password open the vault no more. The last one and the one in use are refused.

    Whoever has opened the vault with it may have kept its master key: against them, copy into a new vault.
    """
    from covenant.vault.passwords import find_password, remove_password

    with session.opened("exclusive") as opened:
        key_id = find_password(opened.vault, id).id
        note(session, "key-remove", key=key_id)
        remove_password(opened.vault, opened.whole, key_id)
    session.output.say(f"removed key {key_id[:8]}")
    session.output.document({"id": key_id})


@command("passwd", "covenant key passwd", "covenant key passwd --new-password-file ~/.new-password", group=key)
@_new_password
def passwd(session: Session, new_password_file: Path | None, new_password_command: str | None) -> None:
    """Put a new password in the place of the one in use. Killed in between, both open the vault."""
    from covenant.vault.keys import calibrate
    from covenant.vault.passwords import change_password

    with session.opened("exclusive") as opened:
        password = session.new_password(new_password_file, new_password_command)
        note(session, "key-passwd", key=opened.vault.key_id)
        key_id = change_password(opened.vault, opened.whole, password, calibrate(), **_whose(session, opened))
    session.output.say(f"changed the password; its key is {key_id[:8]}")
    session.output.document({"id": key_id})


def _whose(session: Session, opened: OpenVault) -> dict[str, Any]:
    """Who made a key, and when."""
    owner = opened.owner
    return {"created": session.clock.now(), "username": owner.username, "hostname": owner.hostname}
