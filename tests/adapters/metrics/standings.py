"""Standings in which everything is known, and in which nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from covenant.adapters.metrics.prometheus import Scene, Tally
from covenant.kernel.standing import (
    ChoreStanding,
    DrillStanding,
    RegionStanding,
    SourceStanding,
    Standing,
    VaultStanding,
    Verdict,
)
from covenant.respond.alert import Alert, Health, State
from covenant.respond.condition import Condition, Severity

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_source(name: str, verdict: Verdict = Verdict.BROKEN) -> SourceStanding:
    """A source of which everything is known."""
    return SourceStanding(
        source=name,
        system="files",
        vault="main",
        data_class="critical",
        priority=1,
        verdict=verdict,
        rpo=HOUR,
        rpo_reached=6 * HOUR,
        rpo_worst=7 * HOUR,
        rpo_expected=8 * HOUR,
        rto=4 * HOUR,
        rto_estimated=HOUR,
        rto_at_least=HOUR / 2,
        rto_at_most=2 * HOUR,
        rto_measured=HOUR,
        rto_measured_at=NOW - HOUR,
        measurements=3,
        window=timedelta(days=7),
        last_backup=NOW - 6 * HOUR,
        failures=3,
        last_proof=NOW - timedelta(days=1),
        copies=3,
        copies_reached=2,
        next_due=NOW + HOUR,
        running=7,
    )


def a_new_source(name: str = "new") -> SourceStanding:
    """A source of which nothing is known yet."""
    return SourceStanding(
        source=name,
        system="files",
        vault="main",
        data_class="critical",
        priority=1,
        verdict=Verdict.WAITING,
        rpo=HOUR,
        rto=HOUR,
        window=HOUR,
        copies=1,
    )


def a_vault() -> VaultStanding:
    """A vault with a whole region, and one that lags."""
    return VaultStanding(
        vault="main",
        verdict=Verdict.AT_RISK,
        acknowledge=2,
        verify_within=timedelta(days=30),
        regions=(
            RegionStanding(
                region="north",
                reachable=True,
                lag=timedelta(),
                objects=100,
                bytes=5000,
                counted_at=NOW,
                proved=0.75,
                proved_since=NOW - 12 * HOUR,
                unsound=2,
            ),
            RegionStanding(
                region="south",
                reachable=True,
                lag=2 * HOUR,
                objects=90,
                bytes=4000,
                missing=9,
                damaged=1,
                counted_at=NOW,
            ),
        ),
        chores=(ChoreStanding(kind="prune", verdict=Verdict.KEPT, last_done=NOW - HOUR),),
    )


def a_drill() -> DrillStanding:
    """Monthly drills, of which two were missed."""
    return DrillStanding(
        level="monthly", what="restore", verdict=Verdict.BROKEN, last_held=NOW, missed=(NOW, NOW), next_due=NOW
    )


def a_scene(*sources: SourceStanding) -> Scene:
    """A scene in which every metric has a sample."""
    condition = Condition(key="source/orders/rpo", severity=Severity.CRITICAL, subject="source 'orders'", text="late")
    return Scene(
        version="1.2.3",
        standing=Standing(
            at=NOW,
            verdict=Verdict.BROKEN,
            sources=sources or (a_source("orders"),),
            vaults=(a_vault(),),
            drills=(a_drill(),),
        ),
        tallies=(Tally(subject="orders", kind="full", ended={"done": 4}, seconds=2.5, bytes=10, stored_bytes=5),),
        alerts=State(
            {condition.key: Alert(condition=condition, reached={Severity.CRITICAL: NOW})},
            {"pager": Health(4, NOW, NOW, "no connection")},
        ),
    )
