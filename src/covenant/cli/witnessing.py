"""Evidence from the command line: what people do by hand is noted before it is done, and sealed with what else was.

Only where there is a catalog: it is made by the first ``covenant run``, or by ``covenant evidence export``. A catalog
that cannot be used never keeps anyone from acting, least of all in a disaster; but it is said that nothing was noted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.cli.output import json_text
from covenant.cli.session import Session
from covenant.kernel.errors import CatalogError, UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.catalog.records import Entry


def note(session: Session, kind: str, subject: str = "", **facts: Any) -> None:
    """Note what is about to be done, or has been, in the journal of the vault that is meant."""
    name = session.vault_name
    if not name or not _catalog_is_there(session):
        return
    from covenant.bootstrap import this_process
    from covenant.catalog.records import Entry

    who = this_process()
    entry = Entry(
        at=session.clock.now(),
        kind=kind,
        subject=subject or name,
        actor=f"{who.username}@{who.hostname}",
        text=json_text(facts),
        vault=name,
    )
    try:
        with session.catalog() as catalog:
            catalog.note(entry)
    except CatalogError as error:
        hint = f"It was done all the same. {error.hint}".strip()
        session.output.findings([Finding("not-in-evidence", kind, error.message, hint)])


def note_by_hand(session: Session, kind: str, subject: str, text: str, actor: str | None) -> Entry:
    """Note what somebody says, in the journal of the vault that is meant. Raises ``UsageError``, ``CatalogError``."""
    from covenant.bootstrap import this_process
    from covenant.catalog.records import Entry

    name = session.vault_name
    if not name:
        raise UsageError("no covenant.toml speaks of that vault", "Name one of covenant.toml: its catalog keeps notes.")
    who = this_process()
    by = f"{who.username}@{who.hostname}"
    facts = {"text": text, **({"by": by} if actor else {})}
    entry = Entry(
        at=session.clock.now(), kind=kind, subject=subject, actor=actor or by, text=json_text(facts), vault=name
    )
    with session.catalog() as catalog:
        return catalog.note(entry)


def _catalog_is_there(session: Session) -> bool:
    place = session.catalog_place
    return "://" in place or Path(place).exists()


@contextlib.contextmanager
def vaults_up_to_date(session: Session) -> Iterator[dict[str, OpenVault]]:
    """The vaults that are meant, opened, with all that is to be sealed in them sealed."""
    from covenant.bootstrap import witnessing
    from covenant.settings.policy import policy_of

    with contextlib.ExitStack() as stack:
        named = session.said.vault is not None or (session.said.config is None and session.environment.vault)
        name = session.vault_name if named else ""
        if named and not name:  # a vault of which no covenant.toml speaks: as it is
            yield {"default": stack.enter_context(session.read())}
            return
        settings = session.required_settings()
        policy = policy_of(settings)
        opened: dict[str, OpenVault] = {}
        with session.catalog() as catalog:
            for each in [name] if name else settings.vaults:
                place = session.place_of(settings.vaults[each])
                opened[each] = stack.enter_context(session.opened("shared", place))
                witnessing.bring_up_to_date(catalog, each, opened[each], policy)
        yield opened
