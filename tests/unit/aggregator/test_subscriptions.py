"""The edge, on the real local bus: nothing too early, the newest always, and leaving when another writer took over."""

import asyncio
import contextlib

import pytest
from prometheus_client import CollectorRegistry

from aggregator import aggregator as module
from aggregator import outlets, subscriptions
from aggregator.subscriptions import AggregatorRole, AggregatorSettings
from bus.interface import PublishError, ReaderState, ReplacedError
from bus.local import LocalBus
from monitoring.clock import SystemClock
from monitoring.metrics import AggregatorMetrics, BusMetrics
from schemas import topics
from schemas.encoding import Encoded, encode
from schemas.events import WantedAsset
from schemas.portfolio import PortfolioState, Totals
from tests.unit.aggregator.worlds import balance, quote, snapshot, status

CLOCK = SystemClock()
PATIENCE_SECONDS = 10.0


class Audience:
    """Follows what the aggregator publishes."""

    def __init__(self):
        self.newest = {}
        self.count = 0
        self.changed = asyncio.Event()

    def apply(self, facts):
        for fact in facts:
            self.count += 1
            self.newest[fact.key] = fact.event
        self.changed.set()

    def caught_up(self):
        pass

    def topic_reset(self, topic):
        pass

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self.newest):
                self.changed.clear()
                await self.changed.wait()


class Unreliable:
    """A bus whose publishing fails for a while; everything else is the real one's."""

    def __init__(self, bus, failures=0, *, refuse=False):
        self._bus = bus
        self.failures = failures
        self.refuse = refuse
        self.refused = 0

    def __getattr__(self, name):
        return getattr(self._bus, name)

    async def publish(self, facts, *, deadline_seconds=5.0):
        if self.refuse:
            states = [fact for fact in facts if fact.topic is topics.PORTFOLIO]
            self.refused += len(states)
            await self._bus.publish([fact for fact in facts if fact not in states], deadline_seconds=deadline_seconds)
            if states:
                raise PublishError("too large", unsent=len(states), refused=states)
            return
        if self.failures and any(fact.topic is topics.PORTFOLIO for fact in facts):
            self.failures -= 1
            raise PublishError("nobody answered", unsent=len(facts))
        await self._bus.publish(facts, deadline_seconds=deadline_seconds)


@pytest.fixture
async def bus():
    bus = LocalBus(None, BusMetrics(CollectorRegistry()), CLOCK)
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
async def audience(bus):
    audience = Audience()
    reader = bus.follow_state((topics.PORTFOLIO, topics.WANTED), audience, name="audience")
    await reader.start()
    yield audience
    await reader.stop()


async def until(condition):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells when a gauge or a reader's state changes
            await asyncio.sleep(0)


def role_on(bus):
    metrics = AggregatorMetrics(CollectorRegistry())
    role = AggregatorRole(bus, settings=AggregatorSettings(), metrics=metrics, clock=CLOCK, random_part=1)
    return role, metrics


@contextlib.asynccontextmanager
async def running(bus):
    role, metrics = role_on(bus)
    await role.start()
    try:
        yield role, metrics
    finally:
        await role.stop()


async def publish(bus, *facts):
    await bus.publish([encode(fact.event) for fact in facts])


def held(amount, seq=1):
    return snapshot([balance("BTC", amount)], version=(1, seq), at=CLOCK.now())


def worth(total):
    return lambda newest: newest.get("main") is not None and newest["main"].totals.total_usd == total


def state(epoch):
    now = CLOCK.now()
    totals = Totals(total_usd="0", partial=False)
    return PortfolioState(epoch=epoch, seq=1, published_at=now, valued_at=now, portfolio="main", totals=totals)


async def test_a_state_that_the_bus_refuses_for_good_is_not_tried_again_before_it_changes(bus, audience):
    await publish(bus, held("2"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    unreliable = Unreliable(bus, refuse=True)
    async with running(unreliable) as (role, _):
        await until(lambda: unreliable.refused == 1)
        assert role.check().ready
        # What is published beside it arrives, and brings no second try along.
        await audience.until(lambda newest: "main/BTC" in newest)
        assert unreliable.refused == 1
        unreliable.refuse = False
        await publish(bus, held("3", seq=2))
        await audience.until(worth(300))


async def test_what_is_published_comes_out_valued(bus, audience):
    await publish(bus, held("2"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (role, metrics):
        await audience.until(worth(200))
        await audience.until(lambda newest: "main/BTC" in newest)
        assert role.check().ready
        await publish(bus, held("3", 2), status(at=CLOCK.now()), held("3", 2))
        await audience.until(worth(300))
    events = {
        tuple(sample.labels.values()): sample.value
        for metric in metrics.events.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert events["spark.balances", "applied"] == 2
    assert metrics.portfolios._value.get() == 1
    assert metrics.states._value.get() >= 2


async def test_before_everything_was_read_nothing_is_published_and_it_is_not_ready(bus, audience):
    class Loading:
        """A reader that stays loading until it is let go."""

        def __init__(self, reader):
            self._reader = reader
            self.go = asyncio.Event()

        def __getattr__(self, name):
            return getattr(self._reader, name)

        async def live(self):
            await self.go.wait()
            await self._reader.live()

    await publish(bus, held("2"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    role, _ = role_on(bus)
    role._own = slow = Loading(role._own)
    await role.start()
    await role._inputs.live()
    for _ in range(100):  # Turns of the loop in which it might have published.
        await asyncio.sleep(0)
    assert not role.check().ready
    assert role.check().reason.startswith("loading")
    assert audience.count == 0
    slow.go.set()
    await audience.until(worth(200))
    await role.stop()


async def test_the_epoch_is_larger_than_any_seen(bus, audience):
    far = 2**52
    await bus.publish([encode(state(far))])
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus):
        await audience.until(worth(100))
    assert audience.newest["main"].epoch == far + 1


async def test_it_leaves_when_another_writer_took_over(bus, audience):
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (role, _):
        await audience.until(worth(100))
        await bus.publish([encode(state(2**52))])
        with pytest.raises(ReplacedError, match="epoch"):
            async with asyncio.timeout(2):
                await role.wait()
        assert not role.check().ready


async def test_of_two_aggregators_the_younger_stays(bus, audience):
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (older, _):
        await audience.until(worth(100))
        async with running(bus) as (younger, _):
            with pytest.raises(ReplacedError):
                async with asyncio.timeout(2):
                    await older.wait()
            await publish(bus, held("7", 2))
            await audience.until(worth(700))
            assert younger.check().ready


async def test_a_late_record_of_a_former_writer_is_written_over(bus, audience):
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (_, metrics):
        await audience.until(worth(100))
        ours = audience.newest["main"].epoch
        await bus.publish([encode(state(3))])
        await audience.until(worth(0))
        await audience.until(worth(100))
        assert audience.newest["main"].epoch == ours
        assert metrics.repairs.labels("spark.portfolio")._value.get() == 1


async def test_a_publish_that_fails_is_tried_again_with_the_newest(bus, audience, monkeypatch):
    monkeypatch.setattr(subscriptions, "RETRY_SECONDS_MIN", 0.01)
    unreliable = Unreliable(bus, failures=3)
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(unreliable) as (role, metrics):
        await until(metrics.publish_failures._value.get)
        assert "acknowledge" in role.check().reason
        await publish(bus, held("9", 2))
        await audience.until(worth(900))
        await until(lambda: role.check().ready)
        assert metrics.publish_failures._value.get() == 3


async def test_what_a_former_run_wanted_is_known_and_not_said_again(bus, audience):
    now = CLOCK.now()
    wanted = WantedAsset(epoch=1, seq=1, published_at=now, portfolio="main", asset="ETH")
    await bus.publish([encode(wanted)])
    await publish(bus, snapshot([balance("ETH", "1")], at=now), quote("ETH", "USDT", "100", at=now))
    async with running(bus):
        await audience.until(worth(100))
        await audience.until(lambda newest: "main/TRY" in newest)
    assert audience.newest["main/ETH"].epoch == 1


async def poison(bus, topic):
    for number in range(25):
        await bus.publish([Encoded(topic, f"x{number}", b"{")])


async def test_poison_stops_the_reading_and_what_was_read_grows_old_in_sight(bus, audience, monkeypatch):
    monkeypatch.setattr(outlets, "HEARTBEAT_MS", 50)
    monkeypatch.setattr(module, "HEARTBEAT_MS", 50)
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (role, _):
        await audience.until(worth(100))
        await until(lambda: role.check().ready)
        await poison(bus, topics.BALANCES)
        await until(lambda: role._inputs.state is ReaderState.FAILED)
        assert role.check().reason.startswith("failed: poisoned: 20 bad records in a row on spark.balances")
        seq = audience.newest["main"].seq
        await publish(bus, held("2", 2))
        await audience.until(lambda newest: newest["main"].seq > seq + 2)
        assert audience.newest["main"].totals.total_usd == 100
        assert not role._task.done()


async def test_blind_to_other_writers_it_publishes_nothing(bus, audience):
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (role, _):
        await audience.until(worth(100))
        await poison(bus, topics.WANTED)
        await until(lambda: role._own.state is ReaderState.FAILED)
        count = role._aggregator._sequence.last("main")
        await publish(bus, held("2", 2))
        await until(lambda: role._aggregator.next_due() and role._aggregator.next_due() <= CLOCK.now())
        for _ in range(100):  # Turns of the loop in which it might have published.
            await asyncio.sleep(0)
        assert role._aggregator._sequence.last("main") == count
        assert "poisoned" in role.check().reason
        assert not role._task.done()


async def test_poison_met_while_loading_ends_nothing_either(bus, audience):
    await poison(bus, topics.BALANCES)
    async with running(bus) as (role, _):
        await until(lambda: role._inputs.state is ReaderState.FAILED)
        assert role.check().reason.startswith("failed: poisoned")
        for _ in range(100):
            await asyncio.sleep(0)
        assert not role._task.done()
        assert audience.count == 0


async def test_an_emptied_topic_is_counted_once_and_its_states_are_there_again(bus, audience):
    await publish(bus, held("1"), quote("BTC", "USDT", "100", at=CLOCK.now()))
    async with running(bus) as (role, metrics):
        await audience.until(worth(100))
        seq = audience.newest["main"].seq
        for topic in (*subscriptions.INPUTS, *subscriptions.OWN):
            role.topic_reset(topic)
        await audience.until(lambda newest: newest["main"].seq > seq)
        assert worth(100)(audience.newest)
        counts = {one.labels["topic"]: one.value for one in metrics.topic_resets.collect()[0].samples
                  if one.name.endswith("_total")}  # fmt: skip
        assert counts == dict.fromkeys([topic.name for topic in (*subscriptions.INPUTS, *subscriptions.OWN)], 1)


async def test_stopping_is_quick_even_while_loading(bus):
    role, _ = role_on(bus)
    await role.stop()
    await role.start()
    async with asyncio.timeout(2):
        await role.stop()
    await role.wait()
