"""The JSON Schemas of all events, for programs that read the topics without our code."""

import json
from typing import Any, Final

from schemas.encoding import EVENTS
from schemas.events import SCHEMA_VERSION

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def file_name(topic_name: str) -> str:
    """``spark.balances`` -> ``spark.balances.v1.schema.json``."""
    return f"{topic_name}.v{SCHEMA_VERSION}.schema.json"


def json_schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema of what writers send: amounts are strings there, never numbers."""
    schemas: dict[str, dict[str, Any]] = {}
    for topic_name, event in EVENTS.items():
        schema = event.model_json_schema(mode="serialization")
        schemas[file_name(topic_name)] = {
            "$schema": DIALECT,
            "$id": f"urn:spark-portfolio:{topic_name}:v{SCHEMA_VERSION}",
            **schema,
            # Writers always send it, and readers refuse an event without it.
            "required": ["schema_version", *schema["required"]],
        }
    return schemas


def render(schema: dict[str, Any]) -> str:
    """The text of a schema file."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
