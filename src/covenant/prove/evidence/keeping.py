"""Where evidence lies: sealed in the vault that it speaks of, and its checkpoints in the open, in every region.

    covenant/evidence/keys/<id>           the key that signs, sealed like any small object
    covenant/evidence/pages/<id>          records and their checkpoint, as they are exported; sealed
    covenant/evidence/checkpoints/<id>    the same checkpoint once more, not sealed: one line

A checkpoint holds nothing secret, so that an auditor who may read a region, and has no password, can see how long a
chain must be. Objects are only ever added, and named by the hash of what is stored; pages may overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from covenant.kernel.errors import DamageError, ObjectExists, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.prove.evidence.chain import Head
from covenant.prove.evidence.checkpoint import Checkpoint, read
from covenant.prove.evidence.signing import Signer, decode_signer
from covenant.vault.journal import read_pages, write_page
from covenant.vault.names import CHECKPOINTS, EVIDENCE, EVIDENCE_KEYS, id_of, object_name
from covenant.vault.ports import AppendStore, ReadStore
from covenant.vault.vault import Vault

# -- keys -------------------------------------------------------------------------------------------------------------


def signers(vault: Vault) -> tuple[list[Signer], list[Finding]]:
    """The vault's keys, the oldest first, and what is the matter with others. Nearly always there is one, or none."""
    found, findings = list[Signer](), read_pages(vault, EVIDENCE_KEYS)
    for text in findings.texts:
        try:
            found.append(decode_signer(text))
        except DamageError as error:
            findings.findings.append(Finding("evidence-damaged", EVIDENCE_KEYS, error.message, error.hint))
    return sorted(found, key=lambda signer: (signer.made_at, signer.public)), findings.findings


def sure_signers(vault: Vault) -> list[Signer]:
    """The same, for who would act on there being none. Raises ``DamageError`` where one is there and cannot be read."""
    found, findings = signers(vault)
    if findings and not found:
        hint = "Heal it from another region. If no copy is whole, remove it: a new chain begins then, and says so."
        raise DamageError(f"the key of the evidence cannot be read: {findings[0]}", hint)
    return found


def the_signer(vault: Vault, store: AppendStore, now: datetime) -> Signer:
    """The key that signs for this vault; made where there is none. Raises ``DamageError``."""
    if not sure_signers(vault):
        write_page(vault, store, Signer.generate(now).encode(), EVIDENCE_KEYS)
    return sure_signers(vault)[0]  # of two that were made at the same time all take the same one


# -- pages ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class KeptChain:
    """A chain as a vault keeps it: its records by number, and its checkpoints by how many records they speak of."""

    id: str
    records: dict[int, bytes] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many records the last checkpoint speaks of."""
        return max(self.checkpoints, default=0)


@dataclass(slots=True)
class KeptEvidence:
    """Everything that a vault keeps of evidence."""

    chains: dict[str, KeptChain] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    """The public keys that anything in it was signed with; whom to trust, the reader of an export decides."""

    def take(self, lines: Sequence[bytes]) -> None:
        """Take up a page: records, then the checkpoint that speaks of them. Raises ``DamageError``."""
        point, _ = read(lines[-1], ())
        self.keys.add(point.key)
        chain = self.chains.setdefault(point.chain, KeptChain(point.chain))
        chain.checkpoints.setdefault(point.length, lines[-1])
        first = point.length - len(lines) + 2
        for number, line in enumerate(lines[:-1], first):
            if chain.records.setdefault(number, line) != line:
                hint = "Two machines went on with one chain: keep both, and ask which of them is right."
                message = f"record {number} of chain {point.chain[:16]} is there in two versions"
                self.findings.append(Finding("evidence-forked", EVIDENCE, message, hint))


def seal(vault: Vault, store: AppendStore, lines: Sequence[bytes], point: bytes) -> None:
    """Keep records with the checkpoint that speaks of them, durably; the open copy of the checkpoint comes last."""
    write_page(vault, store, b"\n".join((*lines, point)), EVIDENCE)
    line = point + b"\n"
    try:
        store.put(object_name(CHECKPOINTS, sha256(line).hexdigest()), line)
    except ObjectExists:
        return  # killed after this the last time


def kept_evidence(vault: Vault) -> KeptEvidence:
    """Everything that the vault keeps. A page that is damaged is a finding, and its records are missing."""
    keys, findings = signers(vault)
    pages = read_pages(vault, EVIDENCE)
    found = KeptEvidence(findings=[*findings, *pages.findings], keys={signer.public for signer in keys})
    for text in pages.texts:
        try:
            found.take(text.split(b"\n"))
        except DamageError as error:
            found.findings.append(Finding("evidence-damaged", EVIDENCE, f"a page: {error.message}", error.hint))
    for point, line in open_checkpoints(vault.store, found.keys, found.findings):
        found.chains.setdefault(point.chain, KeptChain(point.chain)).checkpoints.setdefault(point.length, line)
    return found


def open_checkpoints(
    store: ReadStore, trusted: Iterable[str], findings: list[Finding]
) -> Iterator[tuple[Checkpoint, bytes]]:
    """The checkpoints that lie in the open, with their lines; those that nobody who is trusted signed are findings."""
    trust = frozenset(trusted)
    for listed in sorted(store.list(CHECKPOINTS)):
        try:
            line = store.get(listed.name).removesuffix(b"\n")
            point, signed = read(line, trust)
        except ObjectMissing:
            continue
        except DamageError as error:
            findings.append(Finding("evidence-damaged", listed.name, error.message, "Copy it from another region."))
            continue
        if signed and sha256(line + b"\n").hexdigest() == id_of(listed.name):
            yield point, line
        else:
            message = "it was signed by no key of this vault"
            findings.append(Finding("evidence-foreign", listed.name, message, "Find out who put it there."))


# -- exporting --------------------------------------------------------------------------------------------------------


def exported(kept: KeptEvidence, since: datetime | None = None) -> Iterator[bytes]:
    """The lines of an export, each with its line feed: every chain, in the order in which they began.

    ``since``: only what was sealed from then on, behind the checkpoint that it follows. What is missing in the vault is
    missing here, and will be found.
    """
    for chain in sorted(kept.chains.values(), key=lambda each: (_moment(each), each.id)):
        start = _start(chain, since)
        if start:
            yield chain.checkpoints[start] + b"\n"
        for number in sorted(chain.records):
            if number > start and (number <= chain.length):
                yield chain.records[number] + b"\n"
        if chain.length > start:
            yield chain.checkpoints[chain.length] + b"\n"


def _start(chain: KeptChain, since: datetime | None) -> int:
    """The longest checkpoint that was made before a moment; 0 where everything is wanted."""
    if since is None:
        return 0
    points = (_point(line) for line in chain.checkpoints.values())
    return max((point.length for point in points if point.at < since), default=0)


def _moment(chain: KeptChain) -> datetime:
    return min(_point(line).at for line in chain.checkpoints.values())


def _point(line: bytes) -> Checkpoint:
    return read(line, ()).checkpoint


def end_of(chain: KeptChain) -> Head:
    """How a chain ends, as its last checkpoint says it."""
    return _point(chain.checkpoints[chain.length]).end
