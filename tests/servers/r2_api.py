"""The part of Cloudflare's API that keeps a bucket's lock rules, on loopback: it keeps them, and refuses wrong tokens.

Made after the public reference of the API; the hosted service was not there to be compared with it. ``mood`` makes it
misbehave: ``busy`` answers 500, ``silent`` answers after a second and a half, ``lying`` says yes and keeps nothing,
``shortening`` keeps less than it was told, ``losing`` drops the rules of others, ``babbling`` speaks no JSON,
``echoing`` refuses and repeats the token, ``elsewhere`` points to another address.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers.scripted import Answer, Asked, ScriptedServer, answering

ACCOUNT = "0123456789abcdef0123456789abcdef"
TOKEN = "token-of-this-test-run"


@dataclass(slots=True)
class R2Api:
    """The server: the rules of its only bucket, and how it behaves."""

    bucket: str
    rules: list[dict[str, Any]] = field(default_factory=list)
    mood: str = ""
    http: ScriptedServer = field(init=False)

    def options(self, **others: str) -> dict[str, str]:
        """The options with which our adapter reaches it."""
        return {"account_id": ACCOUNT, "api_token": TOKEN, "api_endpoint": self.http.endpoint} | others

    @property
    def puts(self) -> int:
        """How often it was told new rules."""
        return sum(asked.method == "PUT" for asked in self.http.asked)

    def answer(self, asked: Asked) -> Answer:
        """One request."""
        if self.mood == "silent":
            time.sleep(1.5)
        if self.mood == "busy":
            return _envelope(500, errors=[{"code": 10001, "message": "Internal error"}])
        if self.mood == "babbling":
            return Answer(200, b"<html>")
        if self.mood == "echoing":
            return _envelope(400, errors=[{"code": 10006, "message": f"bad header {asked.headers['authorization']}"}])
        if self.mood == "elsewhere":
            return Answer(302, b"", {"Location": f"{self.http.endpoint}/caught"})
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _envelope(403, errors=[{"code": 10000, "message": "Authentication error"}])
        if asked.path != f"/accounts/{ACCOUNT}/r2/buckets/{self.bucket}/lock":
            return _envelope(404, errors=[{"code": 10006, "message": "The specified bucket does not exist."}])
        if asked.method == "GET":
            return _envelope(200, {"rules": self.rules})
        self._keep(json.loads(asked.body)["rules"])
        return _envelope(200, {})

    def _keep(self, rules: list[dict[str, Any]]) -> None:
        if self.mood == "losing":
            rules = [rule for rule in rules if rule["id"].startswith("covenant-")]
        if self.mood == "shortening":
            rules = [{**rule, "condition": {"type": "Age", "maxAgeSeconds": 1}} for rule in rules]
        if self.mood != "lying":
            self.rules = rules


def _envelope(status: int, result: object = None, errors: list[dict[str, Any]] | None = None) -> Answer:
    said = {"success": status == 200, "errors": errors or [], "messages": [], "result": result}
    return Answer(status, json.dumps(said).encode(), {"Content-Type": "application/json"})


@contextmanager
def keeping_rules(bucket: str) -> Iterator[R2Api]:
    """A server with the rules of one bucket."""
    api = R2Api(bucket)
    with answering(api.answer) as api.http:
        yield api
