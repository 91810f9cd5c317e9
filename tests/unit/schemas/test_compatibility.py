"""The rule by which the events may change (docs/consume.md), held by what was once released."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.encoding import EVENTS, decode, encode
from schemas.events import SCHEMA_MINOR, SCHEMA_VERSION
from schemas.export import file_name, json_schemas
from schemas.topics import TOPICS
from tests import strategies as make
from tests.unit.schemas.compatibility import breaks
from tests.unit.schemas.test_roundtrip import KINDS

DATA = Path(__file__).parents[2] / "data"
SUMS = DATA / "released.sha256"
SCHEMAS = {path.name: json.loads(path.read_bytes()) for path in sorted((DATA / "schemas" / "v1").glob("*.json"))}
MINORS = {
    f"{path.parent.name}/{path.name}": json.loads(path.read_bytes())
    for path in sorted((DATA / "schemas").glob("v*/*.json"))
}
"""Every stored schema: the whole of 1.0, and of each later minor version those that it added fields to."""
NEWEST = {Path(stored).name: schema for stored, schema in MINORS.items()}
STORED = sorted((DATA / "events").glob("v*/*.json"))


def released() -> dict[str, str]:
    """Path below tests/data -> hash, of everything that was ever released."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def test_what_was_released_is_never_edited_and_every_stored_file_is_listed() -> None:
    there = {
        path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("events", "schemas")
        for path in sorted((DATA / folder).glob("v*/*.json"))
    }
    wrong = [f"{digest}  {path}" for path, digest in there.items() if released().get(path) != digest]
    assert not wrong, f"a stored file is never edited: add a new one, and to {SUMS.name} its line:\n" + "\n".join(wrong)
    assert set(released()) <= set(there), "a stored file is never taken away"


def within(old: Any, new: Any) -> bool:
    """Whether everything of an old event is in the new one as it was; the new one may have more fields."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(name in new and within(old[name], new[name]) for name in old)
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(within, old, new))
    return bool(old == new)


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_event_ever_stored_is_read_by_the_present_models(path: Path) -> None:
    topic = ".".join(path.name.split(".")[:2])
    key = EVENTS[topic].model_validate_json(path.read_bytes()).key
    event = decode(topic, key.encode(), path.read_bytes()).event
    assert event is not None
    assert within(json.loads(path.read_bytes()), json.loads(encode(event).value or b""))


def test_every_topic_has_stored_events_and_a_stored_schema() -> None:
    assert {".".join(path.name.split(".")[:2]) for path in STORED} == set(TOPICS)
    assert set(SCHEMAS) == {file_name(topic) for topic in TOPICS}


@pytest.mark.parametrize("stored", MINORS)
def test_the_present_schemas_keep_what_the_stored_ones_promised(stored: str) -> None:
    assert not breaks(MINORS[stored], json_schemas()[Path(stored).name]), "this needs a new major schema_version"


@pytest.mark.parametrize("name", NEWEST)
def test_what_the_present_schemas_promise_is_stored(name: str) -> None:
    assert not breaks(json_schemas()[name], NEWEST[name]), "a field came: raise SCHEMA_MINOR and store the new schema"


def test_the_minor_version_is_the_newest_one_stored() -> None:
    minors = sorted(int(found.partition(".")[2] or 0) for found in {stored.partition("/")[0] for stored in MINORS})
    assert minors == list(range(SCHEMA_MINOR + 1)), f"v{SCHEMA_VERSION}.N has the schemas that its fields came to"


@pytest.mark.parametrize("stored", MINORS)
def test_the_stored_schemas_allow_fields_that_they_do_not_know(stored: str) -> None:
    text = json.dumps(MINORS[stored])
    assert "additionalProperties" not in text
    assert "unevaluatedProperties" not in text


@pytest.mark.parametrize("topic", KINDS)
@given(data=st.data())
@settings(max_examples=30, **make.UNHURRIED)
def test_what_is_written_now_is_valid_by_the_stored_schema(topic: str, data: st.DataObject) -> None:
    event = data.draw(KINDS[topic])
    content = json.loads(encode(event).value or b"")
    for schema in (schema for stored, schema in MINORS.items() if Path(stored).name == file_name(topic)):
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(content)
        # A newer writer's fields, anywhere, change nothing for who holds events to the schema of today.
        validator.validate({**content, "new_field": {"of": ["any", "kind"]}})


# --- the checker itself ---

BALANCES = SCHEMAS[file_name("spark.balances")]
Change = Callable[[dict[str, Any]], None]


def _default(schema: dict[str, Any]) -> None:
    schema["properties"]["note"] = {"type": "string", "default": ""}


def _nested(schema: dict[str, Any]) -> None:
    schema["$defs"]["Mirror"]["properties"]["share"] = {"type": "string", "default": "1"}


def _described(schema: dict[str, Any]) -> None:
    schema["description"] = "other words"
    schema["properties"]["cause"]["title"] = "Why"


def _reordered(schema: dict[str, Any]) -> None:
    schema["properties"]["cause"]["enum"].reverse()
    schema["$defs"]["Balance"]["properties"]["mirror_of"]["anyOf"].reverse()
    schema["required"].reverse()


def _renamed_definition(schema: dict[str, Any]) -> None:
    schema["$defs"]["Row"] = schema["$defs"].pop("Balance")
    schema["properties"]["balances"]["items"] = {"$ref": "#/$defs/Row"}


@pytest.mark.parametrize("change", [_default, _nested, _described, _reordered, _renamed_definition])
def test_the_checker_lets_a_harmless_change_pass(change: Change) -> None:
    new = copy.deepcopy(BALANCES)
    change(new)
    assert new != BALANCES
    assert breaks(BALANCES, new) == []


def _at(*path: str) -> Callable[[dict[str, Any]], Any]:
    def find(schema: dict[str, Any]) -> Any:
        for part in path:
            schema = schema[part]
        return schema

    return find


ROW = _at("$defs", "Balance")
FREE = _at("$defs", "Balance", "properties", "free")
MIRROR = _at("$defs", "Balance", "properties", "mirror_of")
CAUSE = _at("properties", "cause")
SEQ = _at("properties", "seq")

BREAKING: dict[str, tuple[Change, str]] = {
    "a field removed": (lambda schema: schema["properties"].pop("cause"), ".cause: removed"),
    "a field removed deep inside": (lambda schema: ROW(schema)["properties"].pop("interest"), "interest: removed"),
    "a field renamed": (
        lambda schema: schema["properties"].update(why=schema["properties"].pop("cause")),
        ".cause: removed",
    ),
    "a new field without a default": (
        lambda schema: schema["properties"].update(note={"type": "string"}),
        ".note: new and without a default",
    ),
    "a new required field": (
        lambda schema: (schema["properties"].update(note={"type": "string"}), schema["required"].append("note")),
        ".note: required now",
    ),
    "an optional field required": (
        lambda schema: schema["required"].append("command_id"),
        ".command_id: required now",
    ),
    "a required field optional": (lambda schema: schema["required"].remove("cause"), "now may be missing"),
    "another type": (lambda schema: FREE(schema).update(type="number"), "balances[].free: type was string, is number"),
    "a narrower pattern": (lambda schema: FREE(schema).update(pattern="^[0-9]+$"), "balances[].free: pattern was"),
    "a wider limit": (lambda schema: schema["properties"]["balances"].update(maxItems=9_999), "maxItems was 5000"),
    "a narrower limit": (lambda schema: SEQ(schema).update(maximum=5), ".seq: maximum was"),
    "a limit taken away": (lambda schema: SEQ(schema).pop("minimum"), ".seq: minimum was 0, is None"),
    "a word more": (lambda schema: CAUSE(schema)["enum"].append("push"), ".cause: enum was"),
    "a word less": (lambda schema: CAUSE(schema)["enum"].remove("poll"), ".cause: enum was"),
    "another default": (lambda schema: MIRROR(schema).update(default={}), "mirror_of: default was None"),
    "another major": (lambda schema: _at("properties", "schema_version")(schema).update(const=2), "const was 1, is 2"),
    "a kind more": (lambda schema: MIRROR(schema)["anyOf"].append({"type": "string"}), "is new"),
    "a kind less": (lambda schema: MIRROR(schema)["anyOf"].pop(), "has no like"),
    "a null more": (
        lambda schema: ROW(schema)["properties"].update(free={"anyOf": [FREE(schema), {"type": "null"}]}),
        "balances[].free: anyOf was None",
    ),
    "unknown fields refused": (
        lambda schema: schema.update(additionalProperties=False),
        "the event: additionalProperties",
    ),
    "a rule the checker does not know": (lambda schema: schema.update(minProperties=3), "minProperties was None"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_the_checker_names_a_change_that_needs_a_new_major(name: str) -> None:
    change, expected = BREAKING[name]
    new = copy.deepcopy(BALANCES)
    change(new)
    assert any(expected in found for found in breaks(BALANCES, new)), breaks(BALANCES, new)


def test_a_default_beside_a_reference_counts() -> None:
    collectors = SCHEMAS[file_name("spark.collectors")]
    new = copy.deepcopy(collectors)
    new["properties"]["permissions"]["default"]["state"] = "read_only"
    assert any(".permissions: default was" in found for found in breaks(collectors, new))


def test_no_schema_breaks_itself() -> None:
    for schema in SCHEMAS.values():
        assert breaks(schema, copy.deepcopy(schema)) == []
