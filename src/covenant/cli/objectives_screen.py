"""Objectives beside what was measured: by source, by class, and why one is not plainly kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from covenant.cli import formats
from covenant.cli.output import Output, clean
from covenant.kernel.durations import format_interval
from covenant.kernel.standing import SourceStanding, Verdict, heaviest
from covenant.prove.objectives import Forecast, outlook

_SOURCES = (
    "Source", "Class", "RPO", "Reached", "Worst", "Expected", "RPO is", "RTO", "Measured", "Forecast", "From", "RTO is",
)  # fmt: skip
_CLASSES = ("Class", "Sources", "RPO", "Worst", "RPO is", "RTO", "Longest forecast", "RTO is")
UNKNOWN = "unknown"


def show(output: Output, sources: Sequence[SourceStanding]) -> None:
    """Show them, or write the document."""
    output.table(_SOURCES, map(_row, sources))
    classes = [(name, tuple(found)) for name, found in groupby(sorted(sources, key=_class), key=_class)]
    output.table(_CLASSES, (_class_row(name, found) for name, found in classes))
    together = everything(sources)
    if len(sources) > 1:
        output.say(f"all of these one after the other: {_known(together, _spelled)}")
    for source in sources:
        for why in source.because:
            if why.promise in ("rpo", "rto", "cover"):
                output.result(clean(f"{source.source}: {why.verdict}: {why}"))
    output.document(
        {
            "sources": [_document(each) for each in sources],
            "classes": {name: _class_document(found) for name, found in classes},
            "one_after_the_other": _forecast_document(together),
        }
    )


def rpo_verdict(source: SourceStanding) -> Verdict | None:
    """What can be said of an RPO; ``None`` where nothing was ever kept, and nobody knows."""
    if source.rpo_reached is None and source.verdict is not Verdict.BROKEN:
        return None
    return heaviest(why.verdict for why in source.because if why.promise == "rpo")


def rto_verdict(source: SourceStanding) -> Verdict | None:
    """What can be said of an RTO; ``None`` where no restore was ever measured."""
    return outlook(source.rto, forecast_of(source))


def forecast_of(source: SourceStanding) -> Forecast | None:
    """The forecast, put together again."""
    low, likely, high = source.rto_at_least, source.rto_estimated, source.rto_at_most
    if low is None or likely is None or high is None:
        return None
    return Forecast(low, likely, high, source.measurements)


def everything(sources: Sequence[SourceStanding]) -> Forecast | None:
    """How long it takes to restore them one after the other, as after a disaster; ``None`` where one is not known."""
    found = [forecast_of(each) for each in sources]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    low, likely, high = (sum((each[at] for each in map(_parts, known)), timedelta()) for at in range(3))
    return Forecast(low, likely, high, sum(each.measurements for each in known))


def _parts(expected: Forecast) -> tuple[timedelta, timedelta, timedelta]:
    return expected.low, expected.likely, expected.high


def _class(source: SourceStanding) -> str:
    return source.data_class


def _row(source: SourceStanding) -> tuple[str, ...]:
    return (
        source.source,
        source.data_class,
        format_interval(source.rpo),
        _known(source.rpo_reached, formats.age),
        _known(source.rpo_worst, formats.age),
        _known(source.rpo_expected, formats.age),
        _verdict(rpo_verdict(source)),
        format_interval(source.rto),
        _known(source.rto_measured, short),
        _known(forecast_of(source), _spelled),
        formats.counted(source.measurements, "restore"),
        _verdict(rto_verdict(source)),
    )


def _class_row(name: str, sources: Sequence[SourceStanding]) -> tuple[str, ...]:
    worst = _most(each.rpo_worst for each in sources)
    longest = _most(each.rto_at_most for each in sources)
    return (
        name,
        str(len(sources)),
        format_interval(min(each.rpo for each in sources)),
        _known(worst, formats.age),
        _verdict(_together(map(rpo_verdict, sources))),
        format_interval(min(each.rto for each in sources)),
        _known(longest, short),
        _verdict(_together(map(rto_verdict, sources))),
    )


def _together(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """The heaviest; where all others are kept and one is not known, that one."""
    found = list(verdicts)
    worst = heaviest(each for each in found if each is not None)
    return None if worst is Verdict.KEPT and None in found else worst


def _most(lengths: Iterable[timedelta | None]) -> timedelta | None:
    """The longest of those that are known, if all are."""
    found = list(lengths)
    return max((each for each in found if each is not None), default=None) if None not in found else None


def short(length: timedelta) -> str:
    """A length of time that may be below a second."""
    return formats.seconds(length.total_seconds())


def _spelled(expected: Forecast) -> str:
    return f"{short(expected.likely)} ({short(expected.low)} to {short(expected.high)})"


def _verdict(verdict: Verdict | None) -> str:
    return UNKNOWN if verdict is None else str(verdict)


def _known(value: Any, spell: Callable[[Any], str]) -> str:
    return "?" if value is None else spell(value)


def _document(source: SourceStanding) -> dict[str, Any]:
    expected = forecast_of(source)
    return {
        "source": source.source,
        "class": source.data_class,
        "rpo": {
            "promised": source.rpo,
            "reached": source.rpo_reached,
            "worst": source.rpo_worst,
            "expected": source.rpo_expected,
            "verdict": _verdict(rpo_verdict(source)),
        },
        "rto": {
            "promised": source.rto,
            "measured": source.rto_measured,
            "measured_at": source.rto_measured_at,
            "forecast": _forecast_document(expected),
            "measurements": source.measurements,
            "verdict": _verdict(rto_verdict(source)),
        },
        "because": [
            {"promise": why.promise, "verdict": why.verdict, "text": why.text, "hint": why.hint}
            for why in source.because
            if why.promise in ("rpo", "rto", "cover")
        ],
    }


def _forecast_document(expected: Forecast | None) -> dict[str, timedelta] | None:
    if expected is None:
        return None
    return {"low": expected.low, "likely": expected.likely, "high": expected.high}


def _class_document(sources: Sequence[SourceStanding]) -> dict[str, Any]:
    return {
        "sources": [each.source for each in sources],
        "rpo": _verdict(_together(map(rpo_verdict, sources))),
        "rto": _verdict(_together(map(rto_verdict, sources))),
    }
