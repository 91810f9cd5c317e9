"""Who writes a topic reads of its own records only the version: the same one, and cheaply, whoever wrote them."""

import json

import pytest
from hypothesis import given, settings

import schemas.encoding
from schemas import topics
from schemas.encoding import DecodeError, Stamp, decode_stamp, encode
from schemas.events import Event
from tests.strategies import events


@settings(max_examples=200, deadline=None)
@given(event=events())
def test_the_stamp_of_an_event_is_its_version_and_time(event: Event):
    fact = encode(event)
    found = decode_stamp(fact.topic.name, fact.key.encode(), fact.value)
    assert isinstance(found.event, Stamp)
    assert (found.topic, found.key) == (fact.topic, fact.key)
    assert found.event.version == event.version
    assert found.event.published_at == event.published_at


@settings(max_examples=100, deadline=None)
@given(event=events())
def test_what_this_version_writes_is_not_looked_into(event: Event):
    fact = encode(event)
    head = schemas.encoding._OWN_HEAD.match(fact.value or b"")
    assert head is not None
    assert [int(number) for number in head.groups()[:2]] == list(event.version)


@settings(max_examples=50, deadline=None)
@given(event=events())
def test_another_order_of_fields_is_read_whole(event: Event):
    fact = encode(event)
    turned = json.dumps(dict(reversed(json.loads(fact.value or b"").items()))).encode()
    found = decode_stamp(fact.topic.name, fact.key.encode(), turned)
    assert isinstance(found.event, Stamp)
    assert found.event.version == event.version


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"main", b'{"epoch":1}', "invalid"),
        (b"main", b"not json", "not_json"),
        (b"main", b'{"schema_version":1,"epoch":1,"seq":1,"published_at":"2026-11-22T10:00:00.000Z","a', "not_json"),
        (b"main", b'{"schema_version":2,"epoch":1,"seq":1}', "schema_unsupported"),
        (b"main", b'{"schema_version":1,"epoch":1,"seq":1,"published_at":"2026-99-99T10:00:00.000Z"}', "invalid"),
        (None, b"{}", "no_key"),
        (b"main", b"x" * (topics.PORTFOLIO.record_bytes_max + 1), "too_large"),
    ],
)
def test_what_is_no_event_is_still_a_bad_record(key, value, reason):
    with pytest.raises(DecodeError) as caught:
        decode_stamp(topics.PORTFOLIO.name, key, value)
    assert caught.value.reason == reason


def test_a_tombstone_has_no_stamp():
    assert decode_stamp(topics.PORTFOLIO.name, b"main", None).event is None
