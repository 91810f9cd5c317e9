"""The broker goes away under load and comes back; a process stands still for a while: what is served stays true."""

import asyncio
import itertools
import json
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.history import checker
from tests.history.history import Answer, Text
from tests.history.reading import moment, newest
from tests.process.apart import ROLES, get, plain
from tests.process.faults.system import ALL_COLLECTORS, System, grown, healthy, others

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120), pytest.mark.slow]

BACK_SECONDS = 2.0
"""From the return of the broker to everything being there again."""

AWAKE_SECONDS = 4.0
"""From the end of a standstill to everything being there again. Two are the promise, and one is usual; a machine that
runs other tests beside this one may need twice as long, and a lost reader or a storm of restarts far longer."""

SEND_SECONDS = 3.0
"""Within so long every send has ended, one way or the other."""

READ_SECONDS = 1.5
"""A wallet is read every second, give or take."""

HONEST_SECONDS = 1.0
"""An age may be off by so much: it is rendered at most once a second."""

LINES_MAX = 30
"""Of one process about one outage."""

STANDSTILL_SECONDS = 30.0
RECOVER_SECONDS = 1.0
QUICK_SECONDS = 0.25
START_SECONDS = 5.0
QUIET_SECONDS = 2.0

NEW = iter(range(101, 1000))
"""Amounts that nobody held before."""


async def go_away(system: System, how: str) -> None:
    if how == "cut":
        await system.proxy.cut()
    elif how == "black hole":
        system.proxy.blackhole()
    else:
        system.broker.pause()


async def come_back(system: System, how: str) -> None:
    if how == "paused":
        system.broker.resume()
    else:
        await system.proxy.restore()


@pytest.mark.parametrize(("how", "seconds"), [("cut", 5), ("cut", 15), ("black hole", 10), ("paused", 5)], ids=str)
async def test_the_broker_goes_away_and_all_is_there_again_soon_after(system: System, how: str, seconds: int) -> None:
    amounts = {exchange: f"{next(NEW)}" for exchange in ("binance", "btcturk")}
    books = await system.books()
    before = books.metrics
    logged = {role: len(system.lines(role)) for role in ROLES}
    async with system.watched():
        await go_away(system, how)
        began, began_at = time.monotonic(), time.time()
        for exchange, amount in amounts.items():
            await system.hold(exchange, "ETH", amount)
        for role in ROLES:
            await system.until(f"{role} says so", lambda role=role: not_ready(system, role), within=5)
        await asyncio.sleep(began + seconds - time.monotonic())  # The outage itself, not a wait for anything.
        await come_back(system, how)

        async def all_there() -> bool:
            seen = [await system.shows(exchange, "ETH", amount) for exchange, amount in amounts.items()]
            return all(seen) and await system.all_ready()

        took = await system.until("all is there", all_there)
    after = await system.all_metrics()
    sends_ended(system, logged, began_at)
    assert took <= BACK_SECONDS, system.last_words()
    await system.balance(books, after)
    for role in ROLES:
        assert system.runs(role)
        lost = grown(before[role], after[role], "spark_bus_sessions_lost_total")
        assert all(count <= seconds for count in lost.values()), "it was tried again with pauses"
        assert not grown(before[role], after[role], "spark_bus_topic_resets_total"), "nothing was emptied"
        assert len(system.lines(role, logged[role])) <= LINES_MAX, "said once, however long it lasts"


async def not_ready(system: System, role: str) -> bool:
    """Alive, and it says why it is not ready."""
    assert await system.asked(system[role], "/health") == (200, {"ok": True})
    status, answer = await system.asked(system[role], "/ready") or (0, {})
    return status == 503 and "degraded" in str(answer["reasons"])


def sends_ended(system: System, logged: dict[str, int], began_at: float) -> None:
    """The collectors read every second: they noticed within the bound that a send had failed, and that one went well."""
    for role in ALL_COLLECTORS:
        lines = system.lines(role, logged[role])
        failed = [at(line) for line in lines if "does not take events" in line["event"]]
        assert len(failed) == 1, "said once"
        assert failed[0] - began_at <= READ_SECONDS + SEND_SECONDS
        assert len([line for line in lines if "takes events again" in line["event"]]) == 1


def at(line: dict[str, Any]) -> float:
    return moment(line["timestamp"]).timestamp()


@dataclass
class Standstill:
    """What was seen while the aggregator stood still and, meanwhile, one exchange hung and then its collector died."""

    began_at: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    hung: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    back_after: float = 0.0
    lost_sessions: dict[Any, float] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def pages(self, after: float = 0.0) -> list[tuple[Answer, Any]]:
        return [(one, json.loads(one.body)) for one in self.answers if one.status == 200 and one.asked_at > after]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def standstill(breakable: System) -> Standstill:
    """One standstill for several tests: it takes half a minute."""
    system = await healthy(breakable)
    seen = Standstill(began_at=time.time())
    before = await system.metrics("aggregator")
    logged = len(system.lines("aggregator"))
    async with system.watched() as seen.answers:
        system["aggregator"].signal(signal.SIGSTOP)
        await system.control("POST", "/faults", {"exchange": "binance", "kind": "hang"})
        seen.hung = await rhythm(system, STANDSTILL_SECONDS / 3)
        await system["collector binance"].kill()
        seen.dead = await rhythm(system, STANDSTILL_SECONDS / 3)
        await system.control("DELETE", "/faults")
        await system.roles.start("collector binance")
        await asyncio.sleep(seen.began_at + STANDSTILL_SECONDS - time.time())  # The rest of the standstill.
        system["aggregator"].signal(signal.SIGCONT)
        seen.back_after = await system.until("all is there", lambda: aged_rightly(system))
    assert system.runs("aggregator")
    seen.lost_sessions = grown(before, await system.metrics("aggregator"), "spark_bus_sessions_lost_total")
    seen.lines = system.lines("aggregator", logged)
    return seen


async def test_an_aggregator_that_stood_still_is_there_again_at_once(standstill: Standstill) -> None:
    assert standstill.back_after <= AWAKE_SECONDS
    assert max(standstill.lost_sessions.values(), default=0) <= 1, "no storm of restarts"
    assert not [line for line in standstill.lines if line["level"] == "error"]


async def test_while_it_stands_still_nothing_looks_younger_than_it_is(standstill: Standstill) -> None:
    for answer, body in standstill.pages():
        for account in body["accounts"]:
            age = answer.asked_at - moment(account["asOf"]).timestamp()
            assert account["ageSeconds"] == pytest.approx(age, abs=HONEST_SECONDS)
    last = standstill.pages(standstill.began_at + STANDSTILL_SECONDS - HONEST_SECONDS)[0][1]
    assert min(account["ageSeconds"] for account in last["accounts"]) >= STANDSTILL_SECONDS - 2 * HONEST_SECONDS


async def test_an_exchange_that_hangs_or_is_gone_leaves_the_other_its_rhythm(standstill: Standstill) -> None:
    for gaps in (standstill.hung, standstill.dead):
        assert len(gaps) >= STANDSTILL_SECONDS / 3 / READ_SECONDS - 1
        assert max(gaps) <= READ_SECONDS, gaps


async def aged_rightly(system: System) -> bool:
    """Nothing is left to be read, and each account is as old as its oldest wallet on the topic, give or take."""
    if not await system.all_ready():
        return False
    earlier = await oldest_wallets(system)
    answer = await system.portfolio()
    now = time.time()
    later = await oldest_wallets(system)
    return all(
        now - later[account["exchange"]] - HONEST_SECONDS
        <= account["ageSeconds"]
        <= now - earlier[account["exchange"]] + HONEST_SECONDS
        for account in answer["accounts"]
    )


async def oldest_wallets(system: System) -> dict[str, float]:
    """When the oldest wallet of each exchange was read, by what lies on the broker."""
    found: dict[str, float] = {}
    for fact in newest(await system.logged("spark.balances")).values():
        snapshot = fact.fact.event
        read_at = snapshot.observed_at.timestamp()
        found[snapshot.exchange] = min(read_at, found.get(snapshot.exchange, read_at))
    return found


async def test_a_blocked_loop_shows_and_is_over_at_once(system: System) -> None:
    system.api.signal(signal.SIGSTOP)
    await asyncio.sleep(0.7)  # The block itself.
    system.api.signal(signal.SIGCONT)
    freed = time.monotonic()
    durations = []
    while time.monotonic() - freed < 3:
        asked = time.monotonic()
        assert (await get(system.http, system.api, "/api/portfolio"))[0] == 200
        if asked - freed > RECOVER_SECONDS:
            durations.append(time.monotonic() - asked)
    assert sorted(durations)[int(len(durations) * 0.99)] < QUICK_SECONDS
    # As late as a scraper of every fifteen seconds may come, it still sees it.
    assert (await system.metrics("api")).sum("spark_process_loop_lag_seconds") >= 0.2


async def rhythm(system: System, seconds: float) -> list[float]:
    """The seconds between two reads of the other exchange, for so long."""
    began = time.time()
    await asyncio.sleep(seconds)  # The time that is measured.
    moments = [
        fact.record.at
        for fact in await system.logged("spark.balances")
        if fact.fact.key == "main/btcturk/main/spot" and fact.record.at >= began
    ]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


async def test_a_new_api_serves_what_there_was_without_waiting_for_anybody(system: System) -> None:
    for role in others("api"):
        system[role].signal(signal.SIGSTOP)
    try:
        await system.until("the last state is served", lambda: serves_last(system))
        before = await system.portfolio()
        await system.api.kill()
        await system.roles.start("api")
        took = await system.until("the api", lambda: system.ready("api"))
        after = await system.portfolio()
    finally:
        for role in others("api"):
            system[role].signal(signal.SIGCONT)
    assert after["version"] == before["version"]
    assert plain(after) == plain(before)
    assert took < START_SECONDS
    await system.until("all is there", system.all_ready)


async def test_the_whole_history_holds(system: System) -> None:
    """All that was published and served in this file, by the rules H1 to H6, after a quiet time."""
    await system.walk(running=False)
    assert await system.stop(*ALL_COLLECTORS) == dict.fromkeys(ALL_COLLECTORS, 0)
    await system.until("quiet", lambda: serves_last(system, QUIET_SECONDS), within=15)
    history = system.history
    history.quiet.append((time.time() - QUIET_SECONDS, time.time()))
    await system.logged()
    history.texts += [Text(f"the log of {role}", system[role].err.encode()) for role in ROLES]
    history.secrets = tuple(
        text for name, text in system.roles.simulated.items() if "API_" in name and "URL" not in name
    )
    assert checker.check(history) == []


async def serves_last(system: System, quiet: float = 0.0) -> bool:
    """The last state is served, and no other has come for so long."""
    last = (await system.logged("spark.portfolio"))[-1]
    assert last.version is not None
    answer = await system.portfolio()
    return answer["version"] == "{}-{}".format(*last.version) and time.time() - last.record.at >= quiet
