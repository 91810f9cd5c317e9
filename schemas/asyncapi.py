"""The AsyncAPI 3 document of the topics, made from the one table of topics and the models of the events.

It describes the bus as a whole: every channel, what is on it, and which of our parts sends and which receives.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas import topics
from schemas.encoding import EVENTS
from schemas.events import SCHEMA_MINOR, SCHEMA_VERSION
from schemas.export import file_name, json_schemas
from schemas.topics import TOPICS, Topic, join_key

ASYNCAPI_VERSION: Final = "3.0.0"
BINDING_VERSION: Final = "0.5.0"
"""Of the bindings for Kafka; the newest that the schema of AsyncAPI 3.0.0 knows."""

_SCHEMAS: Final = "#/components/schemas/"
_DEFS: Final = "#/$defs/"

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    topics.BALANCES.name: ("portfolio", "exchange", "account", "wallet"),
    topics.PRICES.name: ("exchange", "base", "quote"),
    topics.WANTED.name: ("portfolio", "asset"),
    topics.COLLECTORS.name: ("portfolio", "exchange", "account"),
    topics.PORTFOLIO.name: ("portfolio",),
    topics.COMMANDS.name: ("exchange",),
    topics.DEADLETTER.name: ("source",),
}
"""Which fields of an event make its key, in this order."""

_ESCAPED: Final = r"([^\u0000-\u001f\u007f-\u009f\u2028\u2029%/]|%25|%2F){1,64}"
"""An asset's code within a key: any script, ``%`` and ``/`` escaped."""

_FREE_TEXT: Final = frozenset({"base", "quote", "asset"})
"""The parts of keys that may need escaping; all others are names of letters, digits and few signs."""


@dataclass(frozen=True, slots=True)
class Role:
    """One of our parts on the bus. ``own`` are topics that it follows for the sake of the keys it writes itself."""

    name: str
    sends: tuple[Topic, ...]
    receives: tuple[Topic, ...]
    own: tuple[Topic, ...]


ROLES: Final = (
    Role(
        "collector",
        sends=(topics.BALANCES, topics.PRICES, topics.COLLECTORS, topics.DEADLETTER),
        receives=(topics.WANTED, topics.COMMANDS),
        own=(topics.BALANCES, topics.COLLECTORS),
    ),
    Role(
        "aggregator",
        sends=(topics.PORTFOLIO, topics.WANTED, topics.DEADLETTER),
        receives=(topics.BALANCES, topics.PRICES, topics.COLLECTORS),
        own=(topics.PORTFOLIO, topics.WANTED),
    ),
    Role(
        "api",
        sends=(topics.COMMANDS, topics.DEADLETTER),
        receives=(topics.PORTFOLIO, topics.COLLECTORS),
        own=(),
    ),
)

_PURPOSE: Final[Mapping[str, str]] = {
    topics.BALANCES.name: "What each wallet holds: the newest record of a key is the complete content of that wallet.",
    topics.PRICES.name: "The last price of each symbol that somebody's holdings are priced by.",
    topics.WANTED.name: "Which assets need quotes. Whoever lists one quotes it; a tombstone says nobody needs it.",
    topics.COLLECTORS.name: "How the reading of each account goes; on every change, and every 15 s as a sign of life.",
    topics.PORTFOLIO.name: "The portfolios, priced and summed: what the API serves. Most consumers need no other.",
    topics.COMMANDS.name: "Requests to read an exchange now. They are not state and expire within seconds.",
    topics.DEADLETTER.name: "Records that a reader stepped over: their first KB, their hash, their place, the reason.",
}

_DESCRIPTION: Final = """\
Events are whole facts, immutable and keyed: the newest record of a key is the truth. Newest is the record with the \
largest version `(epoch, seq)`, not the one that came last. A null value (a tombstone) takes the key away. Unknown \
fields are to be ignored; another `schema_version` is to be refused. Amounts are exact decimals in strings.

The addresses are the topics' plain names. Where the setting `TOPIC_PREFIX` is used, its value stands before each of \
them, with nothing in between; that is no channel parameter here, since without the setting there is none.

How to follow the topics, and a sample consumer: docs/consume.md."""


def document(examples: Mapping[str, Any]) -> dict[str, Any]:
    """The document. ``examples`` has one event per topic, as it stands in a record; a topic without one gets none."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Spark Portfolio: the topics",
            "version": f"{SCHEMA_VERSION}.{SCHEMA_MINOR}.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(_operations()),
        "components": {
            "schemas": _components(),
            "messages": {
                name: message for topic in TOPICS.values() for name, message in _messages(topic, examples).items()
            },
            "securitySchemes": {
                "scram": {
                    "type": "scramSha512",
                    "description": "SASL_SSL with SCRAM-SHA-512: a user name and a password, over TLS.",
                },
                "certificate": {"type": "X509", "description": "mTLS: the client shows a certificate of its own."},
            },
        },
    }


def _servers() -> dict[str, Any]:
    variables = {
        "host": {"default": "127.0.0.1", "description": "A broker; any one will do to begin with."},
        "port": {"default": "9092", "description": "The port of its listener."},
    }
    bindings = {"kafka": {"bindingVersion": BINDING_VERSION}}
    return {
        "plain": {
            "host": "{host}:{port}",
            "protocol": "kafka",
            "title": "Plain text",
            "description": "Without encryption or users: for one machine, or a network of its own.",
            "variables": variables,
            "bindings": bindings,
        },
        "secured": {
            "host": "{host}:{port}",
            "protocol": "kafka-secure",
            "title": "TLS",
            "description": "Encrypted, and every client known: by a password (SCRAM) or by a certificate.",
            "variables": variables,
            "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("scram", "certificate")],
            "bindings": bindings,
        },
    }


def _event_name(topic: Topic) -> str:
    return EVENTS[topic.name].__name__


def _tombstone_name(topic: Topic) -> str:
    return f"{_event_name(topic)}Tombstone"


def _message_names(topic: Topic) -> tuple[str, ...]:
    return (_event_name(topic), _tombstone_name(topic)) if topic.compacted else (_event_name(topic),)


def _channel(topic: Topic) -> dict[str, Any]:
    policy = ["compact"] * topic.compacted + ["delete"] * (topic.retention_seconds is not None)
    configuration: dict[str, Any] = {"cleanup.policy": policy}
    if topic.retention_seconds is not None:
        configuration["retention.ms"] = topic.retention_seconds * 1000
    split = (
        " Split by portfolio: the partition is murmur2 of the portfolio's name, made positive, modulo the number of "
        "partitions."
        if topic.by_portfolio
        else ""
    )
    return {
        "address": topic.name,
        "title": _event_name(topic),
        "description": f"{_PURPOSE[topic.name]}{split} A record has at most {topic.record_bytes_max} bytes.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING_VERSION,
            }
        },
        "x-record-bytes-max": topic.record_bytes_max,
    }


def _messages(topic: Topic, examples: Mapping[str, Any]) -> dict[str, Any]:
    name = _event_name(topic)
    bindings = {"kafka": {"key": _key_schema(topic), "bindingVersion": BINDING_VERSION}}
    event: dict[str, Any] = {
        "name": name,
        "contentType": "application/json",
        "payload": {"$ref": f"{_SCHEMAS}{name}"},
        "bindings": bindings,
    }
    example = examples.get(topic.name)
    if example is not None:
        key = join_key(*(example[part] for part in KEYS[topic.name]))
        event["examples"] = [{"name": name, "summary": f"The record of the key {key}", "payload": example}]
    messages = {name: event}
    if topic.compacted:
        messages[_tombstone_name(topic)] = {
            "name": _tombstone_name(topic),
            "summary": "A record without a value: its key is gone. Versions seen of the key stay in force.",
            "payload": {"type": "null"},
            "bindings": bindings,
        }
    return messages


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for role in ROLES:
        for topic in role.sends:
            yield _operation(role, "send", topic, f"The {role.name} publishes here.")
        for topic in dict.fromkeys((*role.receives, *role.own)):
            why = "follows this topic" if topic in role.receives else "follows its own keys here: who replaces it"
            yield _operation(role, "receive", topic, f"The {role.name} {why}.")


def _operation(role: Role, action: str, topic: Topic, summary: str) -> tuple[str, dict[str, Any]]:
    return f"{role.name}.{action}.{topic.name}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": summary,
        "tags": [{"name": role.name}],
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _message_names(topic)],
    }


def _components() -> dict[str, Any]:
    """Every model of every event once; ValueError where two models of one name differ."""
    published = json_schemas()
    components: dict[str, Any] = {}
    for topic in TOPICS.values():
        name = _event_name(topic)
        schema = dict(published[file_name(topic.name)])
        parts = {**schema.pop("$defs", {}), name: schema}
        # The payloads are in AsyncAPI's own dialect, to which everything used here means the same.
        del schema["$schema"], schema["$id"]
        for part_name, part in parts.items():
            moved = _moved(part)
            if components.setdefault(part_name, moved) != moved:
                raise ValueError(f"two models are called {part_name} and differ: give one another name")
    return components


def _moved(schema: Any) -> Any:
    """A schema whose references lead to the components instead of its own definitions."""
    if isinstance(schema, dict):
        return {
            name: value.replace(_DEFS, _SCHEMAS) if name == "$ref" and isinstance(value, str) else _moved(value)
            for name, value in schema.items()
        }
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    return schema


def _key_schema(topic: Topic) -> dict[str, Any]:
    parts = KEYS[topic.name]
    properties = EVENTS[topic.name].model_json_schema(mode="serialization")["properties"]
    patterns = [_ESCAPED if part in _FREE_TEXT else properties[part]["pattern"].strip("^$") for part in parts]
    # In place: the schema of the bindings takes a reference here for two things at once.
    return {
        "type": "string",
        "description": f"{'/'.join(parts)}, in UTF-8; within a part % is written %25 and / is written %2F.",
        "pattern": f"^{'/'.join(patterns)}$",
    }
