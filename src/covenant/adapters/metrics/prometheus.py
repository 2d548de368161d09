"""How things stand, as Prometheus reads it.

Names and units follow Prometheus' conventions: seconds, bytes, ``_total`` for what only grows. What is not known has no
sample rather than a zero, so that nothing unknown looks well, and its absence can be alerted on. Labels are the names
in ``covenant.toml`` and fixed words, never ids, paths or messages: there are as many series as there are things kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from covenant.adapters.metrics.families import Families
from covenant.kernel.standing import DrillStanding, RegionStanding, SourceStanding, Standing, VaultStanding, Verdict
from covenant.respond.alert import State
from covenant.respond.condition import Severity

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_GOOD = (Verdict.KEPT, Verdict.AT_RISK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The runs of one subject and kind: how many ended in which state, and the last that did what it was for."""

    subject: str
    kind: str
    ended: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    """How long the last good one took."""
    bytes: int | None = None
    """How much it read."""
    stored_bytes: int | None = None
    """How much it stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that is shown."""

    version: str
    standing: Standing
    tallies: tuple[Tally, ...] = ()
    alerts: State = field(default_factory=State)


def render(scene: Scene) -> str:
    """The scene in Prometheus' text format, ready for a scrape or for the textfile collector."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Shown(Collector):
        """All families of one scene."""

        def collect(self) -> Iterable[Metric]:
            return families(scene)

    registry = CollectorRegistry()
    registry.register(Shown())
    return generate_latest(registry).decode()


def families(scene: Scene) -> Iterable[Metric]:
    """Every family that is shown, also those that have no sample at this moment."""
    found = Families()
    found.gauge("covenant_build_info", "The version that is running; always 1.", {"version": scene.version}, 1)
    found.gauge("covenant_standing_timestamp_seconds", "When all this was found out.", {}, scene.standing.at)
    _name_all(found)
    for source in scene.standing.sources:
        _source(found, source)
    for vault in scene.standing.vaults:
        _vault(found, vault)
    for drill in scene.standing.drills:
        _drill(found, drill)
    for tally in scene.tallies:
        _runs(found, tally)
    _alerts(found, scene.alerts)
    return found.all()


SOURCE = {
    "covenant_promise_kept": "1 where every promise to the source is kept, 0 where one is broken or none is covered.",
    "covenant_verdict": "1 for the verdict that holds: kept, waiting, not covered, at risk, broken.",
    "covenant_rpo_promised_seconds": "How much may be lost.",
    "covenant_rpo_reached_seconds": "The age of the newest good snapshot: what would be lost now.",
    "covenant_rpo_worst_seconds": "The longest time that a newest backup had to stand for until the next was there.",
    "covenant_rpo_expected_seconds": "How old the newest backup will be at the most, by how long backups take.",
    "covenant_rto_promised_seconds": "How long a restore may take.",
    "covenant_rto_estimated_seconds": "How long a restore of today's data would probably take, as measured so far.",
    "covenant_rto_at_most_seconds": "How long it would take at the most.",
    "covenant_rto_measured_seconds": "How long the last restore of all of it took.",
    "covenant_last_backup_timestamp_seconds": "When the newest good snapshot was taken.",
    "covenant_last_proof_timestamp_seconds": "When the source was last proved by reading or restoring.",
    "covenant_next_due_timestamp_seconds": "When the next backup is due.",
    "covenant_failures": "Runs that failed since the last good one.",
    "covenant_running": "1 while a run is at work on the source.",
    "covenant_copies_promised": "In how many regions the source must lie.",
    "covenant_copies": "In how many regions everything of its vault is known to lie.",
}
VAULT = {
    "covenant_vault_verdict": "1 for the verdict that holds for the vault.",
    "covenant_vault_survives_regions": "The loss of how many regions at once nothing acknowledged would notice.",
    "covenant_region_up": "1 where the region answered when it was last counted.",
    "covenant_region_lag_seconds": "For how long the object that waits longest for the region has been missing there.",
    "covenant_region_objects": "Objects of the vault in the region.",
    "covenant_region_bytes": "Bytes of the vault in the region.",
    "covenant_region_missing_objects": "Objects of the vault that are missing in the region.",
    "covenant_region_damaged_objects": "Objects of the vault that are damaged in the region.",
    "covenant_region_counted_timestamp_seconds": "When the region was last counted.",
    "covenant_region_proved_ratio": "How much of the region's bytes was read back within the promised time.",
    "covenant_region_proved_timestamp_seconds": "Since when the copy waits to be read back that waits longest.",
    "covenant_region_unsound_objects": "Copies that reading back found damaged.",
    "covenant_region_verify_promised_seconds": "The time in which every byte of the region is read back.",
    "covenant_chore_last_timestamp_seconds": "When the vault's chore was last done.",
}
DRILLS = {
    "covenant_drill_verdict": "1 for the verdict that holds for the drills of a level.",
    "covenant_drill_missed": "Drills that were due since the last one, and not held.",
    "covenant_drill_last_timestamp_seconds": "When the last drill of the level was held, whatever it came to.",
    "covenant_drill_next_due_timestamp_seconds": "When the next drill of the level is due.",
}
RUNS = {
    "covenant_runs_total": "Runs that ended, by the state in which they did.",
    "covenant_run_duration_seconds": "How long the last good run took.",
    "covenant_run_bytes": "How much the last good run read.",
    "covenant_run_stored_bytes": "How much the last good run stored.",
}
ALERTS = {
    "covenant_alerts": "Conditions that are wrong now, by severity.",
    "covenant_channel_failures": "Messages in a row that a channel did not take; none where it takes them.",
}
_ABOUT = {**SOURCE, **VAULT, **DRILLS, **RUNS, **ALERTS}


def _name_all(found: Families) -> None:
    for name, about in _ABOUT.items():
        if not name.endswith("_total"):
            found.gauge(name, about, {}, None)


def _drill(found: Families, drill: DrillStanding) -> None:
    labels = {"level": drill.level}
    for name, value in (
        ("covenant_drill_missed", len(drill.missed)),
        ("covenant_drill_last_timestamp_seconds", drill.last_held),
        ("covenant_drill_next_due_timestamp_seconds", drill.next_due),
    ):
        found.gauge(name, _ABOUT[name], labels, value)
    name = "covenant_drill_verdict"
    found.gauge(name, _ABOUT[name], {**labels, "verdict": drill.verdict.value}, 1)


def _source(found: Families, source: SourceStanding) -> None:
    labels = {"source": source.source, "vault": source.vault, "class": source.data_class}
    # Neither kept nor broken is known of a source that waits for its first backup: no sample.
    kept = None if source.verdict is Verdict.WAITING else float(source.verdict in _GOOD)
    for name, value in (
        ("covenant_promise_kept", kept),
        ("covenant_rpo_promised_seconds", source.rpo),
        ("covenant_rpo_reached_seconds", source.rpo_reached),
        ("covenant_rpo_worst_seconds", source.rpo_worst),
        ("covenant_rpo_expected_seconds", source.rpo_expected),
        ("covenant_rto_promised_seconds", source.rto),
        ("covenant_rto_estimated_seconds", source.rto_estimated),
        ("covenant_rto_at_most_seconds", source.rto_at_most),
        ("covenant_rto_measured_seconds", source.rto_measured),
        ("covenant_last_backup_timestamp_seconds", source.last_backup),
        ("covenant_last_proof_timestamp_seconds", source.last_proof),
        ("covenant_next_due_timestamp_seconds", source.next_due),
        ("covenant_failures", source.failures),
        ("covenant_running", float(source.running is not None)),
        ("covenant_copies_promised", source.copies),
        ("covenant_copies", source.copies_reached),
    ):
        found.gauge(name, _ABOUT[name], labels, value)
    found.gauge("covenant_verdict", _ABOUT["covenant_verdict"], {**labels, "verdict": source.verdict.value}, 1)


def _vault(found: Families, vault: VaultStanding) -> None:
    labels = {"vault": vault.vault}
    verdict = {**labels, "verdict": vault.verdict.value}
    found.gauge("covenant_vault_verdict", _ABOUT["covenant_vault_verdict"], verdict, 1)
    name = "covenant_vault_survives_regions"
    found.gauge(name, _ABOUT[name], labels, vault.survives)
    for region in vault.regions:
        _region(found, region, {**labels, "region": region.region})
        name = "covenant_region_verify_promised_seconds"
        found.gauge(name, _ABOUT[name], {**labels, "region": region.region}, vault.verify_within)
    for chore in vault.chores:
        name = "covenant_chore_last_timestamp_seconds"
        found.gauge(name, _ABOUT[name], {**labels, "chore": chore.kind}, chore.last_done)


def _region(found: Families, region: RegionStanding, labels: Mapping[str, str]) -> None:
    known = region.counted_at is not None
    for name, value in (
        ("covenant_region_up", None if region.reachable is None else float(region.reachable)),
        ("covenant_region_lag_seconds", region.lag),
        ("covenant_region_objects", region.objects if known else None),
        ("covenant_region_bytes", region.bytes if known else None),
        ("covenant_region_missing_objects", region.missing if known else None),
        ("covenant_region_damaged_objects", region.damaged if known else None),
        ("covenant_region_counted_timestamp_seconds", region.counted_at),
        ("covenant_region_proved_ratio", region.proved),
        ("covenant_region_proved_timestamp_seconds", region.proved_since),
        ("covenant_region_unsound_objects", None if region.proved is None else region.unsound),
    ):
        found.gauge(name, _ABOUT[name], labels, value)


def _runs(found: Families, tally: Tally) -> None:
    labels = {"subject": tally.subject, "kind": tally.kind}
    for state, count in tally.ended.items():
        found.counter("covenant_runs_total", _ABOUT["covenant_runs_total"], {**labels, "state": state}, count)
    for name, value in (
        ("covenant_run_duration_seconds", tally.seconds),
        ("covenant_run_bytes", tally.bytes),
        ("covenant_run_stored_bytes", tally.stored_bytes),
    ):
        found.gauge(name, _ABOUT[name], labels, value)


def _alerts(found: Families, state: State) -> None:
    present = [alert for alert in state.alerts.values() if alert.gone is None]
    for severity in Severity:
        count = sum(alert.condition.severity is severity for alert in present)
        found.gauge("covenant_alerts", _ABOUT["covenant_alerts"], {"severity": severity.word}, count)
    for channel, health in state.failing.items():
        name = "covenant_channel_failures"
        found.gauge(name, _ABOUT[name], {"channel": channel}, health.failures)
