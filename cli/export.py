"""What is published of the contract for programs that do not use our code: JSON Schemas and the AsyncAPI document."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from schemas.asyncapi import document
from schemas.encoding import EVENTS
from schemas.export import json_schemas, render

SCHEMAS_FOLDER: Final = Path("schemas/json")
ASYNCAPI_FILE: Final = Path("schemas/asyncapi.json")
"""Where both stand in the source; in a folder that somebody named they lie together."""


def examples() -> dict[str, Any]:
    """Topic -> an event of it, from the examples that come with the package."""
    folder = files("schemas") / "examples"
    return {topic: json.loads((folder / f"{topic}.json").read_text(encoding="utf-8")) for topic in EVENTS}


def write_contract(folder: Path | None) -> list[Path]:
    """Write all of it; the files, in order. OSError where the folder cannot be written."""
    schemas = SCHEMAS_FOLDER if folder is None else folder
    texts = {schemas / name: render(schema) for name, schema in json_schemas().items()}
    texts[ASYNCAPI_FILE if folder is None else folder / ASYNCAPI_FILE.name] = render(document(examples()))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)
