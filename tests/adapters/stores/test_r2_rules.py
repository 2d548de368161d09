"""Lock rules of a bucket on R2, through the API of the account, against a server of our own that keeps them."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from covenant.adapters.stores.objects import ObjectStore
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.r2_rules import R2Rules
from covenant.kernel.errors import CovenantError, StoreDenied, StoreError, StoreUnavailable, UsageError
from covenant.safeguard.bucket_rules import Rule
from tests.servers.r2_api import TOKEN, R2Api, keeping_rules

URL = "s3://legal/vault"
AGED = Rule("covenant-1-data-age", "vault/data/", age=timedelta(days=30))
DATED = Rule("covenant-1-data-date", "vault/data/", until=datetime(2027, 1, 1, tzinfo=UTC))
THEIRS = {"id": "theirs", "enabled": True, "prefix": "", "condition": {"type": "Indefinite"}, "note": "of others"}


@pytest.fixture
def api() -> Iterator[R2Api]:
    """A server with the bucket ``legal``."""
    with keeping_rules("legal") as api:
        yield api


def test_what_is_set_is_kept(api: R2Api) -> None:
    """Rules of every kind come back as they were set."""
    rules = R2Rules.open(URL, api.options())
    for_ever = Rule("covenant-1-config", "vault/config", enabled=False)

    rules.set([AGED, DATED, for_ever])

    assert (AGED, DATED, for_ever) == rules.rules()
    assert {"type": "Age", "maxAgeSeconds": 2592000} == api.rules[0]["condition"]


def test_rules_of_others_stay_as_they_are(api: R2Api) -> None:
    """What others have written goes back word for word, what we do not know of it too; ours takes its own place."""
    api.rules = [THEIRS]
    rules = R2Rules.open(URL, api.options())
    rules.set([AGED])
    longer = Rule(AGED.id, AGED.prefix, age=timedelta(days=60))

    rules.set([longer])

    assert THEIRS in api.rules
    assert {Rule("theirs", ""), longer} == set(rules.rules())


def test_nothing_to_set_asks_nothing(api: R2Api) -> None:
    """Where no rule is news, the server is not troubled."""
    R2Rules.open(URL, api.options()).set([])

    assert [] == api.http.asked


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        ("busy", StoreUnavailable),
        ("silent", StoreUnavailable),
        ("lying", StoreError),
        ("shortening", StoreError),
        ("losing", StoreError),
        ("babbling", StoreError),
        ("echoing", StoreError),
        ("elsewhere", StoreError),
    ],
)
def test_what_goes_wrong_is_told(api: R2Api, mood: str, error: type[CovenantError]) -> None:
    """Whatever the server does wrong is an error of ours with a hint, in time, and never holds the token."""
    api.rules, api.mood = [THEIRS], mood
    rules = R2Rules.open(URL, api.options(api_timeout="0.3"))

    with pytest.raises(error) as raised:
        rules.set([AGED])

    assert error is raised.type
    assert raised.value.hint
    assert TOKEN not in "".join(traceback.format_exception(raised.value)) + repr(rules)
    assert not any("caught" in asked.path for asked in api.http.asked)


def test_a_wrong_token_is_refused(api: R2Api) -> None:
    """A token that may not is told as such, and what the account says."""
    rules = R2Rules.open(URL, api.options(api_token="wrong-one"))

    with pytest.raises(StoreDenied, match=r"status 403 .10000 Authentication error") as raised:
        rules.rules()

    assert "api_token" in raised.value.hint
    assert "wrong-one" not in "".join(traceback.format_exception(raised.value))


def test_a_token_that_is_no_header_is_not_told(api: R2Api) -> None:
    """A token with a line break cannot be sent, and the error does not show it."""
    rules = R2Rules.open(URL, api.options(api_token="secret-part\nother"))

    with pytest.raises(StoreUnavailable) as raised:
        rules.rules()

    assert "secret-part" not in "".join(traceback.format_exception(raised.value))


def test_nobody_there() -> None:
    """An address at which nobody listens is a store that does not answer."""
    options = {"account_id": "a", "api_token": TOKEN, "api_endpoint": "http://127.0.0.1:9"}

    with pytest.raises(StoreUnavailable):
        R2Rules.open(URL, options).rules()


def test_another_bucket_is_not_found(api: R2Api) -> None:
    """A bucket that is not there is an error that says what to check."""
    with pytest.raises(StoreError, match="does not exist") as raised:
        R2Rules.open("s3://other/vault", api.options()).rules()

    assert StoreError is raised.type


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"account_id": "a"},
        {"api_token": TOKEN},
        {"account_id": "a", "api_token": TOKEN, "api_endpoint": "http://example.com"},
        {"account_id": "a", "api_token": TOKEN, "api_endpoint": "http://127.0.0.1.example.com"},
        {"account_id": "a", "api_token": TOKEN, "api_endpoint": "http://localhost@example.com"},
        {"account_id": "a", "api_token": TOKEN, "api_timeout": "soon"},
    ],
)
def test_options_that_cannot_be_followed(options: dict[str, str]) -> None:
    """What is missing or unsafe is told before anything is asked."""
    with pytest.raises(UsageError) as raised:
        R2Rules.open(URL, options)

    assert raised.value.hint


def test_the_store_of_objects_never_sees_the_token() -> None:
    """What is meant for the rules is kept from the library that carries the objects, and does not disturb it."""
    options = {"immutable": "bucket-lock", "account_id": "a", "api_token": TOKEN, "region": "auto"}

    store = open_store(URL, options)

    assert isinstance(store, ObjectStore)
    with pytest.raises(UsageError):
        open_store("gs://legal/vault", options)
