"""The whole way: how things stand, conditions, messages, words, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from covenant.kernel.errors import ChannelError
from covenant.kernel.findings import Finding
from covenant.kernel.standing import Because, RegionStanding, SourceStanding, Standing, VaultStanding, Verdict
from covenant.respond.alert import Channel
from covenant.respond.condition import Severity
from covenant.respond.conditions import conditions_of
from covenant.respond.telling import Teller
from tests.clocks import FrozenClock
from tests.respond.telling_by_hand import NOON, rules, wrong

RPO = Because("rpo", Verdict.BROKEN, "6h may be lost, 1h was promised", "Run 'covenant backup orders'.", NOON)


def a_source(name: str = "orders", *because: Because, data_class: str = "critical") -> SourceStanding:
    """A source and why it is not kept."""
    return SourceStanding(
        source=name,
        system="files",
        vault="main",
        data_class=data_class,
        priority=1,
        verdict=max((each.verdict for each in because), key=lambda verdict: verdict.weight, default=Verdict.KEPT),
        because=because,
        rpo=timedelta(hours=1),
        rto=timedelta(hours=4),
        window=timedelta(days=7),
        copies=1,
    )


def standing(*sources: SourceStanding, vaults: tuple[VaultStanding, ...] = ()) -> Standing:
    """How things stand."""
    return Standing(at=NOON, verdict=Verdict.KEPT, sources=sources, vaults=vaults)


@dataclass(slots=True)
class Paper:
    """A channel that is read by the test, or deaf."""

    deaf: bool = False
    pages: list[tuple[str, str, Severity | None]] = field(default_factory=list)

    def send(self, title: str, body: str, severity: Severity | None) -> None:
        """Take a message, or refuse it."""
        if self.deaf:
            raise ChannelError("no paper left")
        self.pages.append((title, body, severity))


@dataclass(slots=True)
class Note:
    """Remembers in a variable."""

    text: str = ""
    saves: int = 0

    def load(self) -> str:
        """What was saved."""
        return self.text

    def save(self, text: str) -> None:
        """Remember it."""
        self.text = text
        self.saves += 1


def test_every_reason_is_a_condition_with_something_to_do() -> None:
    """Each reason that a promise is not kept becomes one condition, of the source's class, and says what to do."""
    late = Because("proof", Verdict.AT_RISK, "never proved")

    found = conditions_of(standing(a_source("orders", RPO, late)))

    assert ["source/orders/rpo", "source/orders/proof"] == [each.key for each in found]
    assert [Severity.CRITICAL, Severity.WARNING] == [each.severity for each in found]
    assert {("critical",)} == {each.classes for each in found}
    assert all("covenant " in each.hint for each in found)


def test_what_is_kept_or_waits_is_no_condition() -> None:
    """A reason that is not bad is not told."""
    waiting = Because("rpo", Verdict.WAITING, "the first backup is due tonight")

    assert () == conditions_of(standing(a_source("orders", waiting)))


def test_a_vault_concerns_the_classes_of_its_sources() -> None:
    """What ails a vault is told to whoever hears of any class that lies in it, before its sources."""
    down = Because("region", Verdict.AT_RISK, "region 'north' does not answer")
    vault = VaultStanding(vault="main", verdict=Verdict.AT_RISK, because=(down,))

    found = conditions_of(standing(a_source("b", RPO, data_class="operational"), a_source("a"), vaults=(vault,)))

    assert ["vault/main/region", "source/b/rpo"] == [each.key for each in found]
    assert ("critical", "operational") == found[0].classes


def test_two_regions_are_two_conditions() -> None:
    """The end of one region's trouble is not taken for the end of another's: each has a key of its own."""
    reasons = tuple(
        Because("region", Verdict.AT_RISK, f"region {name} lacks 3 objects, for 2h") for name in ("north", "south")
    )
    regions = tuple(RegionStanding(region=name) for name in ("north", "south"))

    both = VaultStanding(vault="main", verdict=Verdict.AT_RISK, because=reasons, regions=regions)
    one = VaultStanding(vault="main", verdict=Verdict.AT_RISK, because=reasons[1:], regions=regions)

    keys = [each.key for each in conditions_of(standing(vaults=(both,)))]
    assert ["vault/main/region/north", "vault/main/region/south"] == keys
    assert keys[1:] == [each.key for each in conditions_of(standing(vaults=(one,)))]


def test_what_looks_like_an_attack_is_critical() -> None:
    """An oddity is told to whoever hears of its source's class; what looks like ransomware or is empty, as critical."""
    odd = [
        Finding("like-ransomware", "orders", "all at once: 400 files changed"),
        Finding("source-shrank", "orders", "3 files"),
    ]

    found = conditions_of(standing(a_source("orders")), odd)

    assert [
        ("source/orders/like-ransomware", Severity.CRITICAL),
        ("source/orders/source-shrank", Severity.WARNING),
    ] == [(each.key, each.severity) for each in found]
    assert {("critical",)} == {each.classes for each in found}


def test_someone_who_is_woken_knows_what_to_do() -> None:
    """A message says how bad it is, what is the matter, since when, and the command to run; later that it is over."""
    paper, clock = Paper(), FrozenClock(NOON + timedelta(hours=5))
    teller = Teller(rules(Channel("paper"), group_for=0), {"paper": paper}, Note(), clock)

    teller.look(conditions_of(standing(a_source("orders", RPO))))
    clock.sleep(3600)
    teller.look(())
    clock.sleep(600)
    teller.look(())

    assert [
        (
            "CRITICAL: source 'orders'",
            (
                "This is wrong now:\n\n"
                "CRITICAL source 'orders' (critical): 6h may be lost, 1h was promised\n"
                "  Since 2026-11-23 12:00 UTC, 5h.\n"
                "  To do: Run 'covenant backup orders'.\n\n"
                "Everything that is wrong now: covenant alerts show"
            ),
            Severity.CRITICAL,
        ),
        (
            "over: source 'orders'",
            (
                "This is over:\n\n"
                "source 'orders': 6h may be lost, 1h was promised\n"
                "  Over since 2026-11-23 18:00 UTC; it lasted 6h.\n\n"
                "Everything that is wrong now: covenant alerts show"
            ),
            None,
        ),
    ] == paper.pages


def test_a_thousand_alerts_are_one_readable_message() -> None:
    """When everything fails at once the message names the worst, and counts the others."""
    paper = Paper()
    teller = Teller(rules(Channel("paper"), group_for=0), {"paper": paper}, Note(), FrozenClock())

    teller.look([wrong(f"source/s{n}/rpo", Severity.WARNING) for n in range(999)] + [wrong("vault/main/region")])

    [(title, body, _)] = paper.pages
    assert "CRITICAL: 'vault/main/region' and 999 more" == title
    assert len(body.splitlines()) < 60
    assert "… and 988 more." in body


def test_a_deaf_channel_stops_no_other() -> None:
    """One channel that fails is reported as failed; the others are told at the same look."""
    good, bad = Paper(), Paper(deaf=True)
    both = rules(Channel("bad"), Channel("good"), group_for=0)
    teller = Teller(both, {"bad": bad, "good": good}, Note(), FrozenClock())

    deliveries = teller.look([wrong()])

    assert [("bad", "no paper left"), ("good", "")] == [(each.message.channel, each.why) for each in deliveries]
    assert 1 == len(good.pages)


def test_another_process_goes_on_where_one_ended() -> None:
    """What was told is remembered outside of the process: a new one does not tell it again."""
    paper, note, clock = Paper(), Note(), FrozenClock()
    Teller(rules(Channel("paper"), group_for=0), {"paper": paper}, note, clock).look([wrong()])

    Teller(rules(Channel("paper"), group_for=0), {"paper": paper}, note, clock).look([wrong()])

    assert 1 == len(paper.pages)


def test_a_memory_that_cannot_be_read_silences_nothing() -> None:
    """A damaged state is no state: what is wrong is told again."""
    paper = Paper()
    teller = Teller(rules(Channel("paper"), group_for=0), {"paper": paper}, Note('{"version": 1, "al'), FrozenClock())

    teller.look([wrong()])

    assert 1 == len(paper.pages)


def test_nothing_is_written_while_nothing_changes() -> None:
    """Looks at which all is as before cost no write."""
    note = Note()
    teller = Teller(rules(), {"mail": Paper()}, note, FrozenClock())
    teller.look([wrong()])
    before = note.saves

    for _ in range(100):
        teller.look([wrong()])

    assert before == note.saves
