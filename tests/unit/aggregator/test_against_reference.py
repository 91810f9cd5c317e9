"""Incremental equals from scratch: whatever is said, in whatever order, the states are those of the plain reference."""

import datetime as dt

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import topics
from tests.unit.aggregator.reference import Reference
from tests.unit.aggregator.worlds import (
    PORTFOLIOS,
    SECOND,
    START,
    TAME,
    WILD,
    Player,
    amounts,
    content,
    records,
    tombstones,
    wild_amounts,
)

# Seconds where the machine is idle; shared machines are not.
pytestmark = pytest.mark.timeout(300)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def run(data, *, prices, amount, steps):
    pegs = data.draw(st.sampled_from([("USDT",), (), ("USDT", "EUR")]))
    player, reference = Player(pegs), Reference(pegs)
    now = START
    for _ in range(data.draw(st.integers(1, steps))):
        for fact in data.draw(st.lists(st.one_of(records(now, prices, amount), tombstones()), max_size=8)):
            player.play([fact], now)
            reference.apply(fact, now)
        if data.draw(st.integers(0, 9)) == 0:
            topic = data.draw(st.sampled_from([topics.BALANCES, topics.PRICES, topics.COLLECTORS]))
            player.aggregator.topic_reset(topic)
            reference.reset(topic.name)
        if data.draw(st.booleans()):
            now += data.draw(st.sampled_from([dt.timedelta(0), SECOND / 100, SECOND, 50 * SECOND]))
            for one, state in player.tick(now):
                if state is not None:
                    expected = reference.state(one.key, now, state.version)
                    assert state == expected
                    assert orjson.loads(one.value) == orjson.loads(expected.model_dump_json(exclude_none=True))
        now += data.draw(st.sampled_from([16, 61, 121, 601, 3600, 23 * 3600, 25 * 3600])) * SECOND
        states = player.settle(now)
        for name in PORTFOLIOS:
            assert content(states.get(name)) == content(reference.state(name, now))


@given(st.data())
@settings(relaxed, max_examples=400)
def test_states_are_those_of_the_reference(data):
    run(data, prices=TAME, amount=amounts, steps=4)


@given(st.data())
@settings(relaxed, max_examples=300)
def test_wild_prices_and_amounts_too(data):
    run(data, prices=WILD, amount=wild_amounts, steps=4)
