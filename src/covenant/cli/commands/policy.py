"""``covenant policy``: what was promised, which line promised it, and whether it can be kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits, formats
from covenant.cli.command import command, family
from covenant.cli.session import Session
from covenant.kernel.durations import format_interval
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.kernel.policy import Policy, SourcePolicy, VaultPolicy

policy = family("policy", "Show what was promised, explain which line promised it, and check that it can be kept.")


@command("show", "covenant policy show", "covenant policy show media --json", exits=(0, 2), group=policy)
@click.argument("source", required=False)
def show(session: Session, source: str | None) -> None:
    """Show what was promised for every source, or for one."""
    from covenant.settings.show import plain

    promised = _policy(session)
    chosen = [_named(promised, source)] if source else list(promised.sources.values())
    columns = ("Source", "Kind", "Class", "Tier", "RPO", "RTO", "Window", "Copies", "Schedules", "Keeps")
    session.output.table(columns, [_row(each) for each in chosen])
    vaults = [each for name, each in promised.vaults.items() if name in {source.vault for source in chosen}]
    session.output.table(("Vault", "Regions", "Acknowledge", "Read back in", "Chores"), map(_vault_row, vaults))
    session.output.document(
        {
            "sources": {each.source: _document(each, plain) for each in chosen},
            "vaults": {each.vault: _vault_document(each, plain) for each in vaults},
        }
    )


@command("explain", "covenant policy explain media", exits=(0, 2), group=policy)
@click.argument("source")
def explain(session: Session, source: str) -> None:
    """Explain what holds for a source: which line gave each value, what it was laid over, and what is due next."""
    from covenant.kernel.explaining import explain as explained
    from covenant.kernel.explaining import explain_vault as explained_vault
    from covenant.settings.show import plain

    promised = _policy(session)
    chosen = _named(promised, source)
    now = session.clock.now()
    due = {kind: each.value.following(now, source) for kind, each in chosen.schedules.items()}
    values = (*explained(chosen), *explained_vault(promised.vaults[chosen.vault]))
    rows = [
        (each.key, _text(plain(each.value)), each.origin, "; ".join(f"{_text(plain(v))}, {o}" for v, o in each.over))
        for each in values
    ]
    session.output.table(("Key", "Value", "From", "Laid over"), rows)
    for kind, moment in due.items():
        if moment is not None:
            session.output.say(f"next {kind}: {formats.local(moment)} ({chosen.schedules[kind]})")
    if not chosen.covered:
        session.output.say(f"not covered: this version cannot keep a source of kind '{chosen.system}'")
    session.output.document(
        {
            "source": source,
            "covered": chosen.covered,
            "values": [
                {
                    "key": each.key,
                    "value": plain(each.value),
                    "origin": each.origin,
                    "over": [{"value": plain(value), "origin": origin} for value, origin in each.over],
                }
                for each in values
            ],
            "next": due,
        }
    )


@command("check", "covenant policy check", "covenant policy check --json", exits=(0, 1, 2), group=policy)
def check(session: Session) -> int:
    """Check that what was promised can be kept, and say what this version does not cover.

    Whatever contradicts itself is told with the lines involved and the smallest change that mends it.
    """
    from covenant.kernel.contradictions import contradictions
    from covenant.kernel.coverage import coverage

    promised, output = _policy(session), session.output
    found = contradictions(promised)
    uncovered = [each for each in coverage(promised) if not each.covered]
    for each in found:
        output.result(f"{each.subject}: {each.reason} [{each.rule}]")
        output.result(f"  from {'; '.join(each.origins)}")
        output.result(f"  MEND: {each.mend}")
    for cover in uncovered:
        output.say(f"not covered: {cover.subject}: {cover.why}")
    counted = formats.counted(len(promised.sources), "source")
    output.say(f"{counted}, {formats.counted(len(found), 'contradiction')}, {len(uncovered)} not covered")
    output.document(
        {
            "sources": len(promised.sources),
            "contradictions": [{**asdict(each), "mend": asdict(each.mend)} for each in found],
            "not_covered": [asdict(each) for each in uncovered],
        }
    )
    return exits.FINDINGS if found else exits.DONE


def _policy(session: Session) -> Policy:
    from covenant.settings.policy import policy_of

    return policy_of(session.required_settings())


def _named(policy: Policy, name: str) -> SourcePolicy:
    if name not in policy.sources:
        raise UsageError(f"there is no source '{name}'", f"There are: {', '.join(policy.sources) or 'none'}.")
    return policy.sources[name]


def _row(source: SourcePolicy) -> tuple[str, ...]:
    from covenant.settings.show import plain

    return (
        source.source,
        source.system if source.covered else f"{source.system} (not covered)",
        source.data_class,
        source.tier or "-",
        _text(plain(source.rpo.value)),
        _text(plain(source.rto.value)),
        _text(plain(source.window.value)),
        str(source.copies),
        "; ".join(f"{kind} {schedule}" for kind, schedule in source.schedules.items()),
        str(source.keep) if source.keep else "everything",
    )


def _document(source: SourcePolicy, plain: Any) -> dict[str, Any]:
    from covenant.kernel.explaining import explain as explained

    return {
        "kind": source.system,
        "covered": source.covered,
        "class": source.data_class,
        "tier": source.tier,
        "vault": source.vault,
        **{each.key: {"value": plain(each.value), "origin": each.origin} for each in explained(source)},
    }


def _vault_row(vault: VaultPolicy) -> tuple[str, ...]:
    return (
        vault.vault,
        ", ".join(vault.regions),
        str(vault.acknowledge),
        format_interval(vault.verify_within.value) if vault.verify_within is not None else "-",
        "; ".join(f"{kind} {stated}" for kind, stated in vault.chores.items()),
    )


def _vault_document(vault: VaultPolicy, plain: Any) -> dict[str, Any]:
    from covenant.kernel.explaining import explain_vault as explained

    return {
        "regions": list(vault.regions),
        **{each.key: {"value": plain(each.value), "origin": each.origin} for each in explained(vault)},
    }


def _text(value: Any) -> str:
    if value is None:
        return "never"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
