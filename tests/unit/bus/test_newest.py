"""The newest of every key, bounded."""

import pytest

from bus import newest
from bus.newest import NewestRecords
from schemas import topics
from schemas.encoding import Encoded
from tests.unit.bus.tools import stored


def fact(key: str, value: bytes | None = b"x") -> Encoded:
    return Encoded(topics.WANTED, key, value)


def test_the_newest_is_kept_and_a_tombstone_takes_it_away():
    records = NewestRecords()
    for offset, (key, value) in enumerate([("a", b"1"), ("b", b"1"), ("a", b"2"), ("b", None), ("c", None)]):
        records.put(stored(key, value, offset))
    records.put(stored("a", b"1", 9, topic="spark.prices"))
    assert [(record.raw.key, record.raw.value) for record in records.of(["spark.wanted"])] == [(b"a", b"2")]
    assert len(list(records)) == 2


def test_records_are_handed_out_oldest_first_over_all_topics():
    records = NewestRecords()
    records.put(stored("a", offset=3))
    records.put(stored("b", offset=1))
    records.put(stored("c", offset=2, topic="spark.prices"))
    assert [record.raw.offset for record in records.of(["spark.wanted", "spark.prices"])] == [1, 2, 3]


def test_commands_and_records_without_a_key_are_no_state():
    records = NewestRecords()
    records.put(stored("", offset=1))
    records.put(stored("binance", topic="spark.commands"))
    records.put(stored("a", topic="unknown"))
    assert not list(records)


def test_too_many_keys_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(newest, "KEYS_PER_TOPIC_MAX", 3)
    records = NewestRecords()
    for key in "ab":
        records.put(stored(key))
    assert not records.refusal([fact("a"), fact("c"), fact("c"), fact("x", None)], 0, 0)
    assert "more than 3 keys" in records.refusal([fact("c"), fact("d")], 0, 0)
    assert "more than 3 keys" in records.refusal([fact("c")], 1, 0)
    assert not records.refusal([fact("a"), fact("b")], 100, 0)


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(newest, "BYTES_MAX", 10)
    records = NewestRecords()
    records.put(stored("a", b"12345678"))
    assert not records.refusal([fact("a", b"1234567890")], 0, 0)
    assert "MB" in records.refusal([fact("a", b"12345678901")], 0, 0)
    assert "MB" in records.refusal([fact("b", b"12")], 0, 1)
    records.put(stored("a", None))
    assert not records.refusal([fact("b", b"1234567890")], 0, 0)
    records.put(stored("b", b"1234567890123"))
    assert not records.refusal([fact("b", b"123456789012")], 0, 0), "what shrinks is always let in"
