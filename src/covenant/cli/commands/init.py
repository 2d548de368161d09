"""``covenant init``."""

from __future__ import annotations

from covenant.cli.command import OPENING, command
from covenant.cli.session import Session


@command(
    "init",
    "covenant --vault /srv/vault --password-file ~/.vault-password init",
    "covenant --vault s3:https://s3.example.com/bucket/vault -o region=eu init",
    exits=(*(code for code in OPENING if code not in (10, 11, 12)), 14, 22),
)
def init(session: Session) -> None:
    """Make a new, empty vault.

    Its folder is made if need be. At a terminal, without a password file, the password is asked for twice. Nobody
    can open the vault without it, not even we: keep a copy where a fire does not reach both. A store that claims to
    be immutable is measured first, with a canary, and refused if it is not.
    """
    from covenant import bootstrap
    from covenant.bootstrap import storing, terms

    place = session.place()
    opener = session.opener(place)
    password = session.password(place, twice=True)
    found = terms.measured(opener, session.clock)
    opened = bootstrap.create_vault(opener, password, session.clock, session.cache)
    config = opened.vault.config
    session.output.say(f"made vault {config.id[:8]} at {opened.vault.url}")
    session.keep_promises(opened)
    for region in storing.promise_archiving(opener):
        session.output.say(f"the bucket of region {region} archives files' content at its age")
    if found:
        terms.record_labels(opened, found, session.clock)
    labels = {region: measured.label for region, measured in found.items()}
    for region, label in labels.items():
        session.output.say(f"immutability of region {region}, measured: {label}")
    session.output.document(
        {"id": config.id, "url": opened.vault.url, "version": config.version, "immutability": labels}
    )
