"""Which rules by prefix are set: by property over whatever stands already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import Refusal
from covenant.safeguard import bucket_rules
from covenant.safeguard.bucket_rules import Rule
from covenant.safeguard.terms import Promised
from covenant.vault.snapshot import Snapshot

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FOLDER = "vault"
PREFIXES = ["", "vault/", "vault/data/", "vault/snapshots/", "vault/keys/", "vault/config", "other/data/"]

ages = st.integers(1, 4000).map(lambda hours: timedelta(hours=hours))
moments = st.integers(-4000, 4000).map(lambda hours: NOW + timedelta(hours=hours))
terms = st.dictionaries(st.sampled_from(["legal", "raw", "books"]), ages, max_size=3)
own_ids = [step.rule.id for step in bucket_rules.plan((), FOLDER, {"a": timedelta(days=1)}, ()).steps]
rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from([*own_ids, "theirs", "theirs too"]),
        st.sampled_from(PREFIXES),
        age=st.none() | ages,
        enabled=st.booleans(),
    )
    | st.builds(Rule, st.just("a date of theirs"), st.sampled_from(PREFIXES), until=moments, enabled=st.booleans()),
    max_size=6,
    unique_by=lambda rule: rule.id,
)


def a_promise(term: timedelta, taken: datetime = NOW) -> Promised:
    """A snapshot under a term."""
    snapshot = Snapshot(time_=taken.isoformat(), tree="4" * 64, paths=["/a"], hostname="studio", id="5" * 64)
    return Promised(snapshot, term, taken + term)


def after(kept: list[Rule], planned: bucket_rules.RulePlan) -> list[Rule]:
    """What the bucket keeps once the plan is carried out."""
    return list(({rule.id: rule for rule in kept} | {rule.id: rule for rule in planned.news}).values())


@given(rules, terms, st.lists(ages, max_size=3))
def test_all_that_was_promised_is_kept(kept: list[Rule], terms: dict[str, timedelta], held: list[timedelta]) -> None:
    """Afterwards each prefix has the longest age, and what snapshots need the last date; a second plan has no news."""
    promises = [a_promise(term) for term in held]

    planned = bucket_rules.plan(kept, FOLDER, terms, promises)
    then = after(kept, planned)

    for name in ("data/ab/1", "snapshots/1", "keys/1", "config"):
        standing = [rule for rule in then if rule.enabled and f"{FOLDER}/{name}".startswith(rule.prefix)]
        if terms:
            longest = max(terms.values())
            assert any(rule.for_ever or (rule.age is not None and rule.age >= longest) for rule in standing)
        if held and name != "snapshots/1":
            last = max(one.until for one in promises)
            assert any(rule.for_ever or (rule.until and rule.until >= last) for rule in standing)
    assert () == bucket_rules.plan(then, FOLDER, terms, promises).news


@given(rules, terms, st.lists(ages, max_size=3))
def test_nothing_becomes_shorter(kept: list[Rule], terms: dict[str, timedelta], held: list[timedelta]) -> None:
    """No rule that stood holds for less afterwards, whatever was made of ours, and nobody else's is touched."""
    planned = bucket_rules.plan(kept, FOLDER, terms, [a_promise(term) for term in held])
    then = {rule.id: rule for rule in after(kept, planned)}

    for rule in kept:
        if rule.id not in own_ids:
            assert rule == then[rule.id]
        elif rule.enabled:
            assert then[rule.id].covers(rule)


@given(rules, terms, st.lists(ages, max_size=3))
def test_never_the_index_and_never_the_locks(
    kept: list[Rule], terms: dict[str, timedelta], held: list[timedelta]
) -> None:
    """A prune must be able to write the index anew, and locks come and go; nor is another vault meant."""
    planned = bucket_rules.plan(kept, FOLDER, terms, [a_promise(term) for term in held])

    for name in ("vault/index/1", "vault/locks/1", "other/data/1", "vault/covenant/journal/1"):
        assert not any(name.startswith(rule.prefix) for rule in planned.news)
    assert all(step.why for step in planned.steps)


def test_a_snapshot_of_today_holds_the_packs_of_long_ago() -> None:
    """An age alone would let go of a pack that was uploaded before: the date is moved on with each snapshot."""
    terms = {"legal": timedelta(days=30)}
    first = bucket_rules.plan((), FOLDER, terms, [a_promise(terms["legal"], NOW - timedelta(days=20))])
    second = bucket_rules.plan(first.news, FOLDER, terms, [a_promise(terms["legal"])])

    assert ["add"] * 7 == [step.action for step in first.steps]
    assert ["keep"] * 4 + ["extend"] * 3 == [step.action for step in second.steps]
    assert {NOW + timedelta(days=30)} == {rule.until for rule in second.news}


def test_a_snapshot_is_held_only_with_all_that_it_needs() -> None:
    """Its own object by its age, the packs, keys and config by the date; without one of them it is not held."""
    term = timedelta(days=30)
    kept = bucket_rules.plan((), FOLDER, {"legal": term}, [a_promise(term)]).news

    assert NOW + term == bucket_rules.held_until(kept, FOLDER, NOW)
    for gone in (rule for rule in kept if rule.until or rule.prefix == "vault/snapshots/"):
        rest = [rule for rule in kept if rule != gone]
        assert bucket_rules.held_until(rest, FOLDER, NOW) is None


def test_a_rule_of_ours_that_somebody_made_a_date_stays() -> None:
    """It may last longer than any age: ours is added beside it, once."""
    theirs = Rule(own_ids[0], "vault/data/", until=NOW + timedelta(days=4000))

    first = bucket_rules.plan([theirs], FOLDER, {"legal": timedelta(days=30)}, ())
    second = bucket_rules.plan([theirs, *first.news], FOLDER, {"legal": timedelta(days=30)}, ())

    assert theirs.id not in {rule.id for rule in first.news}
    assert f"{theirs.id}-2" in {rule.id for rule in first.news}
    assert () == second.news


def test_a_vault_at_the_root_of_its_bucket() -> None:
    """Without a folder the prefixes begin with the vault's own names, and its rules have names of their own."""
    planned = bucket_rules.plan((), "", {"legal": timedelta(days=1)}, ())

    assert ["data/", "snapshots/", "keys/", "config"] == [rule.prefix for rule in planned.news]
    assert not {rule.id for rule in planned.news} & set(own_ids)


def test_a_bucket_that_is_full_of_rules_is_refused() -> None:
    """What the bucket would not take is told before it is tried."""
    kept = [Rule(f"rule-{number}", f"p{number}/", age=timedelta(days=1)) for number in range(997)]

    with pytest.raises(Refusal, match="takes 1000"):
        bucket_rules.plan(kept, FOLDER, {"legal": timedelta(days=1)}, ())
