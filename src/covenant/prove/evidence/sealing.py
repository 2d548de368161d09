"""Going on with a chain: records of what the catalog holds are linked, signed and sealed in the vault.

Who writes has a chain of its own in each vault: one for each catalog, which all daemons that share the catalog go on
with. How far it is stands in the catalog, as a small text that is replaced only by who has read it; so two daemons
cannot both go on from one place. What was linked and does not lie in the vault for certain stands there too:

    {"version":1,"chain":…,"key":…,"length":…,"head":…,"pending":[[uid, line], …],"seen":…}

Killed at any step, the same rows are asked for again; those whose ``uid`` is pending are linked already, and what is
pending is sealed once more: a page that lies in the vault twice is one. A catalog that was lost takes the place in the
chain with it. The next begins a new chain, whose first record names those that it found, with their lengths. So does a
catalog that was put back from an older copy: the vault knows of more records than it does, and to go on from an old
place would give one number to two records. ``seen`` tells without reading any whether there are new checkpoints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from covenant.catalog.catalog import Catalog
from covenant.catalog.chronicle import Page
from covenant.kernel.errors import LeaseLost
from covenant.prove.evidence.chain import Head, hash_of, linked
from covenant.prove.evidence.checkpoint import sign
from covenant.prove.evidence.keeping import KeptChain, end_of, open_checkpoints, seal, sure_signers, the_signer
from covenant.prove.evidence.records import Record, records_in
from covenant.prove.evidence.signing import Signer
from covenant.vault.names import CHECKPOINTS
from covenant.vault.ports import AppendStore
from covenant.vault.vault import Vault

VERSION = 1


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a chain is."""

    version: int = VERSION
    chain: str
    key: str
    length: int
    head: str
    pending: tuple[tuple[str, str], ...] = ()
    seen: str = ""

    @property
    def end(self) -> Head:
        """The end of the chain."""
        return Head(self.length, self.head)


class Chain:
    """The chain of one catalog in one vault."""

    def __init__(self, catalog: Catalog, vault: Vault, store: AppendStore, actor: str) -> None:
        self._catalog = catalog
        self._vault = vault
        self._store = store
        self._actor = actor
        self._name = f"evidence:{vault.config.id}"
        self._signers: dict[str, Signer] = {}

    def go_on(self, name: str, now: datetime) -> tuple[Page, Place] | None:
        """Go on with what the catalog holds for the vault ``name``, and does not lie there; ``None`` for nothing.

        What it gives back lies in the chain, sealed; the page is then to be kept and marked, and the place settled.
        """
        while True:
            # The place first: who marks rows settles it afterwards, and so is noticed by whoever read them before.
            text = self._catalog.remembered(self._name)
            page = self._catalog.unrecorded(name)
            if page is None:
                return None
            with contextlib.suppress(LeaseLost):  # another daemon went on with it this moment
                place = self._link(records_in(page.text), text, now)
                self._seal(place, now)
                return page, place

    def _seal(self, place: Place, now: datetime) -> None:
        signer = self._key(place.key)
        assert signer is not None  # ``_link`` begins a chain anew where its key is gone
        lines = [line.encode() for _, line in place.pending]
        if lines:
            seal(self._vault, self._store, lines, sign(signer, place.chain, place.end, now))

    def settle(self, sealed: Place) -> None:
        """Forget what was pending up to a place: it lies in the vault, and the rows that it came from are marked so."""
        while True:
            text = self._catalog.remembered(self._name)
            place = _decoded(text)
            over = max(place.length - sealed.length, 0)  # another may have gone on, and has not sealed that yet
            if place.chain != sealed.chain or len(place.pending) <= over:
                return
            left = place.pending[len(place.pending) - over :]
            with contextlib.suppress(LeaseLost):
                self._remember(msgspec.structs.replace(place, pending=left, seen=self._sight()), text)
                return

    def _link(self, records: Sequence[Record], text: str, now: datetime) -> Place:
        """The place after these records, but for those that are pending already. Raises ``LeaseLost``."""
        place = _decoded(text) if text else None
        if place is None or self._key(place.key) is None or self._overtaken(place):
            place = self._begun(now)
        known = frozenset(uid for uid, _ in place.pending)
        new = [record for record in records if record.uid not in known]
        return self._remember(_grown(place, new), text) if new else place

    def _overtaken(self, place: Place) -> bool:
        """Whether the vault knows of more records of our chain than we do: our place is that of an older catalog."""
        if place.seen == self._sight():
            return False
        trusted = [signer.public for signer in sure_signers(self._vault)]
        points = (point for point, _ in open_checkpoints(self._vault.store, trusted, []))
        return any(point.chain == place.chain and point.length > place.length for point in points)

    def _sight(self) -> str:
        """What the checkpoints look like from outside."""
        names = "\n".join(sorted(listed.name for listed in self._vault.store.list(CHECKPOINTS)))
        return sha256(names.encode()).hexdigest()[:16]

    def _begun(self, now: datetime) -> Place:
        """A new chain, of one record."""
        signer = the_signer(self._vault, self._store, now)
        facts = {"version": VERSION, "key": signer.public, "vault": self._vault.config.id, "after": self._before()}
        name = uuid4().hex  # and so no two chains are one, though they begin at the same moment
        began = Record(at=now, kind="began", subject="evidence", actor=self._actor, uid=name, facts=facts)
        line = next(linked(Head(), [began.body()]))
        return Place(
            chain=hash_of(line), key=signer.public, length=1, head=hash_of(line), pending=(("", line.decode()),)
        )

    def _before(self) -> list[dict[str, Any]]:
        """The chains that there are, with how long each was."""
        trusted = [signer.public for signer in sure_signers(self._vault)]
        chains: dict[str, KeptChain] = {}
        for point, line in open_checkpoints(self._vault.store, trusted, []):
            chains.setdefault(point.chain, KeptChain(point.chain)).checkpoints[point.length] = line
        ends = {each.id: end_of(each) for each in chains.values()}
        return [{"chain": name, "length": end.length, "head": end.hash} for name, end in sorted(ends.items())]

    def _key(self, public: str) -> Signer | None:
        if public not in self._signers:
            self._signers = {signer.public: signer for signer in sure_signers(self._vault)}
        return self._signers.get(public)

    def _remember(self, place: Place, instead_of: str) -> Place:
        self._catalog.remember(self._name, msgspec.json.encode(place).decode(), instead_of)
        return place


def _grown(place: Place, records: Sequence[Record]) -> Place:
    lines = list(linked(place.end, (record.body() for record in records)))
    return msgspec.structs.replace(
        place,
        length=place.length + len(lines),
        head=hash_of(lines[-1]),
        pending=(
            *place.pending,
            *((record.uid, line.decode()) for record, line in zip(records, lines, strict=True)),
        ),
    )


def _decoded(text: str) -> Place:
    return msgspec.json.decode(text, type=Place)
