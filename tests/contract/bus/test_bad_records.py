"""Bad records are counted, told of and stepped over; too many in a row stop the reader."""

import asyncio
import base64
import hashlib
import json

import pytest

from bus.interface import POISON_IN_A_ROW_MAX, BusError, ReaderState
from schemas import topics
from schemas.encoding import DecodeError, decode
from schemas.events import BalanceSnapshot, DeadLetter
from tests.contract.bus.tools import Recorder, eventually, snapshot, wanted

KEY = b"main/binance/main/spot"
GOOD = snapshot().value or b""


def with_amount(amount: str) -> bytes:
    """The amount as JSON, so a text brings its own quotes."""
    return GOOD.replace(b'"free":"1"', f'"free":{amount}'.encode()).replace(
        b'"total":"1"', f'"total":{amount}'.encode()
    )


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(GOOD), **fields}).encode()


BAD = {
    "not json": (KEY, b"not json", "not_json"),
    "truncated": (KEY, GOOD[:-9], "not_json"),
    "invalid utf-8": (KEY, GOOD.replace(b"poll", b"p\xffll", 1), "not_json"),
    "empty": (KEY, b"", "not_json"),
    "over the limit": (KEY, b" " * topics.BALANCES.record_bytes_max + GOOD, "too_large"),
    "100 levels": (KEY, GOOD.replace(b'"poll"', b"[" * 100 + b"]" * 100), "invalid"),
    "100,000 levels": (KEY, b"[" * 100_000, "not_json"),
    "100,000 digits": (KEY, GOOD.replace(b'"seq":1', b'"seq":' + b"9" * 100_000), "not_json"),
    "NaN": (KEY, with_amount("NaN"), "invalid"),
    '"NaN"': (KEY, with_amount('"NaN"'), "invalid"),
    "Infinity": (KEY, with_amount('"Infinity"'), "invalid"),
    "1e999": (KEY, with_amount('"1e999"'), "invalid"),
    "-0": (KEY, with_amount('"-0"'), "invalid"),
    "negative": (KEY, with_amount('"-1"'), "invalid"),
    "31 decimals": (KEY, with_amount(f'"0.{"1" * 31}"'), "invalid"),
    "a number": (KEY, with_amount("1"), "invalid"),
    "a float": (KEY, with_amount("0.1"), "invalid"),
    "wrong type": (KEY, changed(balances="none"), "invalid"),
    "field missing": (KEY, GOOD.replace(b'"cause"', b'"because"'), "invalid"),
    "not the sum": (KEY, GOOD.replace(b'"locked":"0"', b'"locked":"1"'), "invalid"),
    "another major": (KEY, changed(schema_version=2), "schema_unsupported"),
    "no key": (None, GOOD, "no_key"),
    "tombstone without key": (None, None, "no_key"),
    "wrong key": (b"main/binance/main/funding", GOOD, "wrong_key"),
    "key not utf-8": (b"\xff\xfe", GOOD, "wrong_key"),
    "key too large": (b"k" * 2_000, GOOD, "too_large"),
}

FINE = {
    "unknown fields": changed(invented={"deep": [1, 2.5, None]}),
    "100 levels in an unknown field": GOOD[:-1] + b',"invented":' + b"[" * 100 + b"]" * 100 + b"}",
    "30 decimals": with_amount('"0.123456789012345678901234567891"'),
    "40 digits": with_amount('"' + "9" * 40 + '"'),
}


async def reading(bus, name="test"):
    follower = Recorder()
    reader = bus.follow_state([topics.BALANCES, topics.WANTED], follower, name=name)
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    return follower, reader


async def letters(harness, count: int) -> list[DeadLetter]:
    async with asyncio.timeout(10):
        while len(await harness.dead_letters()) < count:  # noqa: ASYNC110 - a bus may have to be asked
            await asyncio.sleep(0.002)
    return await harness.dead_letters()


@pytest.mark.parametrize(("key", "value", "reason"), BAD.values(), ids=BAD)
async def test_a_bad_record_is_told_of_and_the_next_one_is_applied(harness, bus, key, value, reason):
    follower, reader = await reading(bus)
    await harness.inject("spark.balances", key, value)
    await bus.publish([snapshot("earn-locked", 7)])
    await follower.until(lambda it: it.state == {"main/binance/main/earn-locked": 7})
    [letter] = await letters(harness, 1)
    with pytest.raises(DecodeError) as caught:
        decode("spark.balances", key, value)
    assert letter.reason == reason == caught.value.reason
    assert letter.message == str(caught.value)
    assert letter.source == letter.key == "spark.balances"
    assert letter.offset >= 0
    assert letter.partition >= 0
    assert letter.size_bytes == len(value or b"")
    assert letter.sha256 == hashlib.sha256(value or b"").hexdigest()
    assert base64.b64decode(letter.head) == (value or b"")[:1024]
    assert letter.epoch > 0
    assert letter.seq == 1
    assert reader.state is ReaderState.LIVE
    assert harness.sample("spark_bus_dead_letters_total", topic="spark.balances", reason=reason) == 1
    await reader.stop()


@pytest.mark.parametrize("value", FINE.values(), ids=FINE)
async def test_what_only_looks_strange_is_applied(harness, bus, value):
    follower, reader = await reading(bus)
    await harness.inject("spark.balances", KEY, value)
    await follower.until(lambda it: it.state)
    event = follower.facts[0].event
    assert isinstance(event, BalanceSnapshot)
    assert str(event.balances[0].total) == json.loads(value)["balances"][0]["total"]
    assert not await harness.dead_letters()
    await reader.stop()


@pytest.mark.needs("headers")
@pytest.mark.parametrize(
    "headers",
    [
        [("reply_to", b"spark.wanted")],
        [("content-type", b"\xff\xfe")],
        [("correlation_id", None)],
        [(f"h{n}", b"x") for n in range(10_000)],
    ],
    ids=["reply_to", "not utf-8", "null", "10,000"],
)
async def test_headers_change_nothing(harness, bus, headers):
    follower, reader = await reading(bus)
    await harness.inject("spark.balances", KEY, GOOD, headers)
    await follower.until(lambda it: it.state == {KEY.decode(): 1})
    await bus.publish([wanted("LAST")])
    await follower.until(lambda it: "main/LAST" in it.state)
    assert len(follower.facts) == 2
    assert not await harness.dead_letters()
    await reader.stop()


async def test_a_tombstone_is_no_bad_record(harness, bus):
    follower, reader = await reading(bus)
    await bus.publish([snapshot()])
    await follower.until(lambda it: it.state)
    await harness.inject("spark.balances", KEY, None)
    await follower.until(lambda it: not it.state)
    assert not await harness.dead_letters()
    await reader.stop()


async def test_twenty_in_a_row_stop_the_reader(harness, bus):
    follower, reader = await reading(bus)
    await bus.publish([snapshot("funding")])
    for n in range(POISON_IN_A_ROW_MAX):
        assert reader.state is ReaderState.LIVE
        await harness.inject("spark.balances", f"main/binance/main/w{n}".encode(), b"{}" if n == 19 else b"poison")
    await eventually(lambda: reader.state is ReaderState.FAILED)
    assert reader.reason.startswith("poisoned: 20 bad records in a row on spark.balances")
    assert "invalid" in reader.reason
    assert harness.sample("spark_bus_reader_state", reader="test", state="failed") == 1
    with pytest.raises(BusError, match="poisoned"):
        await reader.live()
    for n in range(30):
        await harness.inject("spark.balances", f"main/binance/main/more{n}".encode(), b"poison")
    await bus.publish([snapshot("spot")])
    other, healthy = Recorder(), None
    healthy = bus.follow_state([topics.WANTED], other, name="healthy")
    await healthy.start()
    await bus.publish([wanted()])
    await other.until(lambda it: it.state)
    assert follower.state == {"main/binance/main/funding": 1}
    assert len(await letters(harness, POISON_IN_A_ROW_MAX)) == POISON_IN_A_ROW_MAX
    await healthy.stop()
    await reader.stop()


async def test_fewer_in_a_row_do_not_stop_it(harness, bus):
    follower, reader = await reading(bus)
    for seq in (1, 2, 3):
        for n in range(POISON_IN_A_ROW_MAX - 1):
            await harness.inject("spark.balances", f"main/binance/main/w{n}".encode(), b"poison")
            # Neighbours of another topic neither count nor pardon.
            await bus.publish([wanted(seq=seq * 100 + n)])
        await bus.publish([snapshot(seq=seq)])
        await follower.until(lambda it, seq=seq: it.state.get(KEY.decode()) == seq)
    assert reader.state is ReaderState.LIVE
    await reader.stop()


async def test_good_records_of_another_topic_do_not_hide_a_poisoned_one(harness, bus):
    _, reader = await reading(bus)
    for n in range(POISON_IN_A_ROW_MAX):
        await harness.inject("spark.balances", f"main/binance/main/w{n}".encode(), b"poison")
        await bus.publish([wanted(seq=n + 1)])
    await eventually(lambda: reader.state is ReaderState.FAILED)
    await reader.stop()


async def test_each_reader_steps_over_by_itself(harness, bus):
    first, one = await reading(bus, "one")
    second, two = await reading(bus, "two")
    await harness.inject("spark.balances", KEY, b"poison")
    await bus.publish([wanted()])
    for follower in (first, second):
        await follower.until(lambda it: it.state == {"main/BTC": 1})
    assert {letter.seq for letter in await letters(harness, 2)} == {1, 2}
    await one.stop()
    await two.stop()


async def test_a_bad_dead_letter_is_not_told_of_again(harness, bus):
    follower = Recorder()
    reader = bus.follow_commands(topics.DEADLETTER, follower, name="test")
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    _, state_reader = await reading(bus, "state")
    await harness.inject("spark.deadletter", b"spark.balances", b"poison")
    await harness.inject("spark.balances", KEY, b"poison")
    await follower.until(lambda it: it.commands)
    assert [event.source for event in follower.commands] == ["spark.balances"]
    assert harness.sample("spark_bus_dead_letters_total", topic="spark.deadletter", reason="not_json") == 1
    assert reader.state is ReaderState.LIVE
    await reader.stop()
    await state_reader.stop()


@pytest.mark.needs("restart")
async def test_poison_that_lies_there_from_before_is_stepped_over(harness, bus):
    await bus.publish([snapshot("funding")])
    await harness.inject("spark.balances", KEY, b"poison")
    await bus.publish([wanted()])
    bus = await harness.restart_bus()
    follower, reader = await reading(bus)
    assert follower.state == {"main/binance/main/funding": 1, "main/BTC": 1}
    assert [letter.reason for letter in await letters(harness, 1)] == ["not_json"]
    await reader.stop()
