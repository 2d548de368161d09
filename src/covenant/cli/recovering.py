"""Recovery from nothing, and what is said about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from covenant.cli import exits, formats
from covenant.cli.beginning import Beginning, beginnings
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.signals import Stop, until_stopped
from covenant.kernel.answers import Result
from covenant.kernel.findings import Finding
from covenant.prove.recovery import stood

if TYPE_CHECKING:
    from covenant.bootstrap.returning import Returned
    from covenant.cli.commands.recover import Asked
    from covenant.prove.record import Measured, SourceDrill
    from covenant.prove.recovery import Recovery

_COLUMNS = ("Source", "Class", "As of", "Files", "Size", "Back after", "RTO", "Age", "RPO", "Answers", "Result")
_RIGHT = (3, 4, 5, 7)


def from_nothing(session: Session, asked: Asked) -> int:
    """Recover everything; returns the exit code, by the worst that anything came to."""
    from covenant.bootstrap.recovering import Bare, recover_bare

    since = session.clock.now()

    def work(stop: Stop) -> int:
        codes = [exits.DONE]
        for begin in beginnings(session, asked.kits):
            session.output.findings(begin.findings)
            codes.append(_report(session, one(begin, stop), begin.findings))
        return exits.FINDINGS if exits.FINDINGS in codes else max(codes)

    def one(begin: Beginning, stop: Stop) -> Recovery:
        return recover_bare(
            Bare(
                opener=begin.opener,
                password=begin.password,
                target=asked.target.absolute() / begin.folder,
                clock=session.clock,
                since=since,
                sources=asked.sources,
                at=asked.at,
                overwrite=asked.overwrite,
                thaw=asked.thaw,
                thaw_days=asked.thaw_days,
                lanes=session.lanes,
                hold="none" if session.said.no_lock else "shared",
                cache=session.cache,
                variables=session.environment.variables,
                progress=session.progress,
                told=lambda returned: session.output.say(_line(returned)),
                stop=stop.event,
            )
        )

    return until_stopped(session.output, work)


def _line(returned: Returned) -> str:
    source, place = returned.source, f"{returned.place} of {returned.of}"
    if source.why_not:
        return f"{place}: {source.source} is not back: {source.why_not}"
    took = sum(step.seconds for step in source.steps)
    return f"{place}: {source.source} is back in {formats.seconds(took)}, below {returned.folder}"


def _report(session: Session, done: Recovery, before: tuple[Finding, ...]) -> int:
    output = session.output
    output.table(_COLUMNS, (_row(source) for source in done.sources), right=_RIGHT)
    for step in done.steps:
        output.say(f"{step.name}: {formats.seconds(step.seconds)}")
    took = formats.seconds((done.ended_at - done.began_at).total_seconds())
    back = sum(not source.why_not for source in done.sources)
    went_on = ", going on where an earlier run stopped" if done.resumed else ""
    output.say(f"{back} of {formats.counted(len(done.sources), 'source')} back in {took}{went_on}: {done.result}")
    output.findings(done.findings)
    output.document(_document(done, before))
    if done.result is Result.COULD_NOT_VERIFY:
        return exits.UNVERIFIED
    return exits.DONE if done.result is Result.PASSED and not (done.findings or before) else exits.FINDINGS


def _row(source: SourceDrill) -> tuple[str, ...]:
    right = sum(answer.result is Result.PASSED for answer in source.answers)
    return (
        source.source,
        source.data_class or "-",
        formats.local(source.moment) if source.moment else "-",
        formats.number(source.files),
        formats.size(source.bytes),
        *_beside(source.rto, seconds=True),
        *_beside(source.rpo),
        f"{right} of {len(source.answers)} right",
        str(stood(source)),
    )


def _beside(measured: Measured, *, seconds: bool = False) -> tuple[str, str]:
    """What was reached, and what was promised with whether it was kept; ``-`` where either is not known."""
    if measured.reached is None:
        return "-", _length(measured.promised) if measured.promised else "-"
    reached = formats.seconds(measured.reached.total_seconds()) if seconds else formats.age(measured.reached)
    verdict = "kept" if measured.result is Result.PASSED else "MISSED"
    return reached, f"{_length(measured.promised)} {verdict}"


def _length(promised: timedelta) -> str:
    return formats.age(promised)


def _document(done: Recovery, before: tuple[Finding, ...]) -> dict[str, Any]:
    import msgspec

    from covenant.prove.telling import encoded

    said: dict[str, Any] = msgspec.json.decode(encoded(done))
    said["result"] = done.result
    for source, shown in zip(done.sources, said["sources"], strict=True):
        shown["result"] = stood(source)
        for name in ("rto", "rpo"):
            measured: Measured = getattr(source, name)
            shown[name] = {
                "promised_seconds": measured.promised.total_seconds() or None,
                "reached_seconds": None if measured.reached is None else measured.reached.total_seconds(),
                "result": measured.result,
            }
    return {**said, "findings": as_dicts((*before, *done.findings))}
