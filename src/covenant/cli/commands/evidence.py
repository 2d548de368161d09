"""``covenant evidence``: what was done, signed, for others to check."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command, family
from covenant.cli.output import as_dicts
from covenant.cli.parameters import moment
from covenant.cli.session import Session
from covenant.kernel.errors import TargetError, UsageError

evidence = family("evidence", "Show, export and verify the signed record of what was done.")

_WORD = re.compile(r"[a-z][a-z-]{1,40}")

_EXITS = (*OPENING, 1, 24, 30, 31)


@command(
    "export",
    "covenant evidence export -o evidence.jsonl",
    "covenant evidence export --since 2026-10-01 -o quarter.jsonl",
    exits=_EXITS,
    group=evidence,
)
@click.option("--since", type=moment, metavar="TIME", help="Only what was sealed from then on.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Write it here.")
def export(session: Session, since: datetime | None, output: Path) -> int:
    """Write the evidence of every vault of covenant.toml, or of the one that '--vault' names, into one file.

    What is not sealed yet is sealed first. The file can be verified by anyone who has the public key, which
    'covenant evidence key' shows: give it to them by another way, and early.
    """
    from covenant.bootstrap import witnessing
    from covenant.cli.witnessing import vaults_up_to_date

    with vaults_up_to_date(session) as opened:
        found = witnessing.export(opened, since)
    try:
        witnessing.write_whole(str(output), found.lines)
    except OSError as error:
        raise TargetError(f"'{output}' cannot be written: {(error.strerror or str(error)).lower()}") from error
    records = sum(line.startswith(b'{"n":') for line in found.lines)
    session.output.findings(found.findings)
    session.output.say(f"wrote {formats.counted(records, 'record')} to {output}")
    for name, keys in found.keys.items():
        session.output.say(f"public key of vault '{name}': {', '.join(keys) or 'none yet'}")
    session.output.document(
        {"file": str(output), "records": records, "keys": found.keys, "findings": as_dicts(found.findings)}
    )
    return exits.FINDINGS if found.findings else exits.DONE


@command(
    "verify",
    "covenant evidence verify evidence.jsonl --public-key auditor/key.hex",
    "covenant evidence verify evidence.jsonl --public-key KEY --checkpoint /mnt/region/covenant/evidence/checkpoints",
    exits=(0, 1, 2, 21),
    group=evidence,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--public-key", "keys", required=True, multiple=True, metavar="KEY", help="64 hex digits, or a file.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A checkpoint that was kept elsewhere, or a folder of them.",
)
@click.option("--partial", is_flag=True, help="The file may begin later than the chain does ('export --since').")
def verify(session: Session, file: Path, keys: tuple[str, ...], checkpoints: tuple[Path, ...], partial: bool) -> int:
    """Verify an export offline: the chain is whole, or where it is not; which drills were promised and missed.

    Nothing is needed but the file and the public key. A checkpoint that was kept elsewhere shows whether the end was
    cut off since. Ends with 21 where anything is not as it was signed, and with 1 where a promised drill was missed,
    failed or could not be verified.
    """
    from covenant.cli import evidence_screen
    from covenant.prove.evidence.promised import moments
    from covenant.prove.evidence.verifying import verify as carry_out

    trusted, known = [_key(key) for key in keys], [line for path in checkpoints for line in _lines(path)]
    try:
        with file.open("rb") as lines:
            verdict = carry_out(lines, trusted, known, partial=partial)
    except OSError as error:
        raise UsageError(f"'{file}' cannot be read: {(error.strerror or str(error)).lower()}", "Name it.") from error
    drills = moments(verdict.chains)
    evidence_screen.show_verdict(session.output, verdict, drills, bool(known))
    if not verdict.whole:
        return exits.CODES[evidence_screen.NOT_WHOLE]
    return exits.DONE if all(drill.kept for drill in drills) else exits.FINDINGS


@command("show", "covenant evidence show", "covenant evidence show --kind drill", exits=OPENING, group=evidence)
@click.option("--kind", metavar="KIND", help="Only records of this kind: backup, drill, deletion, key, policy, …")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many records.")
def show(session: Session, kind: str | None, limit: int) -> int:
    """Show the chains that a vault keeps, and their last records."""
    from covenant.cli import evidence_screen
    from covenant.prove.evidence.keeping import kept_evidence

    with session.read() as opened:
        kept = kept_evidence(opened.vault)
    session.output.findings(kept.findings)
    evidence_screen.show_kept(session.output, kept, kind, limit)
    return exits.FINDINGS if kept.findings else exits.DONE


@command(
    "note",
    "covenant evidence note approval media 'Ada agreed that media is restored to Tuesday noon'",
    "covenant evidence note refund account-17 'EUR 20, ticket 4711' --actor billing",
    exits=(0, 2, 30, 31),
    group=evidence,
)
@click.argument("kind")
@click.argument("subject")
@click.argument("text")
@click.option("--actor", metavar="NAME", help="Who did it, where that is not you.")
def note(session: Session, kind: str, subject: str, text: str, actor: str | None) -> None:
    """Write down something that Covenant cannot see by itself: an approval, a refund, a security event.

    KIND is one word. It is signed and sealed with what comes next, and cannot be taken back.
    """
    from covenant.cli.witnessing import note_by_hand
    from covenant.prove.evidence.records import OURS

    if not _WORD.fullmatch(kind) or kind in OURS:
        raise UsageError(f"'{kind}' is no kind that can be noted", "Say it in one word: approval, refund, security.")
    entry = note_by_hand(session, kind, subject, text, actor)
    session.output.say(f"noted for vault '{entry.vault}'; it is sealed with what comes next")
    session.output.document({"kind": kind, "subject": subject, "at": entry.at, "uid": entry.uid})


@command("key", "covenant evidence key", "covenant evidence key > key.hex", exits=OPENING, group=evidence)
def key(session: Session) -> None:
    """Show the public key with which a vault's evidence is verified; it is no secret.

    It is made when the first record is sealed, by 'covenant run' or 'covenant evidence export'.
    """
    from covenant.prove.evidence.keeping import sure_signers

    with session.read() as opened:
        found = sure_signers(opened.vault)
    if not found:
        raise UsageError("there is no evidence yet, and no key", "'covenant evidence export' begins it.")
    for signer in found:
        session.output.result(signer.public)
    session.output.document({"keys": [{"public": signer.public, "made_at": signer.made_at} for signer in found]})


@command("checkpoint", "covenant evidence checkpoint > checkpoint.txt", exits=OPENING, group=evidence)
def checkpoint(session: Session) -> int:
    """Print the last checkpoint of each chain, to be kept by somebody else.

    Whoever has it sees with 'covenant evidence verify --checkpoint' when records are missing that it speaks of. The
    same checkpoints lie, readable without a password, in every region of the vault below covenant/evidence.
    """
    from covenant.prove.evidence.keeping import kept_evidence

    with session.read() as opened:
        kept = kept_evidence(opened.vault)
    session.output.findings(kept.findings)
    for chain in kept.chains.values():
        session.output.result(chain.checkpoints[chain.length].decode())
    last = {chain.id: chain.checkpoints[chain.length].decode() for chain in kept.chains.values()}
    session.output.document({"checkpoints": last})
    return exits.FINDINGS if kept.findings else exits.DONE


def _key(text: str) -> str:
    """A public key that was written out, or that lies in a file."""
    from covenant.prove.evidence.signing import parse_public_key

    path = Path(text)
    try:
        return parse_public_key(path.read_text(encoding="utf-8") if path.is_file() else text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the public key '{path}' cannot be read", "Name a text file.") from error


def _lines(path: Path) -> list[bytes]:
    """The checkpoints in a file, or in the files of a folder."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    try:
        return [line for file in files for line in file.read_bytes().splitlines() if line]
    except OSError as error:
        raise UsageError(f"the checkpoint '{path}' cannot be read", "Name a file or a folder.") from error
