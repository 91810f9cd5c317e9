"""Versions: the newest record wins, in whatever order records arrive."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import versions
from schemas.fields import from_milliseconds, milliseconds
from schemas.versions import EPOCH_MAX, EPOCH_RANDOM_MAX, Sequence, Version, VersionGate, next_epoch

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)

RECORDS = st.lists(st.tuples(st.sampled_from("abc"), st.tuples(st.integers(0, 3), st.integers(0, 5))), max_size=30)


def fold(records: list[tuple[str, Version]]) -> dict[str, Version | None]:
    gate = VersionGate()
    for key, version in records:
        gate.admits(key, version)
    return {key: gate.version(key) for key in "abc"}


@given(RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_order_and_repetition_do_not_matter(records, random):
    shuffled = records + records
    random.shuffle(shuffled)
    newest = {key: max((version for other, version in records if other == key), default=None) for key in "abc"}
    assert fold(records) == fold(shuffled) == newest


@given(RECORDS)
@settings(max_examples=200, deadline=None)
def test_what_is_let_through_only_grows(records):
    gate = VersionGate()
    last: dict[str, Version] = {}
    for key, version in records:
        if gate.admits(key, version):
            assert key not in last or version > last[key]
            last[key] = version
        assert not gate.admits(key, version)


@given(st.lists(st.one_of(st.tuples(st.integers(0, 3), st.integers(0, 5)), st.none()), max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_deleted_key_comes_back_only_by_a_newer_record(steps):
    gate = VersionGate()
    largest: Version | None = None
    there = False
    for version in steps:
        if version is None:
            assert gate.delete("key") is there
            there = False
        else:
            newer = largest is None or version > largest
            assert gate.admits("key", version) is newer
            if newer:
                largest, there = version, True
        assert gate.version("key") == (largest if there else None)
        assert len(gate) == there


def test_only_so_many_deleted_keys_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(versions, "DELETED_KEYS_MAX", 2)
    gate = VersionGate()
    for key in "abc":
        gate.admits(key, (1, 1))
        gate.delete(key)
    assert [gate.admits(key, (1, 1)) for key in "abc"] == [True, False, False]


def test_after_a_reset_of_the_topic_everything_is_new():
    gate = VersionGate()
    gate.admits("a", (5, 5))
    gate.delete("a")
    gate.admits("b", (5, 5))
    gate.forget()
    assert gate.admits("a", (1, 1))
    assert gate.admits("b", (1, 1))


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**42), st.integers(0, EPOCH_RANDOM_MAX - 1))
@settings(max_examples=200, deadline=None)
def test_an_epoch_is_larger_than_all_seen_and_than_the_start_time(seen, started_ms, random_part):
    epoch = next_epoch(seen, from_milliseconds(started_ms), random_part)
    assert epoch > seen
    assert epoch >= started_ms * EPOCH_RANDOM_MAX
    assert epoch in {seen + 1, started_ms * EPOCH_RANDOM_MAX + random_part}


def test_a_clock_that_went_back_does_not_make_an_epoch_smaller():
    first = next_epoch(0, NOW, 7)
    assert next_epoch(first, NOW - dt.timedelta(days=400), 0) == first + 1


def test_an_epoch_of_a_later_millisecond_is_larger_whatever_the_random_parts():
    assert next_epoch(0, NOW, EPOCH_RANDOM_MAX - 1) < next_epoch(0, NOW + dt.timedelta(milliseconds=1), 0)


def test_behind_the_largest_epoch_there_can_be_nobody_writes_and_a_person_is_told_why():
    assert next_epoch(EPOCH_MAX - 1, NOW, 0) == EPOCH_MAX
    with pytest.raises(ValueError, match="tombstone"):
        next_epoch(EPOCH_MAX, NOW, 0)


def test_an_epoch_fits_a_count_for_centuries():
    assert next_epoch(0, dt.datetime(2200, 1, 1, tzinfo=dt.UTC), 0) < 2**53


@pytest.mark.parametrize("random_part", [-1, EPOCH_RANDOM_MAX])
def test_a_random_part_out_of_range_is_refused(random_part):
    with pytest.raises(ValueError, match="random part"):
        next_epoch(0, NOW, random_part)


def test_a_sequence_counts_each_key_alone():
    sequence = Sequence(9)
    assert sequence.last("a") is None
    assert [sequence.next(key) for key in "aaba"] == [(9, 1), (9, 2), (9, 1), (9, 3)]
    assert sequence.last("a") == (9, 3)


@given(st.integers(0, 2**53))
@settings(max_examples=200, deadline=None)
def test_milliseconds_are_cut_not_rounded(microseconds):
    moment = from_milliseconds(0) + dt.timedelta(microseconds=microseconds)
    cut = from_milliseconds(milliseconds(moment))
    assert dt.timedelta(0) <= moment - cut < dt.timedelta(milliseconds=1)
    assert milliseconds(cut) == milliseconds(moment)


@pytest.mark.parametrize("value", [10**18, -(10**18)])
def test_a_time_beyond_the_calendar_is_refused(value):
    with pytest.raises(ValueError, match="calendar"):
        from_milliseconds(value)
