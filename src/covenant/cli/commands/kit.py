"""``covenant kit``: what people must have in their hands when everything else is gone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command, family
from covenant.cli.session import Session
from covenant.kernel.errors import ConfigError, Refusal, UsageError

if TYPE_CHECKING:
    from covenant.kernel.answers import Answer
    from covenant.prove.kit.kit import Kit

kit = family("kit", "Make and try the recovery kit: on paper, whole or split among people.")


def _split(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]+)\s*(?:-of-|/|of)\s*([0-9]+)", text.strip())
    if not found:
        raise click.BadParameter("write it as '2-of-3'")
    return int(found[1]), int(found[2])


@command(
    "create",
    "covenant kit create -o /media/stick",
    "covenant kit create --split 2-of-3 -o kits",
    exits=(*OPENING, 24),
    group=kit,
)
@click.option("--split", type=_split, metavar="K-of-N", help="Split it among N people, any K of whom can act.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=".", metavar="DIR", help="Write the files there."
)
def create(session: Session, split: tuple[int, int] | None, output: Path) -> None:
    """Make a recovery kit: a PDF to print and a text file, for one person or for each of several.

    It opens every vault of covenant.toml (or the one of '--vault') with a password of its own, which
    'covenant key remove' takes away again. Whoever holds an unsplit kit can read everything: print it, put it into a
    safe, and delete the files.
    """
    from covenant.bootstrap import kits
    from covenant.cli.kit_making import described, order_of
    from covenant.cli.witnessing import note

    order = order_of(session, split)
    kits.make_room(output)
    with described(session) as vaults:
        files = kits.make(vaults, order, session.clock)
    keys = {vault.name: vault.key for vault in files[0].vaults}
    note(session, "kit-made", kit=files[0].id, needed=order.k, people=order.n, keys=keys)
    paths = list(kits.write(files, output))
    for path in paths:
        session.output.say(f"wrote {path}")
    session.output.say(f"its key in the vault: {', '.join(f'{key[:8]} ({name})' for name, key in keys.items())}")
    session.output.say("now print it, give it away, and delete the files; 'covenant kit verify FILE…' tries it first")
    session.output.document({"kit": files[0].id, "files": [str(path) for path in paths], "keys": keys})


@command(
    "verify",
    "covenant kit verify kit-0a1b2c3d.txt",
    "covenant kit verify kits/kit-0a1b2c3d-share-1.txt kits/kit-0a1b2c3d-share-3.txt",
    exits=(0, 1, 2, 21, 22),
    group=kit,
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def verify(session: Session, files: tuple[Path, ...]) -> int:
    """Try a kit: read it, or put its shares together, and open every region of every vault with it.

    Ends with 1 where a region could not be opened, be it only for want of credentials.
    """
    from covenant.cli.witnessing import note
    from covenant.kernel.answers import together
    from covenant.prove.kit.kit import read_kits

    try:
        read = read_kits(files)
    except Refusal:
        _say_shares(session, files)
        raise
    answers = list(_tried(session, read))
    for answer in answers:
        session.output.result(f"{answer.result}: {answer.question} {answer.detail}")
    session.output.say(f"kit {read.id}, made {formats.local(read.made_at) if read.made_at else 'at some time'}")
    result = together(answer.result for answer in answers)
    note(session, "kit-verified", kit=read.id, result=str(result))
    session.output.document({"kit": read.id, "result": result, "answers": [asdict(answer) for answer in answers]})
    return exits.DONE if result == "passed" else exits.FINDINGS


@command("password", "covenant kit password share-1.txt share-3.txt", exits=(0, 2, 21, 22), group=kit)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def password(session: Session, files: tuple[Path, ...]) -> None:
    """Print the password that a kit stands for, or that its shares give together: for restic, when it must be."""
    from covenant.prove.kit.kit import read_kits

    read = read_kits(files)
    session.output.result(read.password)
    session.output.document({"kit": read.id, "password": read.password})


def _say_shares(session: Session, files: Sequence[Path]) -> None:
    """What can be said of shares that are too few: whether each is as it was printed."""
    from covenant.prove.kit.code import Share
    from covenant.prove.kit.kit import read_kit_file

    for path in files:
        read = read_kit_file(path.read_text(encoding="utf-8"), str(path))
        share = read if isinstance(read, Share) else read.share
        session.output.result(f"{path}: share {share.x} of kit {share.kit}, as it was printed")


def _tried(session: Session, kit: Kit) -> list[Answer]:
    from covenant import bootstrap
    from covenant.bootstrap.kits import tried
    from covenant.cli.beginning import options_of
    from covenant.cli.kit_making import known_options
    from covenant.kernel.answers import Answer, Result

    if not kit.vaults:
        raise UsageError("only codes are here, which do not say where the vault lies", "Name the kit's file.")
    answers = []
    for vault in kit.vaults:
        for region in vault.regions:
            try:
                options = known_options(session, vault.name, region) or options_of(session, region)
                opener = bootstrap.opener(region.url, options)
                answers.append(tried(kit, vault, region.name, opener, session.clock))
            except ConfigError as error:
                question = f"does the kit open vault '{vault.name}' in region {region.name}?"
                answers.append(Answer(question, Result.COULD_NOT_VERIFY, error.message, 0.0))
    return answers
