"""A part of a server, as people name it: read as it was meant, or refused."""

from __future__ import annotations

import pytest

from covenant.adapters.sources.postgres.parts import Part, parse_part
from covenant.kernel.errors import UsageError


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("billing", Part("accounts", "billing")),
        ("billing.invoices", Part("accounts", "billing", "invoices")),
        ("shop/", Part("shop")),
        ("shop/billing", Part("shop", "billing")),
        ("shop/billing.Line Items", Part("shop", "billing", "Line Items")),
    ],
)
def test_what_is_named_is_meant(text: str, part: Part) -> None:
    """A database, a schema and a table can be named, of the source's own database or of another."""
    assert part == parse_part(text, "accounts")


@pytest.mark.parametrize("text", ["", "/billing", ".invoices", "billing.", "shop/.invoices", "shop/a/b"])
def test_what_names_nothing_is_refused(text: str) -> None:
    """A text that leaves open what is meant is a mistake, not a guess."""
    with pytest.raises(UsageError):
        parse_part(text, "accounts")


def test_no_letter_of_a_name_is_a_pattern() -> None:
    """What pg_dump would take for a pattern, or for the end of a name, is quoted."""
    assert ('--table="bil*ling"."in""voices?"',) == Part("accounts", "bil*ling", 'in"voices?').patterns
