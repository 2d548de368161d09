"""What is done in each step of recovery, in this policy's own names.

Words in capitals are left to fill in (``MOMENT``, ``PATH``, ``SHARE``): only who stands before the disaster knows them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from covenant.kernel.formats import age
from covenant.prove.record import Scenario
from covenant.respond.runbook.ground import Ground, Kept
from covenant.respond.runbook.runbook import Act

STOP, START = "systemctl stop covenant", "systemctl start covenant"
RECOVERED = "/srv/recovered"
_BACK_IN_TIME = frozenset({Scenario.SECURITY_BREACH, Scenario.HUMAN_ERROR})
"""What is only undone by going back to before it: the end of a change log has the mistake in it."""
_MOMENT = "MOMENT is the last moment before the breach, like '2026-11-20 12:00'."


def covenant(ground: Ground, *words: str, vault: str = "") -> str:
    """A command of ours that follows this policy."""
    which = ("--vault", vault) if vault and len(ground.vaults) > 1 else ()
    return shlex.join(("covenant", "-c", ground.policy, *which, *words))


# -- database recovery ------------------------------------------------------------------------------------------------


def assess(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """What is lost, and what there is to bring back."""
    yield Act("See which promises are broken, and how old the newest backup of each source is.", _status(ground))
    for vault in ground.vaults:
        yield Act(f"Find out whether vault '{vault}' is whole.", covenant(ground, "check", vault=vault))
    for source in ground.sources:
        if source.covered:
            listing = covenant(ground, "snapshots", "--source", source.name, vault=source.vault)
            yield Act(f"List the moments that '{source.name}' can be brought back to.", listing)
    if scenario is Scenario.SECURITY_BREACH:
        yield Act("Find the moment of the breach in the application's logs; everything after it is not to be trusted.")
        for vault in ground.vaults:
            held = covenant(ground, "lock", "show", vault=vault)
            yield Act("See what nobody could have deleted, the intruder included.", held)


def isolate(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """Nothing gets worse from here."""
    written = [f"'{each.name}'" + (f" ({', '.join(each.paths)})" if each.paths else "") for each in ground.sources]
    if written:
        yield Act(f"Stop every program that writes to {'; '.join(written)}.")
    yield Act("Stop the daemon, so that nothing new is kept, and nothing let go, while you look.", STOP)
    if ground.read_only:
        yield Act("Switch the platform to read-only; this version of Covenant does not do it by itself.")
    if scenario is Scenario.SECURITY_BREACH:
        yield from _clean_credentials(ground)


def _clean_credentials(ground: Ground) -> Iterator[Act]:
    yield Act("Cut the intruder off: change the credentials of the application and of every machine that it saw.")
    for vault in ground.vaults:
        yield Act(f"See who can open vault '{vault}'.", covenant(ground, "key", "list", vault=vault))
        yield Act(
            "Make a new password for it, on a machine that the intruder never saw.",
            covenant(ground, "key", "passwd", "--new-password-file", "NEW-PASSWORD-FILE", vault=vault),
        )
    needs = sorted({need for place in ground.places for need in place.needs})
    if needs:
        yield Act(f"Change the credentials of the regions too: {', '.join(needs)}.")


def restore(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """Everything comes back, the most urgent first."""
    if ground.restore_needs:
        yield Act(f"Ask for the agreement that a restore needs: {ground.restore_needs}.")
    if scenario is Scenario.SECURITY_BREACH:
        yield Act(f"Restore to an empty place first, from before the breach. {_MOMENT}")
    for source in ground.sources:
        if source.covered:
            yield _restored(ground, source, scenario)
    yield from _not_kept(ground)


def _not_kept(ground: Ground) -> Iterator[Act]:
    others = [f"'{source.name}' ({source.system})" for source in ground.sources if not source.covered]
    if others:
        yield Act(f"Not kept by this version of Covenant, so bring them back by other means: {', '.join(others)}.")


def _restored(ground: Ground, source: Kept, scenario: Scenario) -> Act:
    text = f"{source.rank.capitalize()}, priority {source.priority}: '{source.name}', to be back in {age(source.rto)}. "
    text += source.expected
    words = ["restore", source.name]
    if source.dumped:
        text += " URL is an empty database; one of that name in a new server, with the extensions that it uses."
        words += ["--into", "URL"]
        if scenario in _BACK_IN_TIME:
            text += " SNAPSHOT is the last dump that is wanted, as 'covenant snapshots' has it."
            words += ["--from", "SNAPSHOT"]
    elif source.system == "postgres":
        when = ["--to", "MOMENT"] if scenario in _BACK_IN_TIME else ["--latest"]
        text += " MOMENT is the last one that is wanted, like '2026-11-20 12:00'." if "--to" in when else ""
        text += " It is proved and stopped; start it from the folder 'data' in there."
        words += [*when, "--target", f"{RECOVERED}/{source.name}"]
    elif scenario is Scenario.SECURITY_BREACH:
        words += ["--at", "MOMENT", "--target", f"{RECOVERED}/{source.name}", "--verify"]
    elif scenario is Scenario.HUMAN_ERROR and source.system == "files":
        text += " PATH is what was lost; without it, everything comes back."
        words += ["PATH", "--in-place"]
    elif source.system in ("files", "sqlite"):
        words += ["--in-place"]
    else:
        words += ["--target", f"{RECOVERED}/{source.name}"]
    return Act(text, covenant(ground, *words, vault=source.vault))


def validate(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """Nothing is opened before it has answered."""
    for vault in ground.vaults:
        yield Act(f"Prove every byte that vault '{vault}' has.", covenant(ground, "check", "--read-data", vault=vault))
    for source in ground.sources:
        if source.covered and source.system == "sqlite":
            yield Act(f"'{source.name}' was put in place only after SQLite found it sound; ask it what you know of it.")
    yield Act("Start the application against the restored data where nobody can reach it, and try what users do.")
    if scenario is Scenario.SECURITY_BREACH:
        yield Act("Replay what was deleted, and whose access was taken away, since MOMENT, before anybody is let in.")


def resume(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """Services open in order, and are kept again from the first minute."""
    yield from _open_services(ground)
    yield Act("Let the daemon keep its promises again.", START)
    names = [source.name for source in ground.sources if source.covered]
    if names:
        yield Act("Keep a full backup of what is there now.", covenant(ground, "backup", *names, "--full"))
    yield Act("Watch until every promise is kept again.", _status(ground))
    yield from _tell(ground)


def _open_services(ground: Ground) -> Iterator[Act]:
    for rank, services in ground.services.items():
        yield Act(f"Open the {rank} services: {', '.join(services)}.")


def _tell(ground: Ground) -> Iterator[Act]:
    for audience in ground.audiences:
        by = f", by {audience.by}" if audience.by else ""
        yield Act(f"Tell {audience.who}: {audience.how}{by}.")


def _status(ground: Ground) -> str:
    return covenant(ground, "status")


# -- system recovery --------------------------------------------------------------------------------------------------


def respond(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """The people who are needed are there, and know what is away."""
    if ground.contacts:
        yield Act(f"Call, in this order, until somebody answers: {', then '.join(ground.contacts)}.")
    else:
        yield Act("Nobody is named in [readiness] contacts: call whoever you know, and write them down afterwards.")
    if ground.vendors:
        yield Act(f"Call the vendors: {', '.join(ground.vendors)}.")
    for vault in ground.vaults:
        if len([place for place in ground.places if place.vault == vault]) > 1:
            away = covenant(ground, "region", "status", vault=vault)
            yield Act(f"See which regions of vault '{vault}' answer.", away)
    yield from _tell(ground)


def rebuild(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """A machine that can read the vault."""
    yield Act("Make a new machine, apart from what failed, with room for everything.")
    yield Act("Install Covenant on it, and see that it runs.", "covenant version")
    yield Act("Bring the recovery kit, or as many of its shares as it asks for.")
    for place in ground.places:
        needs = f"; needs {', '.join(place.needs)}" if place.needs else ""
        primary = ", the primary" if place.primary else ""
        yield Act(f"Vault '{place.vault}' lies in region '{place.region}'{primary}: {place.url}{needs}.")


def deploy(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """The application is there, and not open yet."""
    yield Act("Deploy the application from version control, with its network closed.")
    for source in ground.sources:
        if source.system == "config":
            yield Act(f"Its configuration is source '{source.name}'.")


def bring_back(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """Everything comes back onto the new machine."""
    if ground.restore_needs:
        yield Act(f"Ask for the agreement that a restore needs: {ground.restore_needs}.")
    words = ["covenant", "recover", "--bare", "--kit", "SHARE", "--target", RECOVERED]
    text = "Bring back everything, in order of priority. SHARE is a file of the kit; say '--kit' again for each."
    if scenario is Scenario.SECURITY_BREACH:
        words += ["--at", "MOMENT"]
        text = f"{text} {_MOMENT}"
    yield Act(text, shlex.join(words))
    for number, source in enumerate((each for each in ground.sources if each.covered), 1):
        yield Act(f"{number}. '{source.name}' ({source.rank}) within {age(source.rto)}. {source.expected}")
    yield from _not_kept(ground)
    if scenario is Scenario.DATA_CENTRE_OUTAGE:
        yield from _failover(ground)


def _failover(ground: Ground) -> Iterator[Act]:
    for vault in ground.vaults:
        others = [place for place in ground.places if place.vault == vault and not place.primary]
        if others:
            text = f"Where the primary of vault '{vault}' stays away, let another region take its place."
            yield Act(text, covenant(ground, "region", "failover", others[0].region, vault=vault))


def try_out(ground: Ground, scenario: Scenario) -> Iterator[Act]:
    """The whole has answered before it is opened."""
    yield Act(f"Read what was answered for each source: it stands in {RECOVERED}/recovery.json.")
    yield from validate(ground, scenario)
    yield from resume(ground, scenario)
