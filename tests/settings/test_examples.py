"""The examples that people copy can be followed, and say everything that there is to say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jsonschema

from covenant.kernel.contradictions import contradictions
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.settings.schema import schema

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "covenant.toml"


def test_the_example_can_be_followed() -> None:
    """Covenant reads it without a problem, and so does an editor by the schema."""
    settings = load(EXAMPLE)

    assert ["metadata", "media", "finished"] == list(settings.sources)
    assert [] == list(jsonschema.Draft202012Validator(schema()).iter_errors(tomllib.loads(EXAMPLE.read_text())))


def test_the_example_names_every_kind_of_source() -> None:
    """Each kind of source that this version covers stands in it."""
    kinds = {source["kind"] for source in tomllib.loads(EXAMPLE.read_text())["sources"].values()}

    known = set(schema()["properties"]["sources"]["additionalProperties"]["discriminator"]["mapping"])
    assert known - {"postgres", "d1", "bucket", "config"} == kinds


def test_the_example_contradicts_nothing() -> None:
    """Who copies it begins with promises that can be kept."""
    assert () == contradictions(policy_of(load(EXAMPLE)))


def test_the_readme_shows_a_covenant_toml_that_can_be_followed(tmp_path: Path) -> None:
    """The few lines that the README shows are a whole ``covenant.toml``."""
    (shown,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "covenant.toml").write_text(shown)

    settings = load(tmp_path / "covenant.toml")

    assert settings.sources
    assert settings.vaults
