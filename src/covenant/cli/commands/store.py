"""``covenant store``: the place where a vault's objects lie."""

from __future__ import annotations

from dataclasses import asdict

from covenant.cli import exits
from covenant.cli.command import command, family
from covenant.cli.session import Session

store = family("store", "Find out what a store is worth.")


@command(
    "validate",
    "covenant --vault s3:https://s3.example.com/bucket/vault -o region=eu store validate",
    "covenant store validate --json",
    exits=(0, 1, 2, 20, 130),
    group=store,
)
def validate(session: Session) -> int:
    """Ask a store every promise that a vault builds on, and measure whether it is immutable.

    Small objects are stored in a folder of their own and removed again; no vault and no password is needed. A canary
    is stored, written over and deleted: the store is labelled by what happened, 'worm', 'governance' or 'none'.
    """
    from covenant import bootstrap
    from covenant.kernel.answers import Result

    report = bootstrap.validate_store(session.opener(session.place()), session.clock)
    output = session.output
    output.table(
        ("Promise", "Result", "Detail"),
        ((answer.question, str(answer.result), answer.detail) for answer in report.answers),
    )
    for trial in report.immutability.trials:
        output.say(f"canary: {trial.attempt}: {trial.outcome}" + (f" ({trial.detail})" if trial.detail else ""))
    output.say(f"immutability: {report.immutability.label}")
    for name in report.left_behind:
        output.say(f"left behind: {name}")
    output.document({**asdict(report), "failed": report.failed})
    unsure = any(answer.result is Result.FAILED for answer in report.answers)
    return exits.FINDINGS if unsure or report.left_behind else exits.DONE
