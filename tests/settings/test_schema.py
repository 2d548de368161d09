"""The schema for editors accepts what we accept, and refuses what we refuse, as judged by a reader of its own."""

import tomllib

import jsonschema
import pytest

from covenant.settings.schema import schema
from tests.settings.documents import FULL, MINIMAL

VALIDATOR = jsonschema.Draft202012Validator


def test_the_schema_is_a_schema() -> None:
    """It follows draft 2020-12, and says so."""
    assert "https://json-schema.org/draft/2020-12/schema" == schema()["$schema"]
    VALIDATOR.check_schema(schema())


@pytest.mark.parametrize("document", [FULL, MINIMAL, "", "[vault]\nurl = 's3://b'\noptions = { region = 'auto' }\n"])
def test_what_we_accept_is_accepted(document: str) -> None:
    """No editor marks a document that can be followed."""
    assert [] == list(VALIDATOR(schema()).iter_errors(tomllib.loads(document)))


@pytest.mark.parametrize(
    "document",
    [
        MINIMAL + "exlude = []\n",
        MINIMAL + "paths = ['x']\n",
        MINIMAL + "retention = { keep_daily = '7' }\n",
        MINIMAL + "retention = { keep_within = '7 days' }\n",
        "[vault]\nurl = 'v'\npassword = 'hunter2'\n",
        "[vault]\nurl = 'v'\npassword = { file = 'a', env = 'B' }\n",
        "[vault]\nurl = 's3://b'\noptions = { secret_access_key = 'hunter2' }\n",
        "[sources.x]\nkind = 'postgre'\nclass = 'critical'\n",
        "[vault]\nurl = 'v'\nregions = { a = { url = 'w' } }\n",
        "[vault.regions.a]\nurl = 'w'\nimmutable = 'yes'\n",
        "[vault.regions.a]\nurl = 's3://b'\noptions = { secret_access_key = 'hunter2' }\n",
        "[sources.x]\nkind = 'sqlite'\nclass = 'critical'\n",
        "[sources.'a b']\nkind = 'sqlite'\nclass = 'critical'\npath = 'x'\n",
        "[limits]\ncompression = 'best'\n",
        "[valut]\nurl = 'v'\n",
    ],
)
def test_what_we_refuse_is_refused(document: str) -> None:
    """An editor marks what could not be followed."""
    assert [] != list(VALIDATOR(schema()).iter_errors(tomllib.loads(document)))


def test_every_key_says_what_it_is_for() -> None:
    """An editor has a description to show for each key."""
    tables = {**schema()["$defs"], "Document": schema()}

    silent = [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, said in table.get("properties", {}).items()
        if not said.get("description")
    ]

    assert [] == silent
