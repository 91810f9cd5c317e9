"""Every role as a process of its own, on a real Kafka: they answer as the one process does, and fail alone."""

import asyncio
import datetime as dt
import json
import time

import aiohttp
import pytest

from bus.kafka_settings import KafkaSettings
from schemas import topics
from schemas.encoding import encode
from tests.contract.bus.tools import Recorder
from tests.kafka.tools import Made
from tests.ports import free_port
from tests.process.apart import COLLECTORS, ROLES, Observer, Roles, get, plain, whole
from tests.process.test_restart import started_simulator


@pytest.fixture
async def roles(program, http, until, kafka: str, topic_prefix: str) -> Roles:
    """All four, not started yet, over a simulator whose prices stand still."""
    _, simulated = await started_simulator(program, http, until)
    return Roles(program, kafka, topic_prefix, simulated)


async def ready(roles: Roles, until) -> None:
    for role in ROLES:
        await until(roles.programs[role], "/ready", lambda answer: answer == {"ready": True})


async def same(http: aiohttp.ClientSession, apart, one) -> None:
    """Both answer the same. Each may still price by another exchange until the nearer one has quoted, so not at once."""
    ends_at = time.monotonic() + 10
    while True:
        answers = [plain((await get(http, program, "/api/portfolio"))[1]) for program in (apart, one)]
        if answers[0] == answers[1] or time.monotonic() > ends_at:
            assert answers[0] == answers[1]
            return
        await asyncio.sleep(0.1)  # The pace of asking.


@pytest.mark.slow
async def test_the_processes_answer_as_the_one_process_does(roles: Roles, program, until, http) -> None:
    await roles.start("api")
    status, answer = await get_when_up(http, roles.api)
    assert (status, answer["accounts"], answer["updatedAt"]) == (200, [], None)
    assert {source["exchange"] for source in answer["sources"]} == set(COLLECTORS), "it needs no key to know them"
    await roles.start("collector btcturk", "aggregator", "collector binance")
    one = await program().start("up", **roles.simulated, ADMIN_TOKEN="a" * 40)
    await until(one, "/api/portfolio", whole)
    await until(roles.api, "/api/portfolio", whole)
    await same(http, roles.api, one)
    await ready(roles, until)
    for role in ROLES:
        url = roles.programs[role].url
        assert await get(http, roles.programs[role], "/health") == (200, {"ok": True})
        async with http.get(url + "/metrics") as response:
            text = await response.text()
        assert f'spark_process_info{{role="{role}"' in text
        assert 'spark_bus_reader_state{reader="' in text
        assert ("spark_portfolio_total_value_usd{" in text) == (role == "api"), (
            "the customer's five are the api's alone"
        )
        assert ("spark_collector_polls_total{" in text) == role.startswith("collector")
    asked = "/api/portfolio/explain?asset=BTC"
    assert plain((await get(http, roles.api, asked))[1]) == plain((await get(http, one, asked))[1])
    for running in (one, *roles.programs.values()):
        assert await running.interrupt() == 0, running.err[-1000:]
    lines = [json.loads(line) for role in ROLES for line in roles.programs[role].err.splitlines()]
    assert {line.get("role") for line in lines} == set(ROLES), "each line says whose it is"
    assert not [line for line in lines if line["level"] in {"error", "critical"}]


def bus_is_away(answer: dict, state: str) -> bool:
    """Whether the api says that it cannot read the bus; no source is said to be anything but what it was then."""
    bus = answer["bus"]
    return (
        bus["state"] == "degraded"
        and "Kafka does not answer" in bus["reason"]
        and {source["state"] for source in answer["sources"]} == {state}
        and all(state == "live" or "Kafka" in source["error"]["mend"] for source in answer["sources"])
    )


async def get_when_up(http: aiohttp.ClientSession, program) -> tuple[int, dict]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await get(http, program, "/api/portfolio")
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)  # The pace of asking.


@pytest.mark.slow
async def test_each_may_be_killed_and_the_others_go_on(roles: Roles, until, http) -> None:
    await roles.start(*ROLES)
    await until(roles.api, "/api/portfolio", lambda answer: len(answer["accounts"]) == 2)
    observer = Observer(http, roles.api)
    for role in ("aggregator", "collector btcturk", "collector binance"):
        await roles.programs[role].kill()
        for other in ROLES:
            if other != role:
                assert await get(http, roles.programs[other], "/health") == (200, {"ok": True}), other
        await roles.start(role)
        await until(roles.programs[role], "/ready", lambda answer: answer == {"ready": True})
    before = (await get(http, roles.api, "/api/portfolio"))[1]["updatedAt"]
    await until(roles.api, "/api/portfolio", lambda answer: whole(answer) and answer["updatedAt"] > before)
    await observer.end()
    await roles.api.kill()
    await roles.start("api")
    again = await until(roles.api, "/api/portfolio", whole)
    assert again["updatedAt"] >= before


@pytest.mark.slow
async def test_the_broker_may_come_last_and_leave_first(program, http, until, broker, topic_prefix: str) -> None:
    _, simulated = await started_simulator(program, http, until)
    kafka = broker()
    roles = Roles(program, kafka.bootstrap, topic_prefix, simulated)
    await roles.start(*ROLES)
    for role in ROLES:
        await until(roles.programs[role], "/health", lambda answer: answer == {"ok": True})
        status, answer = await get(http, roles.programs[role], "/ready")
        assert (status, answer["ready"]) == (503, False)
        assert "nothing listens there" in answer["reasons"]["bus"]
    assert (await get(http, roles.api, "/api/portfolio"))[0] == 200
    await until(roles.api, "/api/portfolio", lambda answer: bus_is_away(answer, "starting"))
    await kafka.start()
    came = time.monotonic()
    await ready(roles, until)
    assert time.monotonic() - came < 10
    before = await until(roles.api, "/api/portfolio", whole)
    await kafka.kill()
    await until(roles.api, "/ready", lambda answer: answer.get("reasons", {}).get("api", "").startswith("degraded: "))
    await until(roles.api, "/api/portfolio", lambda answer: bus_is_away(answer, "live"))
    assert (await get(http, roles.api, "/api/portfolio"))[1]["accounts"], "what was known stays"
    assert whole(before)
    for role in ROLES:
        roles.programs[role].signal(15)
    for role in ROLES:
        code = await roles.programs[role].ended(6)
        told = [line for line in roles.programs[role].err.splitlines() if '"unsent"' in line]
        assert (code, len(told)) in {(0, 0), (3, 1)}, roles.programs[role].err[-2000:]


@pytest.mark.slow
async def test_the_older_of_two_aggregators_leaves(program, until, kafka: str, topic_prefix: str) -> None:
    roles = [Roles(program, kafka, topic_prefix, {}) for _ in range(2)]
    older, newer = (each.programs["aggregator"] for each in roles)
    await roles[0].start("aggregator")
    await until(older, "/ready", lambda answer: answer == {"ready": True})
    await roles[1].start("aggregator")
    assert await older.ended(10) == 4
    (line,) = [line for line in map(json.loads, older.err.splitlines()) if line["level"] == "error"]
    assert "took over" in line["event"]
    await until(newer, "/ready", lambda answer: answer == {"ready": True})
    assert await newer.interrupt() == 0


async def silence(kafka: KafkaSettings, key: str) -> None:
    """Let an account's last report be a minute old."""
    made, last = Made(kafka), Recorder()
    await made.bus.start()
    try:
        reader = made.bus.follow_state([topics.COLLECTORS], last, name="last")
        await reader.start()
        await reader.live()
        status = next(fact.event for fact in reversed(last.facts) if fact.key == key)
        old = {"observed_at": status.observed_at - dt.timedelta(seconds=60), "seq": status.seq + 1}
        await made.bus.publish([encode(status.model_copy(update=old))])
    finally:
        await made.bus.stop()


async def test_an_account_is_forgotten_while_the_others_are_read(
    roles: Roles, program, until, kafka: str, topic_prefix: str
) -> None:
    await roles.start(*ROLES)
    await until(roles.api, "/api/portfolio", lambda answer: len(answer["accounts"]) == 2)
    keyed = await program().start("forget", "btcturk/main", **roles.settings, **roles.simulated)
    assert await keyed.ended(10) == 2
    assert "still configured" in keyed.err
    assert await roles.programs["collector btcturk"].interrupt() == 0
    early = await program().start("forget", "btcturk/main", **roles.settings)
    assert await early.ended(15) == 2
    assert "its collector reported" in early.err
    await silence(KafkaSettings(kafka, topic_prefix), "main/btcturk/main")
    gone = await program().start("forget", "btcturk/main", **roles.settings)
    assert await gone.ended(15) == 0, gone.err
    assert "btcturk/main is forgotten: 2 records" in gone.out
    await until(
        roles.api,
        "/api/portfolio",
        lambda answer: [account["exchange"] for account in answer["accounts"]] == ["binance"],
    )
    again = await program().start("forget", "btcturk/main", **roles.settings)
    assert await again.ended(15) == 2
    assert "nothing to forget" in again.err


async def test_a_collector_without_a_key_is_a_source_of_prices(roles: Roles, until) -> None:
    roles.simulated = {name: text for name, text in roles.simulated.items() if "BTCTURK_API" not in name}
    await roles.start(*ROLES)
    answer = await until(
        roles.api, "/api/portfolio", lambda answer: answer["accounts"] and answer["totals"]["totalUsd"]
    )
    assert {source["exchange"]: source["state"] for source in answer["sources"]}["btcturk"] == "unconfigured"
    assert [account["exchange"] for account in answer["accounts"]] == ["binance"]


async def test_two_collectors_on_one_port_are_told_what_to_do(program, until, kafka: str, topic_prefix: str) -> None:
    port = str(free_port())
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC_PREFIX": topic_prefix, "METRICS_PORT": port}
    closed = {f"{name.upper()}_REST_URL": "http://127.0.0.1:9" for name in COLLECTORS}
    first = program()
    first.url = f"http://127.0.0.1:{port}"
    await first.start("collector", "binance", **settings, **closed)
    await until(first, "/health", lambda answer: answer == {"ok": True})
    second = await program().start("collector", "btcturk", **settings, **closed)
    assert await second.ended(10) == 2
    assert f"port {port} on 127.0.0.1 is taken" in second.err
    assert "one METRICS_PORT in their common .env cannot serve them all" in second.err
    assert await first.interrupt() == 0
