"""``covenant objectives``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli import exits
from covenant.cli.command import command
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.kernel.standing import SourceStanding


@command(
    "objectives", "covenant objectives", "covenant objectives media", "covenant objectives --json",
    exits=(0, 1, 2, 30, 31),
)  # fmt: skip
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
def objectives(session: Session, sources: tuple[str, ...]) -> int:
    """Hold the RPO and the RTO that were promised against what was measured, for every class and source.

    The RTO is forecast for today's data from what restores and drills took, with how far that may be out; without a
    measurement it is unknown. Ends with 1 where an objective is broken.
    """
    from covenant.cli import objectives_screen
    from covenant.loop.promised import promised_since
    from covenant.loop.standing import standing
    from covenant.settings.policy import policy_of

    policy, now = policy_of(session.required_settings()), session.clock.now()
    for name in sources:
        if name not in policy.sources:
            raise UsageError(f"there is no source '{name}'", f"There are: {', '.join(policy.sources) or 'none'}.")
    with session.catalog() as catalog:
        stand = standing(policy, catalog.history(now), now, promised_since(catalog))
    chosen = [each for each in stand.sources if not sources or each.source in sources]
    objectives_screen.show(session.output, chosen)
    return exits.FINDINGS if any(map(_broken, chosen)) else exits.DONE


def _broken(source: SourceStanding) -> bool:
    return any(why.promise in ("rpo", "rto") and why.verdict == "broken" for why in source.because)
