"""The intake that all buses share, without a bus."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bus import deadletters, reader
from bus.deadletters import LETTERS_WAITING_MAX, DeadLetters
from bus.interface import POISON_IN_A_ROW_MAX, BusError, PublishError, RawRecord, ReaderState
from bus.reader import ReaderStatus, StateIntake, batches
from monitoring.metrics import BusMetrics
from schemas import topics
from schemas.encoding import DecodeError
from schemas.events import DeadLetter
from tests.contract.bus.tools import Recorder, eventually, wanted
from tests.unit.bus.tools import HandClock, raw

BAD = DecodeError("not_json", "no")


class Outbox:
    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.error: Exception | None = None
        self.calls = 0
        self.hangs = False

    async def publish(self, facts) -> None:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.letters += [DeadLetter.model_validate_json(fact.value) for fact in facts]


@pytest.fixture
def metrics():
    return BusMetrics(CollectorRegistry())


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def follower():
    return Recorder()


@pytest.fixture
def intake(follower, metrics, outbox):
    made = StateIntake(follower, ReaderStatus("test", metrics), DeadLetters(outbox.publish, HandClock()), metrics)
    made.restart()
    return made


def good(seq: int, partition: int = 0) -> RawRecord:
    fact = wanted(seq=seq)
    return RawRecord(fact.topic.name, partition, seq, fact.key.encode(), fact.value)


def bad(partition: int = 0, offset: int = 0, topic: str = "spark.wanted") -> RawRecord:
    return RawRecord(topic, partition, offset, b"key", b"poison")


@given(st.lists(st.none() | st.integers(0, 40), max_size=60))
@settings(max_examples=200, deadline=None)
def test_parts_are_small_whole_and_in_order(sizes):
    records = [raw("k", None if size is None else b"x" * size, offset) for offset, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "BATCH_RECORDS_MAX", 5)
        patch.setattr(reader, "BATCH_BYTES_MAX", 50)
        parts = [list(part) for part in batches(records)]
    assert [record for part in parts for record in part] == records
    for part in parts:
        assert 1 <= len(part) <= 5
        assert len(part) == 1 or sum(len(record.value or b"") for record in part) <= 50


async def test_good_records_before_the_end_are_given(intake, follower):
    records = [good(1), *(bad(offset=n) for n in range(POISON_IN_A_ROW_MAX)), good(2)]
    assert not intake.take(records)
    assert follower.state == {"main/BTC": 1}
    assert intake.status.state is ReaderState.FAILED
    assert not intake.take([good(3)])
    assert not intake.caught_up()
    assert not intake.topic_reset(topics.WANTED)
    assert follower.state == {"main/BTC": 1}
    assert not follower.given_at_caught_up
    assert not follower.resets


async def test_the_row_is_counted_for_each_partition(intake):
    for n in range(POISON_IN_A_ROW_MAX - 1):
        assert intake.take([bad(1, n), good(n, partition=2), bad(3, n)])
    assert intake.take([good(1, partition=1)])
    assert intake.take([bad(1)])
    assert not intake.take([bad(3)])
    assert intake.status.reason.startswith("poisoned: 20 bad records in a row on spark.wanted")


async def test_a_new_start_forgets_the_row(intake):
    assert not intake.take([bad(offset=n) for n in range(POISON_IN_A_ROW_MAX)])
    intake.restart()
    assert intake.status.state is ReaderState.LOADING
    assert intake.take([bad(offset=n) for n in range(POISON_IN_A_ROW_MAX - 1)])


async def test_a_topic_of_nobody_is_one_label(intake, metrics):
    assert intake.take([bad(topic=f"spark.x{n}") for n in range(5)])
    assert metrics.dead_letters.labels("other", "unknown_topic")._value.get() == 5


async def test_whatever_a_parser_raises_is_a_bad_record(intake, outbox, monkeypatch):
    def decode(*_: object) -> None:
        raise RecursionError("0.123 BTC")

    monkeypatch.setattr(reader, "decode", decode)
    assert intake.take([good(1)])
    await eventually(lambda: outbox.letters)
    assert outbox.letters[0].reason == "invalid"
    assert outbox.letters[0].message == "the record could not be read: RecursionError"


async def test_only_the_first_of_a_row_is_logged(intake):
    with capture_logs() as logs:
        intake.take([bad(offset=n) for n in range(5)])
        intake.take([good(1), bad(offset=7)])
    assert [entry["offset"] for entry in logs if "bad record" in entry["event"]] == [0, 7]
    assert "poison" not in str(logs)


async def test_a_reset_is_told(intake, follower):
    assert intake.topic_reset(topics.WANTED)
    assert follower.resets == [topics.WANTED]


async def test_a_reader_degrades_and_recovers_to_where_it_was(intake):
    status = intake.status
    status.degraded("no answer")
    assert (status.state, status.reason) == (ReaderState.DEGRADED, "no answer")
    status.recovered()
    assert (status.state, status.reason) == (ReaderState.LOADING, "")
    assert intake.caught_up()
    status.degraded("no answer")
    waiting = asyncio.create_task(status.live())
    await asyncio.sleep(0)
    assert not waiting.done()
    status.recovered()
    await waiting
    status.failed("first")
    status.failed("second")
    status.degraded("no answer")
    status.recovered()
    status.caught_up()
    assert (status.state, status.reason) == (ReaderState.FAILED, "first")


async def test_who_waits_for_a_reader_that_is_stopped_is_told(intake):
    waiting = asyncio.create_task(intake.status.live())
    await asyncio.sleep(0)
    intake.status.stopped()
    with pytest.raises(BusError, match="stopped"):
        await waiting


async def test_letters_that_cannot_be_published_stop_nothing(outbox):
    outbox.error = PublishError("broker away", unsent=1)
    letters = DeadLetters(outbox.publish, HandClock())
    with capture_logs() as logs:
        for n in range(3):
            letters.put(raw("a", b"poison", n), BAD)
            await eventually(lambda n=n: outbox.calls == n + 1 and letters._task is None)
    assert len(logs) == 1
    outbox.error = None
    letters.put(raw("a", b"poison", 9), BAD)
    await eventually(lambda: outbox.letters)
    assert [(letter.seq, letter.offset) for letter in outbox.letters] == [(4, 9)]


async def test_only_so_many_letters_wait(outbox):
    letters = DeadLetters(outbox.publish, HandClock())
    for n in range(LETTERS_WAITING_MAX + 50):
        letters.put(raw("a", b"poison", n), BAD)
    await letters.stop()
    assert [letter.offset for letter in outbox.letters] == list(range(50, LETTERS_WAITING_MAX + 50))


async def test_the_end_does_not_wait_for_letters_that_nobody_takes(outbox, monkeypatch):
    monkeypatch.setattr(deadletters, "STOP_WAIT_SECONDS", 0.01)
    outbox.hangs = True
    letters = DeadLetters(outbox.publish, HandClock())
    await letters.stop()
    letters.put(raw("a", b"poison"), BAD)
    await asyncio.wait_for(letters.stop(), 5)
    assert not outbox.letters


async def test_two_processes_give_their_letters_different_versions(outbox):
    clock = HandClock()
    epochs = {DeadLetters(outbox.publish, clock)._versions.epoch for _ in range(20)}
    assert len(epochs) > 10
    clock.move(seconds=1)
    assert DeadLetters(outbox.publish, clock)._versions.epoch > max(epochs)


async def test_a_topic_name_that_is_none_still_makes_a_letter(outbox):
    letters = DeadLetters(outbox.publish, HandClock())
    letters.put(raw("a", b"poison", topic="spark balances/ü"), BAD)
    await letters.stop()
    assert outbox.letters[0].source == "spark_balances__"
