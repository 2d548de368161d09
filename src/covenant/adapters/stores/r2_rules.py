"""The lock rules of a bucket on Cloudflare R2: what lies below a prefix can be neither deleted nor written over.

R2 knows no terms of single objects. Its rules are read and written whole, through the API of the account and not
through S3, with a token that may edit the bucket's configuration (``Admin Read & Write``). Whoever has such a token can
take them away again: this is governance, and never ``worm``.

    GET, PUT /accounts/<account>/r2/buckets/<bucket>/lock
    {"rules": [{"id", "enabled", "prefix", "condition": {"type": "Age", "maxAgeSeconds"}
                                                      | {"type": "Date", "date"} | {"type": "Indefinite"}}]}

Options: ``account_id``, ``api_token``, ``jurisdiction`` (``eu``, ``fedramp``), ``api_endpoint`` and ``api_timeout`` (30
seconds). What was written is read back and compared, because an answer is not yet a rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from covenant.adapters.stores.location import parse_location
from covenant.kernel.errors import CovenantError, StoreDenied, StoreError, StoreUnavailable, UsageError
from covenant.safeguard.bucket_rules import Rule

RULE_OPTIONS = frozenset({"account_id", "api_token", "jurisdiction", "api_endpoint", "api_timeout"})
"""What is meant for the rules, and not for the objects."""

_ENDPOINT = "https://api.cloudflare.com/client/v4"
_OURSELVES = ("127.0.0.1", "localhost", "::1")
_TIMEOUT = 30.0
_LARGEST_ANSWER = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class R2Rules:
    """The ``RuleStore`` of one bucket. Made by ``open``."""

    address: str
    bucket: str
    folder: str
    jurisdiction: str
    timeout: float
    _token: str = field(repr=False)

    @classmethod
    def open(cls, url: str, options: Mapping[str, str]) -> R2Rules:
        """The rules of the bucket at ``url``, without asking yet. Raises ``UsageError``."""
        location = parse_location(url)
        if location.kind != "s3":
            raise UsageError(f"the store '{url}' has no rules by prefix", "Write 'bucket-lock' for a bucket on R2.")
        for needed in ("account_id", "api_token"):
            if not options.get(needed):
                raise UsageError(
                    f"the bucket of {url} is to be locked by rules, and option {needed} is missing",
                    'Give account_id, and api_token by reference: api_token = { env = "R2_ADMIN_TOKEN" }.',
                )
        account, bucket = quote(options["account_id"], safe=""), quote(location.bucket, safe="")
        address = f"{_endpoint(options)}/accounts/{account}/r2/buckets/{bucket}/lock"
        jurisdiction = options.get("jurisdiction", "")
        return cls(address, location.bucket, location.path, jurisdiction, _timeout(options), options["api_token"])

    def rules(self) -> tuple[Rule, ...]:
        """The rules that stand."""
        return tuple(_rule(written, self.bucket) for written in self._written())

    def set(self, rules: Sequence[Rule]) -> None:
        """Add these, each in the place of the one with its id, and see that they and all others stand afterwards."""
        if not rules:
            return
        ours = {rule.id: _as_written(rule) for rule in rules}
        others = [written for written in self._written() if written.get("id") not in ours]
        self._ask("PUT", {"rules": [*others, *ours.values()]})
        kept = {rule.id: rule for rule in self.rules()}
        lost = [rule.id for rule in rules if kept.get(rule.id) != rule]
        lost += [str(written.get("id")) for written in others if kept.get(written["id"]) != _rule(written, self.bucket)]
        if lost:
            raise StoreError(
                f"bucket '{self.bucket}' took {len(rules)} lock rules and does not keep '{lost[0]}' as it was told",
                "Nothing is protected by it: look at the bucket's lock rules, then run 'covenant lock extend' again.",
            )

    def _written(self) -> list[dict[str, Any]]:
        result = self._ask("GET")
        rules = result.get("rules") if isinstance(result, dict) else None
        if rules is None:
            rules = []
        if not isinstance(rules, list) or not all(isinstance(rule, dict) and "id" in rule for rule in rules):
            raise _unreadable(self.bucket)
        return rules

    def _ask(self, method: str, body: object = None) -> Any:
        """What is in the envelope. Loads the library only here, where somebody asks."""
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request

        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if self.jurisdiction:
            headers["cf-r2-jurisdiction"] = self.jurisdiction
        data = json.dumps(body).encode() if body is not None else None
        try:
            request = Request(self.address, data, headers, method=method)
            with _opener().open(request, timeout=self.timeout) as answer:
                return self._opened(answer.read(_LARGEST_ANSWER))
        except HTTPError as error:
            with error:
                raise self._refused(error.code, error) from None
        except (OSError, HTTPException, ValueError) as error:
            # The text of these may repeat what was sent, the token with it: their kind is enough.
            raise StoreUnavailable(
                f"the lock rules of bucket '{self.bucket}' cannot be asked for: {type(error).__name__}",
                "Check the network and option api_endpoint, then try again.",
            ) from None

    def _opened(self, body: bytes) -> Any:
        try:
            said = json.loads(body)
        except ValueError:
            raise _unreadable(self.bucket) from None
        if not isinstance(said, dict) or said.get("success") is not True:
            raise StoreError(
                f"the lock rules of bucket '{self.bucket}' were refused{self._told(said)}",
                "Look at the bucket's lock rules in the dashboard of the account.",
            )
        return said.get("result")

    def _refused(self, status: int, answer: Any) -> CovenantError:
        try:
            said = json.loads(answer.read(_LARGEST_ANSWER))
        except (OSError, ValueError):
            said = None
        what = f"the lock rules of bucket '{self.bucket}': status {status}{self._told(said)}"
        if status in (401, 403):
            return StoreDenied(what, "The option api_token must be an admin token of that account, for this bucket.")
        if status == 429 or status >= 500:
            return StoreUnavailable(what, "Try again later.")
        return StoreError(what, "Check account_id, the bucket's name and its jurisdiction.")

    def _told(self, said: object) -> str:
        """The first reason of an answer, without the token, should the server repeat it."""
        errors = said.get("errors") if isinstance(said, dict) else None
        if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
            return ""
        text = f" ({errors[0].get('code', '')} {str(errors[0].get('message', ''))[:200]})"
        return text.replace(self._token, "…")


def _opener() -> Any:
    """Follows no redirect: what answers elsewhere would be given the token."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class Staying(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    return build_opener(Staying)


def _rule(written: Mapping[str, Any], bucket: str) -> Rule:
    try:
        condition = written["condition"]
        rule_id, prefix, on = str(written["id"]), str(written.get("prefix") or ""), bool(written["enabled"])
        match condition["type"]:
            case "Age":
                return Rule(rule_id, prefix, age=timedelta(seconds=int(condition["maxAgeSeconds"])), enabled=on)
            case "Date":
                return Rule(rule_id, prefix, until=_moment(condition["date"]), enabled=on)
            case "Indefinite":
                return Rule(rule_id, prefix, enabled=on)
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise _unreadable(bucket)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_written(rule: Rule) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": "Indefinite"}
    if rule.age is not None:
        condition = {"type": "Age", "maxAgeSeconds": int(rule.age.total_seconds())}
    elif rule.until is not None:
        condition = {"type": "Date", "date": rule.until.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {"id": rule.id, "enabled": rule.enabled, "prefix": rule.prefix, "condition": condition}


def _unreadable(bucket: str) -> StoreError:
    return StoreError(
        f"the lock rules of bucket '{bucket}' cannot be read", "Nothing was changed: check option api_endpoint."
    )


def _endpoint(options: Mapping[str, str]) -> str:
    endpoint = options.get("api_endpoint", _ENDPOINT).rstrip("/")
    try:
        parts = urlsplit(endpoint)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OURSELVES)
    except ValueError:
        safe = False
    if not safe:
        raise UsageError("option api_endpoint is not an https address", "A token is not sent in the clear.")
    return endpoint


def _timeout(options: Mapping[str, str]) -> float:
    try:
        seconds = float(options.get("api_timeout", _TIMEOUT))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise UsageError("option api_timeout is no number of seconds", "Write seconds, such as '30'.")
    return seconds
