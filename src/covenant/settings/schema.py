"""The JSON Schema of ``covenant.toml``, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from covenant.settings.tables.document import NAME, Document
from covenant.settings.tables.fields import SECRET_OPTION
from covenant.settings.tables.probes import PROBES
from covenant.settings.tables.sources import KINDS
from covenant.settings.tables.vaults import RegionTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


_SECRET = {"$ref": "#/$defs/SecretTable"}
_OPTIONS = {
    "patternProperties": {SECRET_OPTION: _SECRET},
    "additionalProperties": {"anyOf": [{"type": ["string", "integer", "boolean"]}, _SECRET]},
}
"""What a store's options may be: those that are secrets only by reference."""


_NAMED = {"pattern": f"^{NAME}$"}


def schema() -> dict[str, Any]:
    """The schema, in draft 2020-12. The same for the same version of Covenant."""
    generated = _without_titles(Document.model_json_schema(by_alias=True))
    vault, region = generated["$defs"]["VaultTable"]["properties"], _without_titles(RegionTable.model_json_schema())
    vault["regions"].update(additionalProperties={"$ref": "#/$defs/RegionTable"}, propertyNames=_NAMED)
    generated["$defs"]["RegionTable"] = region
    for each in (vault, region["properties"], generated["$defs"]["BucketTable"]["properties"]):
        each["options"].update(_OPTIONS)
    for table in PROBES.values():
        generated["$defs"][table.__name__] = _without_titles(table.model_json_schema())
    asked = {"oneOf": [{"$ref": f"#/$defs/{table.__name__}"} for table in PROBES.values()]}
    for source in KINDS.values():
        generated["$defs"][source.__name__]["properties"]["probes"]["items"] = asked
    for section in ("vaults", "classes", "tiers", "sources"):
        generated["properties"][section]["propertyNames"] = _NAMED
    return {"$schema": DIALECT, "title": "covenant.toml", **generated}


def _without_titles(node: Any) -> Any:
    """Without the titles that only repeat a key, and without the nulls that TOML cannot write."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_titles(value) for key, value in node.items() if not _is_noise(key, value)}
    return _without_null(kept)


def _is_noise(key: str, value: object) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    real = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**real[0], **rest} if len(real) == 1 else {"anyOf": real, **rest}
