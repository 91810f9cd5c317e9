"""A broker on another continent: every answer takes long, and there is nothing wrong with it."""

import asyncio

from bus.interface import ReaderState
from schemas import topics
from tests.kafka.facts import price
from tests.kafka.tools import started
from tests.kafka_fixtures import ProxiedBroker

ONE_WAY_SECONDS = 0.15
"""A round trip of 0.3 s without TLS; with TLS and SASL there are twice as many, and 0.15 s come to the same."""

READY_SECONDS = 25.0


async def test_a_broker_far_away_is_reached_all_the_same(proxied_broker: ProxiedBroker):
    proxied_broker.proxy.delay(ONE_WAY_SECONDS)
    async with started(proxied_broker.proxy.bootstrap, ready=False) as made:
        _, reader = await made.follow([topics.PRICES], live=False)
        await made.ready(READY_SECONDS)
        await asyncio.wait_for(reader.live(), READY_SECONDS)
        await made.bus.publish([price("BTC")])
        assert ReaderState.DEGRADED not in made.states["reader"]
