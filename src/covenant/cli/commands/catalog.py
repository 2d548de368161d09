"""``covenant catalog``: the record of what was done, which is rebuilt from the vaults when it is lost."""

from __future__ import annotations

import contextlib
from dataclasses import asdict

from covenant.cli import exits
from covenant.cli.command import OPENING, command, family
from covenant.cli.output import as_dicts
from covenant.cli.session import Session

catalog = family("catalog", "Show, upgrade and rebuild the record of what was done.")

_EXITS = (0, 2, 30, 31, 130)


@command("show", "covenant catalog show", "covenant catalog show --json", exits=_EXITS, group=catalog)
def show(session: Session) -> None:
    """Show where the catalog lies, its schema, and how much it remembers."""
    with session.catalog() as opened:
        place, schema, counts = opened.place, opened.schema, opened.counts()
    session.output.result(f"{place}, schema {schema}")
    session.output.table(("What", "Number"), ((name, str(number)) for name, number in counts.items()), right=(1,))
    session.output.document({"place": place, "schema": schema, "counts": counts})


@command("upgrade", "covenant catalog upgrade", exits=_EXITS, group=catalog)
def upgrade(session: Session) -> None:
    """Bring the catalog's schema up to this program's. Stop every daemon that uses it first."""
    from covenant.catalog.migrating import upgrade as carry_out

    before, after = carry_out(session.catalog_place)
    changed = f"upgraded the catalog from schema {before or '(none)'} to {after}"
    session.output.say(changed if before != after else f"the catalog has schema {after} already")
    session.output.document({"before": before, "after": after})


@command(
    "rebuild",
    "covenant catalog rebuild",
    "mv catalog.db catalog.db.damaged; covenant catalog rebuild",
    exits=(*OPENING, 1, 30, 31),
    group=catalog,
)
def rebuild(session: Session) -> int:
    """Fill the catalog from every vault of covenant.toml: snapshots, ended runs, proofs and the journal.

    What the catalog knows already stays as it is, so this may be run at any time.
    """
    from covenant.bootstrap import remembering

    settings = session.required_settings()
    with session.catalog() as opened, contextlib.ExitStack() as stack:
        vaults = {
            name: stack.enter_context(session.opened("none", session.place_of(vault))).vault
            for name, vault in settings.vaults.items()
        }
        found = remembering.rebuild(opened, vaults, session.clock.now())
        place = opened.place
    session.output.findings(found.findings)
    session.output.say(
        f"rebuilt {place}: {found.snapshots} snapshots, {found.runs} runs, {found.proofs} proofs, "
        f"{found.entries} lines of the journal that it did not know"
    )
    session.output.document({**asdict(found), "findings": as_dicts(found.findings), "place": place})
    return exits.FINDINGS if found.findings else exits.DONE
