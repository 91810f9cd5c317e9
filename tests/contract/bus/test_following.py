"""What it means to follow."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bus.interface import BusError, ReaderState
from schemas import topics
from schemas.encoding import tombstone
from tests.contract.bus.tools import Recorder, command, eventually, snapshot, wanted

STATE = [topics.WANTED, topics.BALANCES]


async def following(bus, follower, followed=STATE, name="test"):
    reader = bus.follow_state(followed, follower, name=name)
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    return reader


async def test_a_late_follower_is_given_the_newest_of_every_key(bus):
    for seq in (1, 2, 3):
        await bus.publish([wanted("BTC", seq), snapshot(seq=seq)])
    await bus.publish([wanted("ETH")])
    follower = Recorder()
    reader = await following(bus, follower)
    assert follower.state == {"main/BTC": 3, "main/ETH": 1, "main/binance/main/spot": 3}
    await reader.stop()


async def test_a_follower_is_given_only_its_topics(bus):
    await bus.publish([wanted(), snapshot()])
    follower = Recorder()
    reader = await following(bus, follower, [topics.WANTED])
    await bus.publish([snapshot(seq=2), wanted(seq=2), command("c1")])
    await follower.until(lambda it: it.state == {"main/BTC": 2})
    assert {fact.topic for fact in follower.facts} == {topics.WANTED}
    await reader.stop()


async def test_caught_up_is_told_once_where_there_is_nothing(bus):
    follower = Recorder()
    reader = await following(bus, follower)
    await bus.publish([wanted()])
    await follower.until(lambda it: it.facts)
    assert follower.given_at_caught_up == [0]
    await reader.stop()


async def test_caught_up_is_told_once_after_all_that_was_there(bus):
    await bus.publish([wanted(f"A{n}") for n in range(1_100)])
    follower = Recorder()
    reader = await following(bus, follower)
    await bus.publish([wanted("later")])
    await follower.until(lambda it: "main/later" in it.state)
    assert len(follower.given_at_caught_up) == 1
    assert follower.given_at_caught_up[0] >= 1_100
    await reader.stop()


async def test_caught_up_is_told_though_records_keep_coming(bus):
    await bus.publish([wanted(f"A{n}") for n in range(700)])
    stop = asyncio.Event()

    async def write() -> None:
        seq = 1
        while not stop.is_set():
            seq += 1
            await bus.publish([wanted(f"A{n}", seq) for n in range(0, 700, 7)])

    writer = asyncio.create_task(write())
    follower = Recorder()
    reader = await following(bus, follower)
    given = len(follower.facts)
    await follower.until(lambda it: len(it.facts) > given + 200)
    stop.set()
    await writer
    assert len(follower.given_at_caught_up) == 1
    assert len({fact.key for fact in follower.facts[: follower.given_at_caught_up[0]]}) == 700
    await reader.stop()


async def test_a_tombstone_takes_its_key_away(bus):
    follower = Recorder()
    await bus.publish([wanted("BTC"), wanted("ETH")])
    reader = await following(bus, follower)
    await bus.publish([tombstone(topics.WANTED, "main/BTC")])
    await follower.until(lambda it: it.state == {"main/ETH": 1})
    late = Recorder()
    late_reader = await following(bus, late, name="late")
    assert late.state == {"main/ETH": 1}
    await bus.publish([wanted("BTC", 2)])
    await follower.until(lambda it: it.state == {"main/ETH": 1, "main/BTC": 2})
    await late.until(lambda it: it.state == {"main/ETH": 1, "main/BTC": 2})
    await reader.stop()
    await late_reader.stop()


async def test_a_tombstone_of_an_unknown_key_does_nothing(bus):
    await bus.publish([tombstone(topics.WANTED, "main/NONE"), wanted("BTC")])
    follower = Recorder()
    reader = await following(bus, follower)
    await bus.publish([tombstone(topics.WANTED, "main/NEVER"), wanted("ETH")])
    await follower.until(lambda it: it.state == {"main/BTC": 1, "main/ETH": 1})
    assert reader.state is ReaderState.LIVE
    await reader.stop()


async def test_a_writer_never_waits_for_a_reader(bus):
    behind = Recorder()
    reader = await following(bus, behind)
    # The reader's task gets no turn between these; whatever it is spared, it gets the newest.
    await asyncio.wait_for(
        asyncio.gather(*(bus.publish([wanted(f"A{n % 4}", seq) for n in range(4)]) for seq in range(1, 501))), 10
    )
    await behind.until(lambda it: it.state == {f"main/A{n}": 500 for n in range(4)})
    for n in range(4):
        assert behind.seqs(f"main/A{n}") == sorted(set(behind.seqs(f"main/A{n}")))
    await reader.stop()


async def test_a_reader_started_before_its_bus_is_loading_then_live(harness):
    await harness.bus.publish([wanted()])
    await harness.bus.stop()
    harness.bus = harness.make_bus()
    follower, followed = Recorder(), Recorder()
    reader = harness.bus.follow_state(STATE, follower, name="test")
    commands = harness.bus.follow_commands(topics.COMMANDS, followed, name="commands")
    assert reader.state is ReaderState.UNSTARTED
    await reader.start()
    await commands.start()
    assert reader.state is commands.state is ReaderState.LOADING
    assert not follower.given_at_caught_up
    await harness.bus.start()
    await asyncio.wait_for(reader.live(), 10)
    await asyncio.wait_for(commands.live(), 10)
    await harness.bus.publish([wanted("ETH"), command("c1")])
    await follower.until(lambda it: "main/ETH" in it.state)
    await followed.until(lambda it: it.commands)
    await reader.stop()
    await commands.stop()


async def test_after_a_stop_nothing_is_given(harness, bus):
    follower = Recorder()
    reader = await following(bus, follower)
    await reader.stop()
    await bus.publish([wanted()])
    other = Recorder()
    late = await following(bus, other, name="other")
    assert other.facts
    assert not follower.facts
    assert reader.state is ReaderState.UNSTARTED
    await reader.stop()
    await late.stop()


async def test_a_stop_before_the_first_step_ends_the_reader(bus):
    follower = Recorder()
    reader = bus.follow_state(STATE, follower, name="test")
    await reader.stop()
    await reader.start()
    await reader.stop()
    with pytest.raises(BusError, match="stopped"):
        await reader.live()
    await bus.publish([wanted()])
    assert not follower.facts


async def test_a_reader_can_be_started_again_and_begins_at_the_beginning(bus):
    await bus.publish([wanted()])
    follower = Recorder()
    reader = await following(bus, follower)
    with pytest.raises(BusError, match="started already"):
        await reader.start()
    await reader.stop()
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    assert follower.given_at_caught_up == [1, 2]
    await reader.stop()


async def test_the_state_of_a_reader_is_a_metric(harness, bus):
    def states() -> dict[str, float]:
        return {state: harness.sample("spark_bus_reader_state", reader="test", state=state) for state in ReaderState}

    reader = bus.follow_state(STATE, Recorder(), name="test")
    assert reader.name == "test"
    assert states() == dict.fromkeys(ReaderState, 0) | {ReaderState.UNSTARTED: 1}
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    assert states() == dict.fromkeys(ReaderState, 0) | {ReaderState.LIVE: 1}
    await reader.stop()
    assert states() == dict.fromkeys(ReaderState, 0) | {ReaderState.UNSTARTED: 1}


@pytest.mark.parametrize("when", ["apply", "caught_up"])
async def test_a_follower_that_raises_fails_its_reader_alone(bus, when):
    class Broken(Recorder):
        pass

    def broken(*_: object) -> None:
        raise KeyError("0.12345678 BTC")

    follower, healthy = Broken(), Recorder()
    setattr(follower, when, broken)
    with capture_logs() as logs:
        good = await following(bus, healthy, name="healthy")
        bad = bus.follow_state(STATE, follower, name="broken")
        await bus.publish([wanted()])
        await bad.start()
        await eventually(lambda: bad.state is ReaderState.FAILED)
    with pytest.raises(BusError, match="KeyError"):
        await bad.live()
    assert "KeyError" in bad.reason
    assert "0.12345678" not in f"{bad.reason} {logs}"
    assert when != "apply" or any(entry.get("key") == "main/BTC" for entry in logs)
    await bus.publish([wanted("ETH")])
    await healthy.until(lambda it: it.state == {"main/BTC": 1, "main/ETH": 1})
    await bad.stop()
    assert bad.state is ReaderState.FAILED
    await good.stop()


async def test_commands_are_given_from_now_on_in_order(bus):
    await bus.publish([command("before")])
    first, second = Recorder(), Recorder()
    readers = [bus.follow_commands(topics.COMMANDS, it, name=name) for it, name in ((first, "a"), (second, "b"))]
    for reader in readers:
        await reader.start()
        await asyncio.wait_for(reader.live(), 10)
    for n in range(20):
        await bus.publish([command(f"c{n}", "binance" if n % 2 else "btcturk")])
    for follower in (first, second):
        await follower.until(lambda it: len(it.commands) >= 20)
        assert [event.id for event in follower.commands] == [f"c{n}" for n in range(20)]
    for reader in readers:
        await reader.stop()


async def test_state_and_commands_are_not_mistaken_for_each_other(bus):
    with pytest.raises(ValueError, match="not compacted"):
        bus.follow_state([topics.WANTED, topics.COMMANDS], Recorder(), name="test")
    with pytest.raises(ValueError, match="state"):
        bus.follow_commands(topics.WANTED, Recorder(), name="test")


async def test_what_was_given_is_counted(harness, bus):
    await bus.publish([wanted("BTC"), wanted("ETH")])
    reader = await following(bus, Recorder())
    assert harness.sample("spark_bus_delivered_total", topic="spark.wanted") == 2
    await reader.stop()


@pytest.mark.needs("empty_topic")
async def test_an_emptied_topic_is_told(harness, bus):
    await bus.publish([wanted("BTC", 5)])
    follower = Recorder()
    reader = await following(bus, follower)
    await harness.empty_topic(topics.WANTED)
    await follower.until(lambda it: topics.WANTED in it.resets)
    await bus.publish([wanted("BTC", 6)])
    await follower.until(lambda it: it.state["main/BTC"] == 6)
    await reader.stop()
