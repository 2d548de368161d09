"""``covenant verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli.command import OPENING, command
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.bootstrap.verifying import Choose


@command(
    "verify",
    "covenant verify",
    "covenant verify --region attic",
    "covenant verify --due",
    "covenant verify --sample 5%",
    exits=(*OPENING, 1),
)
@click.option(
    "--region", "regions", multiple=True, metavar="NAME", help="Only this region; may be given several times."
)
@click.option("--all", "everything", is_flag=True, help="Everything, what was not read for longest first; the default.")
@click.option("--due", is_flag=True, help="Only what the promise asks for today.")
@click.option("--sample", metavar="SHARE", help="Only a random share of the objects: '5%'.")
def verify(session: Session, regions: tuple[str, ...], everything: bool, due: bool, sample: str | None) -> int:
    """Read copies back in every region, and compare every byte with the hash that is its name.

    Packs are opened in one region, too, and each of their blobs is proved; the same hash says the same of the others.
    Whatever was read is remembered, also when it is stopped: 'covenant status' shows how much is proved, how recently.
    A region that does not answer has not passed. Damaged copies are mended by 'covenant region heal'.
    """
    from covenant.cli import proving

    if sum((everything, due, sample is not None)) > 1:
        raise UsageError("more than one of '--all', '--due' and '--sample' is given", "Give one of them.")
    return proving.verify(session, regions, _choice(session, due, sample))


def _choice(session: Session, due: bool, sample: str | None) -> Choose:
    from covenant.bootstrap import verifying
    from covenant.cli.proving import TODAY, within

    if due:
        return verifying.what_is_due(session.clock.now(), within(session), TODAY)
    if sample is not None:
        from random import Random

        return verifying.a_sample(_share(sample), Random())
    return verifying.everything


def _share(text: str) -> float:
    """A share in percent, as a fraction. Raises ``UsageError``."""
    number = text.removesuffix("%").strip()
    try:
        share = float(number) / 100
    except ValueError:
        share = 0.0
    if not (0 < share <= 1 and text.endswith("%")):
        raise UsageError(f"'{text}' is no share", "Write it in percent: '5%'.")
    return share
