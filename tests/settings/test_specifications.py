"""Every number and rule of the two specifications stands in the policy that is shipped for it.

Each row is the specification's sentence, the path to it in the effective settings, and the value there.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from covenant.kernel.contradictions import contradictions
from covenant.kernel.coverage import coverage
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.settings.schema import schema
from covenant.settings.show import show

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLATFORMS = ("studiovault", "music-platform")

STUDIOVAULT: list[tuple[str, str, Any]] = [
    ("2.1 metadata is critical and lies in D1", "sources.metadata.kind", "d1"),
    ("2.1 metadata goes first", "sources.metadata.priority", 1),
    ("2.2 media lies in R2", "sources.media.kind", "bucket"),
    ("2.2 media is of high value", "sources.media.priority", 2),
    ("2.3 audit logs have a class of their own", "sources.audit.class", "audit"),
    ("2.3 audit logs: security events, approvals, refunds", "audit.events", ["security", "approvals", "refunds"]),
    ("2.3 audit logs have a retention policy", "audit.retention", "365w"),
    ("3A daily automated snapshots", "sources.metadata.schedule.full", "0 2 * * *"),
    ("3A 7 days rolling for Free and Standard: kept", "sources.metadata.retention.keep_within", "7d"),
    ("3A 7 days rolling for Free and Standard: promised", "sources.metadata.window", "1w"),
    ("3A extendable in enterprise tiers: kept", "sources.metadata-enterprise.retention.keep_within", "90d"),
    ("3A extendable in enterprise tiers: promised", "sources.metadata-enterprise.window", "90d"),
    ("3A RPO at most 24 hours", "sources.metadata.rpo", "1d"),
    ("3A RTO at most 4 hours", "sources.metadata.rto", "4h"),
    ("3A isolated backup storage", "vaults.default.regions.primary.url", "s3://studiovault-backup-weur/covenant"),
    ("3A restore requires the Org Owner", "authorisation.restore", "org-owner"),
    ("3B lifecycle to archival tiers", "vaults.default.regions.archive.storage_class", "STANDARD_IA"),
    ("3B deleted project media enters the Trash", "trash.covers", ["project", "media"]),
    ("4 in the Trash for 30 days", "trash.window", "30d"),
    ("4 recoverable by Owner and Admin", "trash.recover", ["owner", "admin"]),
    ("4 media and metadata permanently removed", "trash.removes", ["media", "metadata"]),
    ("5 grace of 7 days", "dunning.grace", "1w"),
    ("5 delivery portal frozen after grace", "dunning.freeze_portal", True),
    ("5 uploads blocked", "dunning.block_uploads", True),
    ("5 day 45: final warning", "dunning.warn_on_day", 45),
    ("5 day 45: one-click Export ZIP", "dunning.export_on_day", 45),
    ("5 day 60: eligible for deletion", "dunning.erase_on_day", 60),
    (
        "6A restore the most recent snapshot, replay logs",
        "scenarios.database-failure.steps",
        ["restore the most recent snapshot", "replay transaction logs where possible"],
    ),
    ("6A transaction logs", "sources.metadata.schedule.log", "every 1h"),
    ("6B recover from the Trash", "scenarios.project-deleted.steps", ["recover from the Trash within 30 days"]),
    ("6C read-only mode", "incidents.read_only", True),
    (
        "6C provider redundancy and backups in several regions",
        "scenarios.provider-outage.steps",
        [
            "platform enters read-only mode",
            "recover by the provider's redundancy and backups in several regions",
        ],
    ),
    ("7 quarterly restore drills: when", "drills.quarterly.at", "0 9 1 1,4,7,10 *"),
    ("7 quarterly restore drills: what", "drills.quarterly.what", "restore"),
    ("7 verification checksums", "vaults.default.chores.check", "0 7 * * *"),
    ("7 incident log", "incidents.log", True),
    ("7 postmortems", "incidents.postmortem", True),
    ("8 multi-region for enterprise: metadata", "sources.metadata-enterprise.copies", 3),
    ("8 multi-region for enterprise: media", "sources.media-enterprise.copies", 3),
    ("8 customer-managed export", "export.tiers", ["enterprise"]),
    ("8 immutable storage for legal archives: term", "sources.legal.immutable", "365d"),
    ("8 immutable storage for legal archives: store", "vaults.default.regions.primary.immutable", "bucket-lock"),
    ("8 version rollback for RAW libraries", "sources.raw.window", "30d"),
]

MUSIC: list[tuple[str, str, Any]] = [
    ("critical, important, operational: critical first", "classes.critical.priority", 1),
    ("critical, important, operational: important second", "classes.important.priority", 2),
    ("critical, important, operational: operational third", "classes.operational.priority", 3),
    ("full backups weekly", "classes.critical.schedule.full", "0 2 * * Sun"),
    ("full backups weekly", "classes.important.schedule.full", "0 2 * * Sun"),
    ("full backups weekly", "classes.operational.schedule.full", "0 2 * * Sun"),
    ("incremental backups daily", "classes.critical.schedule.incremental", "0 15 * * *"),
    ("differential backups daily", "classes.critical.schedule.differential", "0 3 * * *"),
    ("differential backups daily", "classes.important.schedule.differential", "0 3 * * *"),
    ("real-time replication for critical systems", "classes.critical.continuous", True),
    ("daily automated database backups", "sources.finance.schedule.differential", "0 3 * * *"),
    ("point-in-time recovery over 7 days", "sources.finance.window", "1w"),
    ("cross-region replication", "sources.finance.copies", 3),
    ("backup integrity testing", "vaults.default.chores.check", "0 7 * * *"),
    ("hourly logs for critical data, oftener for the RPO", "sources.finance.schedule.log", "every 5m"),
    ("monthly archives", "sources.finance.schedule.archive", "0 4 1 * *"),
    ("RTO critical 1 hour", "classes.critical.rto", "1h"),
    ("RTO important 4 hours", "classes.important.rto", "4h"),
    ("RTO non-critical 24 hours", "classes.operational.rto", "1d"),
    ("RPO financial 15 minutes", "sources.finance.rpo", "15m"),
    ("RPO user content 1 hour", "sources.audio.rpo", "1h"),
    ("RPO system configuration 24 hours", "sources.infrastructure.rpo", "1d"),
    ("audio in several regions, triple redundancy", "sources.audio.copies", 3),
    ("audio versions retained", "sources.audio.retention.keep_within", "7d"),
    ("archive storage", "vaults.default.regions.ap.storage_class", "STANDARD_IA"),
    ("creator content", "sources.creator-content.class", "critical"),
    ("user profiles", "sources.profiles.schemas", ["profiles"]),
    ("generated content", "sources.generated.schedule.archive", "0 4 1 * *"),
    ("social data", "sources.social.schemas", ["social"]),
    ("infrastructure in Git", "sources.infrastructure.repositories", ["/srv/git/infrastructure.git"]),
    (
        "environment, security, deployment",
        "sources.infrastructure.paths",
        ["environments", "security-policies", "deploy"],
    ),
    ("environment variables", "sources.application.variables", ["DATABASE_URL", "JWT_SECRET"]),
    (
        "feature flags, integrations, monitoring",
        "sources.application.services",
        ["feature-flags", "integrations", "monitoring", "alerts"],
    ),
    ("scenario 1", "scenarios.data-center-outage.about", "primary hosting provider failure"),
    ("scenario 2", "scenarios.database-corruption.about", "database integrity compromise"),
    ("scenario 3", "scenarios.security-breach.about", "unauthorized access or data compromise"),
    ("scenario 4", "scenarios.human-error.about", "accidental deletion or misconfiguration"),
    ("users are told", "communication.users.how", "transparent status updates"),
    ("the team is told", "communication.team.how", "internal communication procedures"),
    ("stakeholders are told", "communication.stakeholders.who", "investors and partners"),
    ("the media are told", "communication.media.how", "public relations"),
    ("restored first", "restoration.critical", ["user authentication", "core music generation"]),
    ("restored second", "restoration.important", ["social features", "creator dashboard"]),
    ("restored third", "restoration.enhanced", ["analytics", "advanced features"]),
    ("restored last", "restoration.optional", ["non-essential features", "integrations"]),
    ("monthly restoration testing: when", "drills.monthly.at", "0 9 2 * *"),
    ("monthly restoration testing: what", "drills.monthly.what", "restore"),
    ("quarterly simulation: when", "drills.quarterly.at", "0 9 3 1,4,7,10 *"),
    ("quarterly simulation: what", "drills.quarterly.what", "simulation"),
    ("annual exercise: when", "drills.annual.at", "0 9 10 9 *"),
    ("annual exercise: what", "drills.annual.what", "exercise"),
    ("validation in four ways", "drills.validate", ["integrity", "speed", "function", "experience"]),
    ("documented procedures", "readiness.documentation", ["recovery procedures"]),
    ("training", "readiness.training", "0 10 15 1,7 *"),
    (
        "contacts with escalation",
        "readiness.contacts",
        ["on-call engineer", "head of platform", "managing director"],
    ),
    ("vendors", "readiness.vendors", ["hosting provider", "database provider"]),
]


@lru_cache
def shown(platform: str) -> dict[str, Any]:
    """The effective settings of a platform."""
    return show(load(EXAMPLES / f"{platform}.toml"))


def value_at(tables: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, without its origin."""
    for key in path.split("."):
        tables = tables[key]
    return tables["value"]


@pytest.mark.parametrize(("sentence", "path", "value"), STUDIOVAULT)
def test_studiovault_says(sentence: str, path: str, value: Any) -> None:
    """The sentence of StudioVault's specification stands in its policy, number by number."""
    assert value == value_at(shown("studiovault"), path), sentence


@pytest.mark.parametrize(("sentence", "path", "value"), MUSIC)
def test_the_music_platform_says(sentence: str, path: str, value: Any) -> None:
    """The sentence of the music platform's specification stands in its policy, number by number."""
    assert value == value_at(shown("music-platform"), path), sentence


@pytest.mark.parametrize(("procedure", "steps"), [("database", 5), ("system", 5)])
def test_recovery_has_its_five_steps(procedure: str, steps: int) -> None:
    """Both recoveries of the music platform are written down step by step."""
    assert steps == len(value_at(shown("music-platform"), f"procedures.{procedure}.steps"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_contradicts_nothing(platform: str) -> None:
    """What the specification promises can be kept together, and editors mark nothing in it."""
    path = EXAMPLES / f"{platform}.toml"

    assert () == contradictions(policy_of(load(path)))
    assert [] == list(jsonschema.Draft202012Validator(schema()).iter_errors(tomllib.loads(path.read_text())))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_that_cannot_be_kept_is_called_covered(platform: str) -> None:
    """Exactly the sources of files, the servers, and the drills are covered."""
    policy = policy_of(load(EXAMPLES / f"{platform}.toml"))

    covered = {each.subject for each in coverage(policy) if each.covered}

    kept = {name for name, each in policy.sources.items() if each.system in ("files", "postgres")}
    drills = {each.name for each in policy.commitments if each.name.startswith("drills.")}
    assert drills | {f"source '{name}'" for name in kept} == covered
    assert policy.commitments
    assert all(each.promises for each in policy.commitments)
