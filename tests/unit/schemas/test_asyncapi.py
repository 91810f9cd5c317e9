"""The AsyncAPI document: it is the one of the models, AsyncAPI's own schema takes it, and it leads to every event."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.subscriptions import INPUTS, OWN
from api.server import FOLLOWED
from cli.export import examples, write_contract
from collectors import role as collector
from schemas.asyncapi import KEYS, ROLES, document
from schemas.encoding import EVENTS, encode
from schemas.export import file_name, json_schemas, render
from schemas.topics import TOPICS, join_key
from tests import strategies as make
from tests.unit.schemas.test_roundtrip import KINDS

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"
DOCUMENT: dict[str, Any] = document(examples())
OFFICIAL = jsonschema.Draft7Validator(json.loads((DATA / "asyncapi" / "3.0.0.json").read_bytes()))
GOLDEN = sorted((DATA / "events").glob("v1/*.json"))


def resolve(reference: str) -> Any:
    """What a reference within the document leads to, through further references."""
    assert reference.startswith("#/"), reference
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return resolve(found["$ref"]) if isinstance(found, dict) and set(found) == {"$ref"} else found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def payload_validator(topic: str) -> jsonschema.Draft7Validator:
    """What checks a record's value, found as a program finds it: from the address over the channel and its message."""
    (channel,) = (channel for channel in DOCUMENT["channels"].values() if channel["address"] == topic)
    message = resolve(channel["messages"][EVENTS[topic].__name__]["$ref"])
    # References within the schema are from the root of the document, so the document goes with it.
    return jsonschema.Draft7Validator({**DOCUMENT, **message["payload"]})


def test_the_published_document_is_the_one_of_the_models() -> None:
    assert (ROOT / "schemas" / "asyncapi.json").read_text(encoding="utf-8") == render(DOCUMENT), "run: make schemas"


def test_the_schema_of_asyncapi_itself_takes_the_document() -> None:
    OFFICIAL.validate(DOCUMENT)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("operations", "api.send.spark.commands", "action"), "sent"),
        (("channels", "spark.prices", "bindings", "kafka", "partitions"), 0),
        (("channels", "spark.prices", "bindings", "kafka", "topicConfiguration", "cleanup.policy"), "compact"),
        (("components", "schemas", "Balance", "type"), "objekt"),
        (("components", "securitySchemes", "scram", "type"), "scram"),
        (("servers", "plain"), {"protocol": "kafka"}),
        (("info",), {"title": "no version"}),
    ],
    ids=lambda part: part[-1] if isinstance(part, tuple) else "",
)
def test_the_schema_of_asyncapi_sees_what_is_wrong(path: tuple[str, ...], value: object) -> None:
    broken = copy.deepcopy(DOCUMENT)
    part = broken
    for name in path[:-1]:
        part = part[name]
    assert path[-1] in part
    part[path[-1]] = value
    assert not OFFICIAL.is_valid(broken)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        assert isinstance(resolve(reference), dict), reference
    # Nothing is left of the references within the schemas that it was made of.
    assert "$defs" not in json.dumps(DOCUMENT)


def test_every_component_is_used() -> None:
    used = set(references(DOCUMENT))
    for kind in ("schemas", "messages", "securitySchemes"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_every_topic_is_a_channel_as_the_table_says() -> None:
    assert [channel["address"] for channel in DOCUMENT["channels"].values()] == list(TOPICS)
    for name, topic in TOPICS.items():
        channel = DOCUMENT["channels"][name]
        kafka = channel["bindings"]["kafka"]
        configuration = kafka["topicConfiguration"]
        assert kafka["topic"] == name
        assert kafka["partitions"] == topic.partitions
        assert ("compact" in configuration["cleanup.policy"]) == topic.compacted
        assert ("delete" in configuration["cleanup.policy"]) == (topic.retention_seconds is not None)
        assert configuration.get("retention.ms") == (topic.retention_seconds and topic.retention_seconds * 1000)
        assert channel["x-record-bytes-max"] == topic.record_bytes_max
        assert (f"{EVENTS[name].__name__}Tombstone" in channel["messages"]) == topic.compacted
        assert ("murmur2" in channel["description"]) == topic.by_portfolio


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_stored_event_is_valid_by_what_its_channel_leads_to(path: Path) -> None:
    topic = ".".join(path.name.split(".")[:2])
    payload_validator(topic).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("topic", TOPICS)
def test_a_broken_event_is_not(topic: str) -> None:
    event = dict(examples()[topic])
    for name in json_schemas()[file_name(topic)]["required"]:
        assert not payload_validator(topic).is_valid({field: event[field] for field in event if field != name}), name
    assert not payload_validator(topic).is_valid({**event, "schema_version": 2})
    assert not payload_validator(topic).is_valid(None)


def test_what_the_document_says_of_amounts_reaches_into_the_parts() -> None:
    event = copy.deepcopy(examples()["spark.portfolio"])
    event["accounts"][0]["holdings"][0]["free"] = 0.5
    assert not payload_validator("spark.portfolio").is_valid(event)


@pytest.mark.parametrize("topic", KINDS)
@given(data=st.data())
@settings(max_examples=25, **make.UNHURRIED)
def test_keys_are_what_the_document_says(topic: str, data: st.DataObject) -> None:
    event = data.draw(KINDS[topic])
    assert event.key == join_key(*(getattr(event, part) for part in KEYS[topic]))
    message = DOCUMENT["components"]["messages"][EVENTS[topic].__name__]
    key = message["bindings"]["kafka"]["key"]
    assert re.fullmatch(key["pattern"], event.key)
    assert not re.fullmatch(key["pattern"], f"{event.key}/more")
    assert "/".join(KEYS[topic]) in key["description"]
    payload_validator(topic).validate(json.loads(encode(event).value or b""))


def test_each_message_has_a_stored_event_as_its_example() -> None:
    stored = [json.loads(path.read_bytes()) for path in GOLDEN]
    for topic, event in EVENTS.items():
        (example,) = DOCUMENT["components"]["messages"][event.__name__]["examples"]
        assert example["payload"] in stored
        assert example["summary"].endswith(f" {event.model_validate(example['payload']).key}"), topic


def test_the_operations_are_what_the_parts_really_follow() -> None:
    follows = {role.name: {topic.name for topic in (*role.receives, *role.own)} for role in ROLES}
    assert follows == {
        "collector": {topic.name for topic in (*collector.TOPICS, collector.WANTED, collector.COMMANDS)},
        "aggregator": {topic.name for topic in (*INPUTS, *OWN)},
        "api": {topic.name for topic in FOLLOWED},
    }


def test_every_topic_has_one_kind_of_sender_and_every_state_a_receiver() -> None:
    operations = DOCUMENT["operations"]
    for name, topic in TOPICS.items():
        senders = {role.name for role in ROLES if f"{role.name}.send.{name}" in operations}
        receivers = {role.name for role in ROLES if f"{role.name}.receive.{name}" in operations}
        assert len(senders) == (3 if name == "spark.deadletter" else 1), name
        assert receivers or not topic.compacted, name
    assert len(operations) == sum(len({*role.sends}) + len({*role.receives, *role.own}) for role in ROLES)


def test_two_models_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = json_schemas()
    schemas[file_name("spark.collectors")]["$defs"]["SourceError"]["description"] = "another one"
    monkeypatch.setattr("schemas.asyncapi.json_schemas", lambda: schemas)
    with pytest.raises(ValueError, match="two models are called SourceError"):
        document({})


def test_without_examples_the_rest_stays() -> None:
    bare = document({})
    OFFICIAL.validate(bare)
    assert "examples" not in json.dumps(bare["components"]["messages"])


def test_all_of_the_contract_is_written_to_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    written = write_contract(folder)
    assert {path.name for path in written} == {path.name for path in folder.iterdir()}
    assert {path.name for path in written} == {*json_schemas(), "asyncapi.json"}
    assert (folder / "asyncapi.json").read_bytes() == (ROOT / "schemas" / "asyncapi.json").read_bytes()
