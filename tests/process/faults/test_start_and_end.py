"""How processes begin and end without their broker, and what they do about a broker that lost everything."""

import signal
import time
from collections import Counter

import pytest

from schemas.portfolio import PortfolioState
from schemas.topics import BALANCES, COLLECTORS, COMMANDS, PORTFOLIO, PRICES, WANTED
from tests.history.reading import Fact, newest
from tests.process.apart import ROLES, get, whole
from tests.process.faults.system import ALL_COLLECTORS, System, grown

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120), pytest.mark.slow]

READY_SECONDS = 3.0
FULL_SECONDS = 5.0
STATE_TOPICS = (BALANCES.name, COLLECTORS.name, PORTFOLIO.name, WANTED.name, PRICES.name)
END_SECONDS = 5.0
END_WITHOUT_BROKER_SECONDS = 6.0

FOLLOWED = {
    "aggregator": {
        "aggregator": (BALANCES, PRICES, COLLECTORS),
        "aggregator-own": (PORTFOLIO, WANTED),
    },
    "api": {"api": (PORTFOLIO, COLLECTORS)},
} | {
    f"collector {name}": {
        f"{name}-own": (BALANCES, COLLECTORS),
        f"{name}-wanted": (WANTED,),
        f"{name}-commands": (COMMANDS,),
    }
    for name in ("binance", "btcturk")
}
"""What each reader follows, by process."""


async def test_all_start_without_a_broker_and_are_ready_when_it_comes(system: System) -> None:
    await system.stop(*ROLES)
    await system.broker.kill()
    await system.roles.start(*ROLES)
    for role in ROLES:
        await system.until(f"{role} waits", lambda role=role: is_loading(system, role))
    status, answer = await get(system.http, system.api, "/api/portfolio")
    assert (status, answer["accounts"], answer["updatedAt"]) == (200, [], None)
    await system.broker.start()
    took = await system.until("all ready", system.all_ready)
    assert took <= READY_SECONDS, system.last_words()
    assert all(system.runs(role) for role in ROLES)


async def is_loading(system: System, role: str) -> bool:
    """It lives, and says what it waits for."""
    found = await system.asked(system[role], "/ready")
    if found is None:
        return False
    assert found[0] == 503, "it cannot be ready"
    assert await system.asked(system[role], "/health") == (200, {"ok": True})
    return found[1]["reasons"]["bus"].startswith(f"loading: {system.proxy.bootstrap} ")


async def test_what_a_broker_lost_is_all_there_again(system: System) -> None:
    await system.walk(running=False)  # So that nothing is published only because it changed.
    before = newest(await system.logged(*STATE_TOPICS))
    metrics = await system.all_metrics()
    async with system.watched():
        await system.broker.kill()
        await system.broker.wipe()
        await system.broker.start()

        async def all_there() -> bool:
            return before.keys() <= newest(await system.logged(*STATE_TOPICS)).keys() and await system.all_ready()

        took = await system.until("all is published again", all_there)
        after = await system.all_metrics()
        older = system["aggregator"]
        await older.kill()
        began = time.monotonic()
        await system.roles.start("aggregator")
        await system.until("the new aggregator has everything", lambda: is_made_anew(system, before))
        anew_after = time.monotonic() - began
    assert took <= FULL_SECONDS, system.last_words()
    assert anew_after <= FULL_SECONDS
    for role, readers in FOLLOWED.items():
        resets = grown(metrics[role], after[role], "spark_bus_topic_resets_total")
        expected = {
            (("reader", reader), ("topic", topic.name)): 1 for reader, topics in readers.items() for topic in topics
        }
        assert resets == expected, role
    for role, name in {"aggregator": "aggregator", **dict.fromkeys(ALL_COLLECTORS, "collector")}.items():
        taken_in = grown(metrics[role], after[role], f"spark_{name}_topic_resets_total")
        assert set(taken_in.values()) == {1}, "and taken in once"


async def is_made_anew(system: System, before: dict[str, Fact]) -> bool:
    """A new writer's state is served, whole, with a price for all that had one."""
    answer = await system.portfolio()
    old = before["main"]
    assert old.version is not None
    assert isinstance(old.fact.event, PortfolioState)
    epochs = Counter(fact.version[0] for fact in await system.logged(PORTFOLIO.name) if fact.version)
    newest_epoch = max(epochs)
    return newest_epoch > old.version[0] and int(answer["version"].split("-")[0]) == newest_epoch and whole(answer)


async def test_under_load_an_end_is_quick_and_loses_nothing(system: System) -> None:
    books = await system.books()
    states = (await system.metrics("aggregator")).sum("spark_aggregator_states_total")
    await system.until("some load", lambda: has_states(system, states + 3))
    acknowledged = await system.all_metrics()
    for role in ROLES:
        system[role].signal(signal.SIGTERM)
    began = time.monotonic()
    codes = {role: await system[role].ended(END_SECONDS) for role in ROLES}
    assert time.monotonic() - began <= END_SECONDS
    assert codes == dict.fromkeys(ROLES, 0)
    facts = await system.logged(*STATE_TOPICS)
    await system.balance(books, acknowledged)
    left = newest(facts)
    await system.roles.start(*ROLES)
    await system.until("a whole portfolio", system.is_whole)
    again = newest(await system.logged(*STATE_TOPICS))
    assert left.keys() <= again.keys()
    assert all(again[key].version >= fact.version for key, fact in left.items())


async def has_states(system: System, count: int) -> bool:
    return (await system.metrics("aggregator")).sum("spark_aggregator_states_total") >= count


@pytest.mark.parametrize("role", ALL_COLLECTORS)
async def test_what_was_read_is_published_before_the_end(system: System, role: str) -> None:
    exchange = role.split()[1]
    await system.proxy.cut()
    await system.hold(exchange, "ETH", "77")
    polls = await read(system, role)
    await system.until("it is read", lambda: reads_more(system, role, polls + 2))
    await system.proxy.restore()
    system[role].signal(signal.SIGTERM)
    assert await system[role].ended(END_SECONDS) == 0, system.last_words()
    spot = newest(await system.logged(BALANCES.name))[f"main/{exchange}/main/spot"].fact.event
    assert {row.asset: row.total for row in spot.balances}["ETH"] == 77


async def read(system: System, role: str) -> float:
    """How often the spot wallet was read."""
    return (await system.metrics(role)).sum("spark_collector_polls_total", wallet="spot", outcome="ok")


async def reads_more(system: System, role: str, polls: float) -> bool:
    return await read(system, role) >= polls


@pytest.mark.parametrize("how", ["cut", "black hole"])
async def test_without_a_broker_an_end_is_bounded_and_says_what_was_left(system: System, how: str) -> None:
    logged = {role: len(system.lines(role)) for role in ROLES}
    if how == "cut":
        await system.proxy.cut()
    else:
        system.proxy.blackhole()
    for role in ALL_COLLECTORS:
        polls = await read(system, role)
        await system.until(
            "something is to be sent", lambda role=role, polls=polls: reads_more(system, role, polls + 1)
        )
    for role in ROLES:
        system[role].signal(signal.SIGTERM)
    began = time.monotonic()
    codes = {role: await system[role].ended(END_WITHOUT_BROKER_SECONDS) for role in ROLES}
    assert time.monotonic() - began <= END_WITHOUT_BROKER_SECONDS
    assert codes["api"] == 0
    for role, code in codes.items():
        told = [line["unsent"] for line in system.lines(role, logged[role]) if "unsent" in line]
        assert (code, len(told)) in {(0, 0), (3, 1)}, system.last_words()
        assert all(count >= 1 for count in told)
    assert {codes[role] for role in ALL_COLLECTORS} == {3}, "their last reads had nowhere to go"
