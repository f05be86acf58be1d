"""The JSON schema of contracts and of hospital.yml, for editors: completed from the models and the canonical feeds."""

from typing import Any

from orchestration.ingestion.canonical_feeds import COLUMNS_FILLED_BY_READER, canonical_feeds
from orchestration.ingestion.contract.model import SETTINGS_OF_HOSPITAL, HospitalIdentity, SourceContract

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract_schema() -> dict[str, Any]:
    """Of a feed's contract: which settings there are, the feeds, and for each feed its columns and their words."""
    schema = SourceContract.model_json_schema()
    for name in SETTINGS_OF_HOSPITAL:
        schema["properties"].pop(name, None)
    schema["properties"]["feed"]["enum"] = list(canonical_feeds())
    schema["allOf"] = [
        {
            "if": {"properties": {"feed": {"const": feed}}, "required": ["feed"]},
            "then": {"properties": {"fields": {"properties": _fields(feed), "additionalProperties": False}}},
        }
        for feed in canonical_feeds()
    ]
    return {"$schema": DIALECT, "title": "A source contract of the CRLM outcomes warehouse", **schema}


def hospital_schema() -> dict[str, Any]:
    """Of hospital.yml."""
    return {
        "$schema": DIALECT,
        "title": "A hospital of the CRLM outcomes warehouse",
        **HospitalIdentity.model_json_schema(),
    }


def _fields(feed: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, column in canonical_feeds()[feed].columns.items():
        if name in COLUMNS_FILLED_BY_READER:
            continue
        unit = f", {column.unit}" if column.unit else ""
        words = f": {', '.join(column.words)}" if column.words else ""
        fields[name] = {"$ref": "#/$defs/FieldContract", "description": f"{column.type}{unit}{words}"}
        if column.words:
            # an editor offers the words that a code may stand for
            of_codes = {"codes": {"type": "object", "additionalProperties": {"enum": column.words}}}
            fields[name] = {
                "allOf": [fields[name], {"properties": of_codes}],
                "description": fields[name]["description"],
            }
    return fields
