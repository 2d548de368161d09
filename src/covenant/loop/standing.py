"""How things stand at one moment: each promise beside what was reached, with the verdict and its reasons.

What is not known is never called kept. A source of which nothing was ever kept waits until its first due moment and
its RPO have passed, and is broken from then on; when it was first due, the first run that was tried says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from covenant.catalog.history import History, Past, SourceHistory, VaultHistory
from covenant.catalog.records import Copies
from covenant.kernel.durations import format_interval
from covenant.kernel.policy import Policy, SourcePolicy, VaultPolicy
from covenant.kernel.standing import (
    Because,
    ChoreStanding,
    RegionStanding,
    SourceStanding,
    Standing,
    VaultStanding,
    Verdict,
    heaviest,
)
from covenant.loop.drills import drill_standing
from covenant.loop.due import CHORES, answered, chore_owed, gap_since, moments, newest_before
from covenant.loop.outlook import (
    Expected,
    expected_age,
    forecast_of,
    last_whole,
    measurements,
    rpo_reasons,
    rto_reasons,
    worst_age,
)
from covenant.loop.proved import verify_reasons, with_proof
from covenant.prove.accounts import KIND, from_json
from covenant.prove.objectives import Measurement

_NOTHING = Past()
_ZERO = timedelta()


def standing(
    policy: Policy, history: History, now: datetime, promised_since: Mapping[str, datetime] | None = None
) -> Standing:
    """Judge everything. ``promised_since`` says since when a source is in the policy, where that is known."""
    begun = _begun(policy, history)
    vaults = {
        each.vault: _vault(each, history.vault(each.vault), begun.get(each.vault), now)
        for each in policy.vaults.values()
    }
    since, took = promised_since or {}, measurements(policy, history)
    sources = tuple(
        _source(
            each,
            history.source(each.source),
            vaults.get(each.vault),
            now,
            since.get(each.source),
            took.get(each.source, []),
        )
        for each in sorted(policy.sources.values(), key=lambda each: (each.priority.value, each.source))
    )
    drills = tuple(drill_standing(each, history, now, since) for each in policy.drills.values())
    verdicts = [each.verdict for each in sources]
    verdicts += [each.verdict for each in vaults.values()]
    verdicts += [each.verdict for each in drills]
    return Standing(at=now, verdict=heaviest(verdicts), sources=sources, vaults=tuple(vaults.values()), drills=drills)


# -- sources ----------------------------------------------------------------------------------------------------------


def _source(
    promised: SourcePolicy,
    past: SourceHistory,
    vault: VaultStanding | None,
    now: datetime,
    since: datetime | None,
    took: list[Measurement],
) -> SourceStanding:
    newest = newest_before(past, now)
    expected, restore = expected_age(promised, past), forecast_of(past, took)
    last = last_whole(took)
    because = (
        (*_reasons(promised, past, vault, newest, now, since, expected), *rto_reasons(promised, restore))
        if promised.covered
        else (_uncovered(promised),)
    )
    failing = _failing(past)
    proof = past.proof
    return SourceStanding(
        source=promised.source,
        system=promised.system,
        vault=promised.vault,
        data_class=promised.data_class,
        tier=promised.tier,
        priority=promised.priority.value,
        verdict=heaviest(each.verdict for each in because),
        because=because,
        rpo=promised.rpo.value,
        rpo_reached=now - newest if newest is not None else None,
        rpo_worst=worst_age(past, newest, now),
        rpo_expected=expected.age if expected is not None else None,
        rto=promised.rto.value,
        rto_estimated=restore.likely if restore is not None else None,
        rto_at_least=restore.low if restore is not None else None,
        rto_at_most=restore.high if restore is not None else None,
        rto_measured=timedelta(seconds=last.seconds) if last is not None else None,
        rto_measured_at=last.at if last is not None else None,
        measurements=len(took),
        window=promised.window.value,
        last_backup=newest,
        last_snapshot_id=past.newest.id if past.newest else "",
        last_failure=failing.failed.message if failing.failed else "",
        failures=failing.failures,
        last_proof=proof.at if proof else None,
        last_proof_verdict=proof.verdict if proof else "",
        copies=promised.copies.value,
        copies_reached=_copies_reached(vault) if newest is not None else None,
        next_due=_next_due(promised, past, now) if promised.covered else None,
        running=past.running.id if past.running else None,
        log_until=past.kinds["log"].time if "log" in past.kinds else None,
    )


def _uncovered(promised: SourcePolicy) -> Because:
    return Because("cover", Verdict.NOT_COVERED, f"this version cannot keep {promised.system} sources yet")


def _reasons(
    promised: SourcePolicy,
    past: SourceHistory,
    vault: VaultStanding | None,
    newest: datetime | None,
    now: datetime,
    since: datetime | None,
    expected: Expected | None,
) -> Iterator[Because]:
    rpo = promised.rpo.value
    if newest is None:
        yield _never(promised, past, now, since)
    elif now - newest > rpo:
        yield Because(
            "rpo",
            Verdict.BROKEN,
            f"the newest backup is {_span(now - newest)} old, promised at most {format_interval(rpo)}",
            "See why with 'covenant runs --failed'; keep it now with 'covenant backup'.",
            newest + rpo,
        )
    else:
        yield from rpo_reasons(promised, expected)
    if past.newest is not None and past.newest.time > now:
        yield Because("rpo", Verdict.AT_RISK, f"a snapshot is dated {past.newest.time:%Y-%m-%d %H:%M}, which is ahead")
    yield from _log_reasons(promised, past, now)
    yield from _failures(past)
    yield from _lacking_copies(promised, vault, newest)
    yield from _proofs(past)


def _log_reasons(promised: SourcePolicy, past: SourceHistory, now: datetime) -> Iterator[Because]:
    """What is the matter with the change log, where it was promised to be followed; told long before the RPO breaks."""
    proof, piece = past.proofs.get("log"), past.kinds.get("log")
    if promised.followed and piece is not None and promised.rpo.value / 2 < now - piece.time <= promised.rpo.value:
        hint = f"See whether 'covenant run' is at work, and 'covenant log status {promised.source}'."
        yield Because("log", Verdict.AT_RISK, "nothing of the change log has come for long", hint, piece.time)
    if not promised.followed or proof is None or proof.verdict == "passed":
        return
    if gap_since(past) is not None:
        hint = f"A full backup begins anew behind it: 'covenant backup {promised.source} --full'."
        yield Because("log", Verdict.BROKEN, f"the change log has a gap: {proof.detail}", hint, proof.at)
    elif proof.verdict != "failed":
        hint = f"See 'covenant log status {promised.source}'."
        yield Because("log", Verdict.AT_RISK, f"the change log: {proof.detail}", hint, proof.at)


def _never(promised: SourcePolicy, past: SourceHistory, now: datetime, since: datetime | None) -> Because:
    first = _first_due(promised, past, since)
    if first is None:
        return Because("rpo", Verdict.AT_RISK, "nothing was ever kept, and nothing tried", "Start 'covenant run'.")
    breaks = first + promised.rpo.value
    if now <= breaks:
        return Because("rpo", Verdict.WAITING, f"nothing is kept yet; promised by {breaks:%Y-%m-%d %H:%M}")
    return Because(
        "rpo", Verdict.BROKEN, "nothing was ever kept", "See why with 'covenant runs --failed'.", since=breaks
    )


def _first_due(promised: SourcePolicy, past: SourceHistory, since: datetime | None) -> datetime | None:
    """The first moment at which a backup was due since the source was promised, as far as anyone knows."""
    if since is not None:
        found = (stated.value.following(since, promised.source) for stated in promised.schedules.values())
        return min((moment for moment in found if moment is not None), default=since)
    tried = [each.failed.due_at or each.failed.started_at for each in past.past.values() if each.failed is not None]
    return min(tried, default=past.running.started_at if past.running else None)


def _failing(past: SourceHistory) -> Past:
    """The kind of backup that failed most often in a row, if none of any kind succeeded since."""
    last_good = max((each.good.id for each in past.past.values() if each.good is not None), default=-1)
    failing = [each for each in past.past.values() if each.failed is not None and each.failed.id > last_good]
    return max(failing, key=lambda each: each.failures, default=_NOTHING)


def _failures(past: SourceHistory) -> Iterator[Because]:
    failing = _failing(past)
    if failing.failed is not None:
        times = f"the last {failing.failures} runs" if failing.failures > 1 else "the last run"
        yield Because(
            "run", Verdict.AT_RISK, f"{times} failed: {failing.failed.message}", failing.failed.hint,
            failing.failed.started_at,
        )  # fmt: skip


def _proofs(past: SourceHistory) -> Iterator[Because]:
    proof = past.proof
    if proof is not None and proof.verdict != "passed":
        verdict = Verdict.BROKEN if proof.verdict == "failed" else Verdict.AT_RISK
        yield Because(
            "proof", verdict, f"the last {proof.kind} {_ended(proof.verdict)}: {proof.detail}", since=proof.at
        )


def _ended(verdict: str) -> str:
    return verdict if verdict == "failed" else "could not be carried out"


def _lacking_copies(promised: SourcePolicy, vault: VaultStanding | None, newest: datetime | None) -> Iterator[Because]:
    wanted = promised.copies.value
    reached = _copies_reached(vault)
    if vault is None or newest is None:
        return
    if reached is None:
        if wanted > vault.acknowledge:
            yield Because("copies", Verdict.AT_RISK, f"{wanted} copies promised, and nobody counted them yet")
        return
    if reached >= wanted:
        return
    lacking = [region for region in vault.regions if not region.whole]
    late = [region for region in lacking if _is_late(region, promised.rpo.value)]
    names = ", ".join(region.region for region in lacking)
    yield Because(
        "copies",
        Verdict.BROKEN if len(vault.regions) - len(late) < wanted else Verdict.AT_RISK,
        f"{reached} of {wanted} promised copies; not whole: {names or 'there are no more regions'}",
        "Run 'covenant region status', then 'covenant region heal'.",
    )


def _is_late(region: RegionStanding, bound: timedelta) -> bool:
    """Whether a region that is not whole is more than a little behind."""
    return not region.reachable or region.damaged > 0 or region.lag is None or region.lag > bound


def _copies_reached(vault: VaultStanding | None) -> int | None:
    if vault is None or all(region.counted_at is None for region in vault.regions):
        return None
    return sum(region.whole for region in vault.regions)


def _next_due(promised: SourcePolicy, past: SourceHistory, now: datetime) -> datetime | None:
    owed = [moment for kind, moment in moments(promised, now).items() if not answered(past, kind, moment, now)]
    if owed:
        return max(owed)
    coming = (stated.value.following(now, promised.source) for stated in promised.schedules.values())
    return min((moment for moment in coming if moment is not None), default=None)


# -- vaults -----------------------------------------------------------------------------------------------------------


def _begun(policy: Policy, history: History) -> dict[str, datetime]:
    """When the oldest snapshot of each vault was taken, as far as its sources tell."""
    found: dict[str, datetime] = {}
    for promised in policy.sources.values():
        oldest = history.source(promised.source).oldest
        if oldest is not None:
            found[promised.vault] = min(oldest, found.get(promised.vault, oldest))
    return found


def _vault(promised: VaultPolicy, past: VaultHistory, begun: datetime | None, now: datetime) -> VaultStanding:
    proof = past.proofs.get(KIND)
    proved = from_json(proof.detail) if proof is not None else {}
    regions = tuple(
        with_proof(_region(name, past.copies.get(name), now), proved.get(name)) for name in promised.regions
    )
    chores = tuple(_chore(promised, past, kind, now) for kind in CHORES if kind in promised.chores)
    because = (
        *_region_reasons(regions),
        *verify_reasons(promised, regions, begun, now),
        *_chore_reasons(chores),
        *_check_reasons(past),
    )
    return VaultStanding(
        vault=promised.vault,
        verdict=heaviest(each.verdict for each in because),
        because=because,
        regions=regions,
        acknowledge=promised.acknowledge.value,
        verify_within=promised.verify_within.value if promised.verify_within is not None else None,
        chores=chores,
    )


def _region(name: str, counted: Copies | None, now: datetime) -> RegionStanding:
    if counted is None:
        return RegionStanding(region=name)
    whole = not counted.missing and not counted.damaged
    lag = _ZERO if whole else now - counted.missing_since if counted.missing_since is not None else None
    return RegionStanding(
        region=name,
        reachable=counted.reachable,
        lag=lag,
        objects=counted.objects,
        bytes=counted.bytes,
        missing=counted.missing,
        damaged=counted.damaged,
        counted_at=counted.at,
    )


def _region_reasons(regions: tuple[RegionStanding, ...]) -> Iterator[Because]:
    for region in regions:
        if region.counted_at is None or region.whole:
            continue
        if not region.reachable:
            text, hint = "does not answer", "If it stays away, see 'covenant region failover'."
        elif region.damaged:
            text, hint = f"holds {region.damaged:,} damaged objects", "Run 'covenant region heal'."
        else:
            behind = f", for {_span(region.lag)}" if region.lag is not None else ""
            text, hint = f"lacks {region.missing:,} objects{behind}", "Run 'covenant region sync'."
        yield Because("region", Verdict.AT_RISK, f"region {region.region} {text}", hint)


def _check_reasons(past: VaultHistory) -> Iterator[Because]:
    for proof in past.proofs.values():
        if proof.verdict != "passed" and proof.kind != KIND:
            verdict = Verdict.BROKEN if proof.verdict == "failed" else Verdict.AT_RISK
            yield Because(
                "proof", verdict, f"the last {proof.kind} {_ended(proof.verdict)}: {proof.detail}", since=proof.at
            )


def _chore(promised: VaultPolicy, past: VaultHistory, kind: str, now: datetime) -> ChoreStanding:
    schedule = promised.chores[kind].value  # type: ignore[index]
    tried = past.past.get(kind, _NOTHING)
    owed = chore_owed(promised, past, kind, now)
    overdue = owed is not None and now - owed > schedule.longest_gap()
    failed = tried.failed.message if tried.failed else ""
    return ChoreStanding(
        kind=kind,
        verdict=Verdict.AT_RISK if failed or overdue else Verdict.KEPT,
        last_done=tried.good.ended_at if tried.good else None,
        next_due=owed or schedule.following(now, promised.vault),
        last_failure=failed,
    )


def _chore_reasons(chores: tuple[ChoreStanding, ...]) -> Iterator[Because]:
    for chore in chores:
        if chore.verdict is not Verdict.KEPT:
            why = f"failed: {chore.last_failure}" if chore.last_failure else "is overdue"
            yield Because("chore", chore.verdict, f"{chore.kind} {why}", "See 'covenant runs --failed'.")


def _span(length: timedelta) -> str:
    return format_interval(timedelta(seconds=max(1, int(length.total_seconds()))))
