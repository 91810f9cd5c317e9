"""Events to bytes and back. What cannot be read is named by one of few reasons, never guessed at."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.events import (
    SCHEMA_VERSION,
    BalanceSnapshot,
    CollectorStatus,
    DeadLetter,
    DeadReason,
    Event,
    PriceQuote,
    RefreshCommand,
    WantedAsset,
)
from schemas.fields import TEXT_LENGTH_MAX
from schemas.portfolio import PortfolioState
from schemas.rows import KnownRows
from schemas.topics import BALANCES, TOPICS, Topic

EVENTS: Final[dict[str, type[Event]]] = {
    event.topic.name: event
    for event in (
        BalanceSnapshot,
        PriceQuote,
        WantedAsset,
        CollectorStatus,
        PortfolioState,
        RefreshCommand,
        DeadLetter,
    )
}
"""The event that each topic carries."""

_READ: Final = {name: event.__pydantic_validator__.validate_json for name, event in EVENTS.items()}
"""The compiled reading of each: a record a microsecond long is not worth a detour."""

_known_rows: Final = KnownRows()

KEY_BYTES_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Encoded:
    """A record ready for the bus. A value of None is a tombstone: it takes the key away."""

    topic: Topic
    key: str
    value: bytes | None


class Decoded(NamedTuple):
    """What a reader is given: the event of a key, or None for a tombstone."""

    topic: Topic
    key: str
    event: Event | None


class Stamp(Event):
    """The version and time of an event whose content was not asked for. Its key is the record's."""


class RecordTooLargeError(ValueError):
    """A record over its topic's limit. It is refused whole, never cut."""


class DecodeError(ValueError):
    """A record that is no event of its topic; ``reason`` says in one word why."""

    def __init__(self, reason: DeadReason, message: str) -> None:
        super().__init__(message[:TEXT_LENGTH_MAX])
        self.reason: DeadReason = reason


def encode(event: Event) -> Encoded:
    """The record of an event. RecordTooLargeError names the key and the limit."""
    return encode_value(event.topic, event.key, event.model_dump_json(exclude_none=True).encode())


def encode_value(topic: Topic, key: str, value: bytes) -> Encoded:
    """A record whose value was encoded already, held to the topic's limit."""
    check_record(topic, key, value)
    return Encoded(topic, key, value)


def check_record(topic: Topic, key: str, value: bytes) -> None:
    """RecordTooLargeError where a record is over its topic's limit, or has no possible key."""
    if len(value) > topic.record_bytes_max:
        raise RecordTooLargeError(
            f"the record of {key!r} on {topic.name} has {len(value)} bytes, the limit is {topic.record_bytes_max}"
        )
    if not key or len(key.encode()) > KEY_BYTES_MAX:
        raise RecordTooLargeError(f"a key of {topic.name} has 1 to {KEY_BYTES_MAX} bytes")


def tombstone(topic: Topic, key: str) -> Encoded:
    """The record that takes a key away from a compacted topic."""
    if not topic.compacted:
        raise ValueError(f"{topic.name} is not compacted: a tombstone means nothing there")
    return Encoded(topic, key, None)


def decode(topic_name: str, key: bytes | None, value: bytes | None) -> Decoded:
    """Read a record; DecodeError where it is not a whole and true event of its topic.

    The size is looked at before anything is parsed, and the key must be the one the content says.
    """
    topic = TOPICS.get(topic_name)
    if topic is None:
        raise DecodeError("unknown_topic", f"{topic_name!r} is none of our topics")
    text_key = _decode_key(key)
    if value is None:
        if not topic.compacted:
            raise DecodeError("invalid", f"{topic.name} has no tombstones")
        return Decoded(topic, text_key, None)
    if len(value) > topic.record_bytes_max:
        raise DecodeError("too_large", f"{len(value)} bytes, the limit is {topic.record_bytes_max}")
    event: Event | None = _known_rows.snapshot(value) if topic is BALANCES else None
    if event is None:
        try:
            event = _READ[topic_name](value)
        except ValidationError as error:
            raise _as_decode_error(error) from error
    if "schema_version" not in event.__pydantic_fields_set__:
        raise DecodeError("invalid", "schema_version: Field required")
    if event.key != text_key:
        raise DecodeError("wrong_key", f"the content says {event.key!r}, the key {text_key[:200]!r}")
    return Decoded(topic, text_key, event)


_OWN_HEAD: Final = re.compile(
    rb'\{"schema_version":%d,"epoch":(\d{1,16}),"seq":(\d{1,16}),"published_at":"([0-9T:.-]{19,26}Z)"' % SCHEMA_VERSION
)
"""How every event begins that is written by this version (a test holds it): enough to know its writer by."""


def decode_stamp(topic_name: str, key: bytes | None, value: bytes | None) -> Decoded:
    """Read of a record only who wrote it and when: a Stamp, a hundred times cheaper than a large event.

    DecodeError as :func:`decode` has it, but for content: what is written as this version writes it is not looked into.
    """
    topic = TOPICS.get(topic_name)
    if topic is None or value is None or len(value) > topic.record_bytes_max:
        return decode(topic_name, key, value)
    text_key = _decode_key(key)
    head = _OWN_HEAD.match(value)
    if head is not None and value.endswith(b"}"):
        epoch, seq, at = head.groups()
        try:
            published_at = dt.datetime.fromisoformat(at.decode())
        except ValueError:
            pass
        else:
            stamp = Stamp.model_construct(
                schema_version=SCHEMA_VERSION, epoch=int(epoch), seq=int(seq), published_at=published_at
            )
            return Decoded(topic, text_key, stamp)
    found = decode(topic_name, key, value)
    if found.event is None:
        return found
    event = found.event
    return Decoded(topic, text_key, Stamp(epoch=event.epoch, seq=event.seq, published_at=event.published_at))


def _decode_key(key: bytes | None) -> str:
    if not key:
        raise DecodeError("no_key", "the record has no key")
    if len(key) > KEY_BYTES_MAX:
        raise DecodeError("too_large", f"the key has {len(key)} bytes, the limit is {KEY_BYTES_MAX}")
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("wrong_key", "the key is not UTF-8") from error


def _as_decode_error(error: ValidationError) -> DecodeError:
    # Without the input: what is wrong may be somebody's secret in the wrong place.
    details = error.errors(include_url=False, include_input=False, include_context=False)
    if details[0]["type"] == "json_invalid":
        return DecodeError("not_json", details[0]["msg"])
    for detail in details:
        if detail["loc"] == ("schema_version",) and detail["type"] == "literal_error":
            return DecodeError("schema_unsupported", "a schema_version this reader does not know")
    first = details[0]
    where = ".".join(str(part) for part in first["loc"]) or "the record"
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return DecodeError("invalid", f"{where}: {first['msg']}{more}")
