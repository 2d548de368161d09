"""``covenant region``: one vault in several places."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command, family
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.kernel.errors import CatalogError, CovenantError, UsageError

if TYPE_CHECKING:
    from covenant.bootstrap import Opener, OpenVault
    from covenant.replicate.census import Census, Seen
    from covenant.replicate.regional import RegionalStore
    from covenant.replicate.sync import Carried, Errand

region = family("region", "Look after a vault that lies in several regions.")

_DRY = click.option("--dry-run", is_flag=True, help="Show the plan and do nothing.")
_MAKE = click.option(
    "--make",
    multiple=True,
    metavar="NAME",
    help="First make the folder of this region, which lost it or never had one.",
)
_PLANNED = 10


@command("status", "covenant region status", "covenant region status --json", exits=(*OPENING, 1), group=region)
def status(session: Session) -> int:
    """Count the copies: which regions answer, what each lacks, and what is promised of every object now.

    Exit code 1 where any object has fewer whole copies than there are regions, or nobody is the primary.
    """
    census = _counted(session)
    _show(session, census)
    session.output.document({**asdict(census), "copies": {str(n): count for n, count in census.copies.items()}})
    return exits.DONE if census.kept else exits.FINDINGS


@command("sync", "covenant region sync", "covenant region sync --make attic", exits=(*OPENING, 1), group=region)
@_DRY
@_MAKE
def sync(session: Session, dry_run: bool, make: tuple[str, ...]) -> int:
    """Bring to every region what it lacks.

    Sync is a union: nothing is ever taken away. Every object is compared with its name on the way.
    """
    return _carry(session, "sync", dry_run=dry_run, make=make)


@command("heal", "covenant region heal", "covenant region heal --verify", exits=(*OPENING, 1), group=region)
@_DRY
@click.option("--verify", is_flag=True, help="First read every copy and compare it with its name.")
def heal(session: Session, dry_run: bool, verify: bool) -> int:
    """Replace damaged copies, and bring back missing ones, from a region that has a whole one.

    What has the wrong size, or was met damaged by any command, is found without reading the rest; '--verify' reads
    everything.
    """
    return _carry(session, "heal", dry_run=dry_run, verify=verify)


@command("failover", "covenant region failover cloud --dry-run", exits=(*OPENING, 1, 22, 27), group=region)
@click.argument("name")
@_DRY
@click.option("--accept-loss", is_flag=True, help="Go on although writes may lie only in regions that are away.")
def failover(session: Session, name: str, dry_run: bool, accept_loss: bool) -> int:
    """Make region NAME the primary, because the primary is away.

    First it is brought what any region has that answers. Where as many are away as acknowledge a write, some writes may
    lie only there: then what is known of them is said, and it is asked whether to go on. They are not lost for good: a
    sync brings them back when such a region returns. Whoever still takes the old primary for it is refused at the next
    write that counts.
    """
    return _make_primary(session, name, dry_run=dry_run, whole=False, accept_loss=accept_loss)


@command("failback", "covenant region failback home", exits=(*OPENING, 1, 22, 27), group=region)
@click.argument("name")
@_DRY
def failback(session: Session, name: str, dry_run: bool) -> int:
    """Make a region that has returned the primary again, once it has been proved to lack nothing."""
    return _make_primary(session, name, dry_run=dry_run, whole=True)


def _counted(session: Session) -> Census:
    """The copies as they are now, remembered for ``covenant status``.

    The vault is opened, which takes a password, only for the age of what is missing, and never asks for one.
    """
    place = session.place()
    opener = session.opener(place)
    census = _census(opener.regional())
    if place.password is not None and any(standing.missing for standing in census.standings):
        census = _census(opener.regional(), _moments(session))
    _remember(session, census)
    return census


def _census(store: RegionalStore, moments: Mapping[str, datetime] | None = None) -> Census:
    from covenant.replicate.census import count, look

    names = [region.name for region in store.regions]
    return count(look(store.regions), names, store.acknowledge, store.sightings.all(), moments)


def _remember(session: Session, census: Census) -> None:
    """Let ``covenant status`` know of the count, where a ``covenant.toml`` has the vault and its catalog can be had."""
    from covenant.bootstrap.counting import copies_of

    vault = session.vault_at(session.place())
    if vault is not None:
        with contextlib.suppress(CatalogError), session.catalog() as catalog:
            catalog.count(copies_of(census, vault.name, session.clock.now()))


def _moments(session: Session) -> dict[str, datetime]:
    """When each snapshot was taken, for the age of what a region lacks; nothing where the vault does not open."""
    try:
        with session.opened("none") as opened:
            return {snapshot.id: snapshot.time for snapshot in opened.vault.snapshots()}
    except CovenantError:
        return {}


def _show(session: Session, census: Census) -> None:
    output = session.output
    rows = (
        (
            standing.region + (" (primary)" if standing.region == census.primary else ""),
            "yes" if standing.member else "empty" if standing.reached else "away",
            f"{standing.objects:,}",
            formats.size(standing.bytes),
            f"{standing.missing:,}",
            f"{standing.damaged:,}",
            "" if standing.oldest_missing is None else formats.local(standing.oldest_missing),
        )
        for standing in census.standings
    )
    output.table(
        ("Region", "Answers", "Objects", "Bytes", "Missing", "Damaged", "Lacks since"), rows, right=(2, 3, 4, 5)
    )
    for copies, objects in census.copies.items():
        output.say(f"{objects:,} objects in {formats.counted(copies, 'region')}")
    for name in census.fewest:
        output.say(f"  fewest copies: {name}")
    word = {"all": "every object is in every region", "quorum": "every object is in as many as acknowledge a write"}
    output.say(f"holds now: {census.promise}" + (f", {word[census.promise]}" if census.promise in word else ""))
    epoch = "no primary that a majority agrees on" if census.epoch is None else f"epoch {census.epoch}"
    output.say(f"primary: {census.primary}, {epoch}")


def _carry(session: Session, title: str, *, dry_run: bool, make: tuple[str, ...] = (), verify: bool = False) -> int:
    from covenant.bootstrap import storing
    from covenant.replicate import failover, sync
    from covenant.replicate.census import look
    from covenant.replicate.sightings import Sighting

    opener = session.opener(session.place())
    for name in () if dry_run else make:
        _make_folder(opener, name)
    store, unread = opener.regional(), Counter[str]()
    with _held(session, store) as opened, session.progress(title) as progress:
        seen = look(store.regions)
        known: tuple[Sighting, ...] = store.sightings.all() if title == "heal" else ()
        if verify:
            known = sync.verify(seen, progress, unread=unread)
        if dry_run:
            return _would_carry(session, seen, sync.errands(seen, known))
        is_content = storing.content_of(opened) if opened is not None else storing.nothing
        done = sync.carry_out(sync.errands(seen, known), progress, is_content=is_content)
        done.findings += storing.unread(unread)
        told = failover.spread_epoch(store.regions, seen.roll)
    healed = set(done.healed)
    whole = {known_one for known_one in store.sightings.all() if known_one.trouble == "missing"}
    store.sightings.settle(healed | whole)
    _counted(session)
    _told(session, title, done, told, _absent(seen))
    return exits.FINDINGS if done.findings or _absent(seen) else exits.DONE


def _absent(seen: Seen) -> dict[str, str]:
    here = {region.name for region in seen.regions}
    return {
        name: str(seen.failures.get(name) or found.error)
        for name, found in seen.roll.presences.items()
        if name not in here
    }


def _told(session: Session, title: str, done: Carried, told: int, absent: dict[str, str]) -> None:
    output = session.output
    output.say(
        f"{title}: brought {formats.counted(done.objects, 'object')}, replaced {done.replaced:,}, "
        f"{formats.size(done.bytes)} in all"
    )
    for name, why in absent.items():
        output.say(f"region '{name}' was left out: {why}")
    output.findings(done.findings)
    output.document(
        {
            "brought": done.objects,
            "replaced": done.replaced,
            "bytes": done.bytes,
            "epochs_told": told,
            "left_out": absent,
            "findings": as_dicts(done.findings),
        }
    )


def _would_carry(session: Session, seen: Seen, work: Iterator[Errand]) -> int:
    objects = size = 0
    for errand in work:
        objects += 1
        size += errand.size * (len(errand.lacking) + len(errand.damaged))
        if objects <= _PLANNED:
            goes_to = ", ".join(region.name for region in (*errand.lacking, *errand.damaged))
            session.output.say(f"would bring {errand.name} to {goes_to}")
    session.output.say(f"would bring {formats.counted(objects, 'object')}, {formats.size(size)}")
    session.output.document({"dry_run": True, "objects": objects, "bytes": size})
    return exits.DONE


def _make_folder(opener: Opener, name: str) -> None:
    for place in opener.places:
        if place.name == name:
            place.make_folder()
            return
    raise UsageError(f"there is no region '{name}'", "See 'covenant region status' for their names.")


@contextlib.contextmanager
def _held(session: Session, store: RegionalStore) -> Iterator[OpenVault | None]:
    """The vault, held so that nobody prunes meanwhile.

    Where too few regions have the vault for a lock, an empty one is being filled, and then nobody can delete anyway.
    """
    roll = store.roll(fresh=True)
    empty = [name for name in roll.reached if name not in roll.members]
    if empty and not roll.is_majority(roll.members):
        yield None
        return
    with session.opened("shared") as opened:
        yield opened


def _make_primary(session: Session, name: str, *, dry_run: bool, whole: bool, accept_loss: bool = False) -> int:
    import secrets

    from covenant.replicate.failover import fail_over, plan_failover

    opener = session.opener(session.place())
    store = opener.regional()
    plan = plan_failover(store.regions, name, secrets.token_hex(8))
    output = session.output
    output.table(("Region", "Act", "Why"), plan.rows())
    document: dict[str, Any] = {"dry_run": dry_run, "epoch": plan.then.number, "primary": name, "away": plan.away}
    if dry_run:
        output.document(document)
        return exits.DONE
    if whole:
        _refuse_unless_whole(store, name)
    else:
        _say_what_it_lacks(session, store, name, accept_loss=accept_loss)
    epoch = fail_over(plan, store.regions)
    output.say(f"region '{name}' is the primary of epoch {epoch.number}")
    output.document(document)
    return exits.DONE


def _say_what_it_lacks(session: Session, store: RegionalStore, name: str, *, accept_loss: bool) -> None:
    """Bring the new primary what it lacks, and ask, where something may lie out of reach. Raises ``Refusal``."""
    from covenant.kernel.errors import Refusal
    from covenant.replicate import failover, sync
    from covenant.replicate.census import look

    roll = store.roll(fresh=True)
    # While anyone is away nothing is deleted (I31), so that nobody need be kept from pruning meanwhile.
    with contextlib.nullcontext() if roll.absent else _held(session, store), session.progress("sync") as progress:
        seen = look(store.regions)
        done = sync.carry_out(sync.errands_to(seen, name), progress)
    if done.objects:
        session.output.say(f"brought region '{name}' {formats.counted(done.objects, 'object')} that it lacked")
    session.output.findings(done.findings)
    if not done.findings and not failover.may_lose(roll, store.acknowledge):
        return
    away = ", ".join(roll.absent) or "no region"
    unseen = _out_of_reach(session, seen)
    known = f", among them {formats.counted(len(unseen), 'snapshot')}: {', '.join(unseen[:5])}" if unseen else ""
    session.output.say(f"some writes may lie only in {away}{known}")
    if accept_loss or (sys.stdin.isatty() and click.confirm("go on without them?")):
        return
    raise Refusal(
        f"region '{name}' may lack what was acknowledged: {len(roll.absent)} regions are away, and a write is "
        f"acknowledged by {store.acknowledge}",
        "Bring one of them back, or say '--accept-loss': what returns later is brought back by 'covenant region sync'.",
    )


def _out_of_reach(session: Session, seen: Seen) -> list[str]:
    """The snapshots that the catalog knows and no region has that answers, by the beginning of their ids."""
    from covenant.vault.names import SNAPSHOTS, id_of

    vault = session.vault_at(session.place())
    if vault is None:
        return []
    there = {id_of(name) for name, _ in seen.objects() if name.startswith(f"{SNAPSHOTS}/")}
    known = set[str]()
    with contextlib.suppress(CatalogError), session.catalog() as catalog:
        known = set(catalog.known(vault.name))
    return sorted(snapshot_id[:8] for snapshot_id in known - there)


def _refuse_unless_whole(store: RegionalStore, name: str) -> None:
    from covenant.kernel.errors import Refusal

    census = _census(store)
    standing = next(standing for standing in census.standings if standing.region == name)
    if standing.missing or standing.damaged:
        raise Refusal(
            f"region '{name}' lacks {standing.missing:,} objects and has {standing.damaged:,} damaged",
            "Run 'covenant region heal', then try again.",
        )
