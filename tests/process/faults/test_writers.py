"""Two processes for one task by mistake, and one process after another: the newer writes, and nothing freezes."""

import json
import signal
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import BALANCES, COLLECTORS, PORTFOLIO, WANTED
from tests.history.reading import Fact, newest
from tests.process.apart import Roles
from tests.process.conftest import Program
from tests.process.faults.system import System

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120), pytest.mark.slow]

LEAVE_SECONDS = 2.0
"""From seeing the larger epoch to the end of the process."""

REPLACED = 4
BRIDGES = {f"main/{asset}" for asset in ("BTC", "EUR", "TRY", "USDT")}
"""What every aggregator says that it wants, whoever holds what."""


async def last_per_key(system: System, *topics: str) -> dict[tuple[str, str], Fact]:
    """What compaction would keep: the last record of each key, whatever its version."""
    return {(fact.record.topic, fact.fact.key): fact for fact in await system.logged(*topics)}


async def epochs(system: System, *topics: str, exchange: str = "") -> set[int]:
    """The epochs of the last records of all keys (of one exchange)."""
    last = await last_per_key(system, *topics)
    return {fact.version[0] for (_, key), fact in last.items() if fact.version and exchange in key}


def why(program: Program) -> list[str]:
    """The errors that it told of since its start."""
    lines = [json.loads(line) for line in program.err.splitlines() if line.startswith("{")]
    begin = max(index for index, line in enumerate(lines) if line["event"] == "running")
    return [line["event"] for line in lines[begin:] if line["level"] == "error"]


def take_over(system: System, newer: Roles, role: str) -> Program:
    """The newer process is the system's from now on; the older one."""
    older = system.roles.programs[role]
    system.roles.programs[role] = newer.programs[role]
    return older


async def test_of_two_aggregators_the_newer_writes_and_the_older_leaves(system: System) -> None:
    (before,) = await epochs(system, PORTFOLIO.name)
    zombies = await last_per_key(system, PORTFOLIO.name, WANTED.name)
    system["aggregator"].signal(signal.SIGSTOP)
    newer = system.twin()
    await newer.start("aggregator")
    older = take_over(system, newer, "aggregator")
    await system.until("the newer writes", lambda: all_of_one(system, before))
    (living,) = await epochs(system, PORTFOLIO.name)
    older.signal(signal.SIGCONT)
    woken = time.monotonic()
    assert await older.ended(LEAVE_SECONDS) == REPLACED
    assert time.monotonic() - woken <= LEAVE_SECONDS
    assert why(older) == ["another process took over; this one leaves"]
    # Its last words, as late as can be, whether or not it had any on its way when it woke.
    await publish(system, list(zombies.values()))
    await system.until("the newest stands last", lambda: stands_last(system))
    assert await all_of_one(system, before)
    assert await epochs(system, PORTFOLIO.name) == {living}
    answer = await system.portfolio()
    assert answer["version"].startswith(f"{living}-")
    repairs = (await system.metrics("aggregator")).rows("spark_aggregator_repairs_total")
    assert {dict(labels)["topic"]: count >= 1 for labels, count in repairs.items()} == {
        PORTFOLIO.name: True,
        WANTED.name: True,
    }


async def all_of_one(system: System, before: int) -> bool:
    """The last records are the newer writer's, as far as it has something to say.

    What is wanted by holders was said by the one before, and holds: a record of its own says no more.
    """
    last = await last_per_key(system, PORTFOLIO.name, WANTED.name)
    own = {fact.fact.key: fact.version for fact in last.values() if fact.fact.key in {"main", *BRIDGES}}
    return len(own) == 1 + len(BRIDGES) and all(version is not None and version[0] > before for version in own.values())


async def stands_last(system: System) -> bool:
    """Compaction would keep the newest of every key."""
    facts = await system.logged(PORTFOLIO.name, WANTED.name)
    largest = {key: fact.version for key, fact in newest(facts).items()}
    return {fact.fact.key: fact.version for fact in facts} == largest


async def publish(system: System, facts: list[Fact]) -> None:
    """The same records once more, behind everything."""
    producer = AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap)
    await producer.start()
    try:
        for fact in facts:
            record = fact.record
            await producer.send_and_wait(
                system.prefix + record.topic, record.value, key=record.key, partition=record.partition
            )
    finally:
        await producer.stop()


@pytest.mark.parametrize("exchange", ["binance", "btcturk"])
async def test_a_new_collector_goes_on_where_the_old_one_was_killed(system: System, exchange: str) -> None:
    role = f"collector {exchange}"
    before = await last_per_key(system, BALANCES.name, COLLECTORS.name)
    await system[role].kill()
    await system.hold(exchange, "ETH", "55")
    await system.roles.start(role)
    await system.until("it is read anew", lambda: system.shows(exchange, "ETH", "55"))
    ours = {place: fact for place, fact in before.items() if f"/{exchange}/" in place[1]}
    await system.until("all is of the new one", lambda: all_newer(system, ours))
    anew = [
        fact
        for fact in await system.logged(BALANCES.name)
        if exchange in fact.fact.key and fact.version and fact.version[0] > max(epoch_of(one) for one in ours.values())
    ]
    assert anew[0].version is not None
    assert anew[0].version[1] == 1, "it counts from 1 again"


def epoch_of(fact: Fact) -> int:
    assert fact.version is not None
    return fact.version[0]


async def all_newer(system: System, before: dict[tuple[str, str], Fact]) -> bool:
    last = await last_per_key(system, BALANCES.name, COLLECTORS.name)
    return all(epoch_of(last[place]) > epoch_of(fact) for place, fact in before.items())


async def test_of_two_collectors_of_one_exchange_the_older_leaves(system: System) -> None:
    role = "collector btcturk"
    (before,) = await epochs(system, BALANCES.name, exchange="/btcturk/")
    newer = system.twin()
    await newer.start(role)
    older = take_over(system, newer, role)
    await system.until("the newer writes", lambda: writes_instead(system, before))
    assert await older.ended(LEAVE_SECONDS) == REPLACED
    assert why(older) == ["another process took over; this one leaves"]
    await system.hold("btcturk", "ETH", "66")
    await system.until("it is read", lambda: system.shows("btcturk", "ETH", "66"))
    assert await epochs(system, BALANCES.name, COLLECTORS.name, exchange="/btcturk/") != {before}


async def writes_instead(system: System, before: int) -> bool:
    return max(await epochs(system, BALANCES.name, exchange="/btcturk/")) > before


async def test_one_without_keys_takes_nothing_from_one_with_keys(system: System) -> None:
    role = "collector btcturk"
    keyless = system.twin()
    keyless.simulated = {name: text for name, text in keyless.simulated.items() if "_API_" not in name}
    await keyless.start(role)
    program = keyless.programs[role]
    await system.until("it quotes", lambda: quotes(system, keyless))
    polls = await reads(system)
    await system.until("the other goes on", lambda: has_read(system, polls + 2))
    assert system.runs(role)
    answer = await system.portfolio()
    assert {source["exchange"]: source["state"] for source in answer["sources"]}["btcturk"] == "live"
    statuses = [fact.fact.event for fact in await system.logged(COLLECTORS.name) if "/btcturk/" in fact.fact.key]
    assert "unconfigured" not in {status.state for status in statuses if status is not None}
    program.signal(signal.SIGTERM)
    assert await program.ended(5) == 0


async def quotes(system: System, roles: Roles) -> Any:
    found = await system.asked(roles.programs["collector btcturk"], "/ready")
    if found is None or found[0] != 200:
        return False
    return (await system.metrics("collector btcturk", roles)).sum("spark_collector_quotes_total") > 0


async def reads(system: System) -> float:
    metrics = await system.metrics("collector btcturk")
    return metrics.sum("spark_collector_polls_total", wallet="spot", outcome="ok")


async def has_read(system: System, polls: float) -> bool:
    return await reads(system) >= polls
