"""Every event comes off the bus exactly as it went on."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.encoding import EVENTS, Decoded, decode, encode
from schemas.events import Event
from tests import strategies as make

KINDS = {
    "spark.balances": make.snapshots(),
    "spark.prices": make.quotes(),
    "spark.wanted": make.wanted(),
    "spark.collectors": make.statuses(),
    "spark.portfolio": make.portfolio_states(),
    "spark.commands": make.commands(),
    "spark.deadletter": make.dead_letters(),
}


def test_every_kind_of_event_is_generated():
    assert set(KINDS) == set(EVENTS)


@pytest.mark.parametrize("topic", KINDS)
@given(data=st.data())
@settings(max_examples=40, **make.UNHURRIED)
def test_an_event_is_read_as_it_was_written(topic: str, data: st.DataObject):
    event = data.draw(KINDS[topic])
    record = encode(event)
    assert record.topic.name == topic
    assert decode(topic, record.key.encode(), record.value) == Decoded(event.topic, event.key, event)


@given(event=make.events())
@settings(max_examples=50, **make.UNHURRIED)
def test_an_event_has_one_form(event: Event):
    record = encode(event)
    again = decode(record.topic.name, record.key.encode(), record.value).event
    assert again is not None
    assert encode(again).value == record.value


@given(event=make.events(), extra=st.dictionaries(st.text(max_size=5).map("new_{}".format), st.text(max_size=5)))
@settings(max_examples=40, **make.UNHURRIED)
def test_fields_of_a_newer_writer_are_ignored(event: Event, extra: dict[str, str]):
    record = encode(event)
    content = {**json.loads(record.value or b""), **extra}
    assert decode(record.topic.name, record.key.encode(), json.dumps(content).encode()).event == event
