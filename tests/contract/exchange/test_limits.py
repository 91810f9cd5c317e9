"""Waits that were ordered are kept by everybody; budgets are kept before the exchange has to say anything."""

import asyncio
from dataclasses import replace

import pytest

from simulator import Fault, Simulator, demo_config, fake_account


@pytest.mark.parametrize(
    ("harness", "kind"),
    [("binance", "rate_limited"), ("btcturk", "rate_limited"), ("binance", "banned")],
    indirect=["harness"],
)
async def test_no_request_is_sent_before_the_wait_is_over(harness, kind: str) -> None:
    await harness.start()
    await harness.all_read()
    harness.sim.inject(Fault(exchange=harness.name, kind=kind, path=harness.path(), times=1, retry_after=2))
    await harness.until(lambda: harness.status().state == "rate_limited")
    ordered = next(one.at for one in harness.sim.requests(harness.name) if one.fault is not None)
    await harness.until(lambda: harness.status().state == "live")
    later = [one.at for one in harness.sim.requests(harness.name) if one.at > ordered]
    in_flight = [at for at in later if at - ordered < 0.5]
    assert len(in_flight) <= 6  # What was on its way already when the answer came.
    assert not [at for at in later if 0.5 <= at - ordered < 2.0]
    assert harness.status().errors.rate_limited == 1 + len(
        [one for one in harness.sim.requests(harness.name) if one.status in {418, 429} and one.at > ordered]
    )


async def test_an_address_that_is_shut_out_without_a_word_is_left_in_peace(btcturk) -> None:
    await btcturk.start()
    await btcturk.all_read()
    truth = btcturk.truth()
    btcturk.sim.inject(Fault(exchange="btcturk", kind="banned"))
    await btcturk.until(lambda: btcturk.status().state == "refused")
    count = len(btcturk.sim.requests("btcturk"))
    await asyncio.sleep(0.6)
    assert len(btcturk.sim.requests("btcturk")) - count <= 6
    assert btcturk.amounts() == truth


async def test_a_wait_stops_all_accounts_of_the_exchange_and_no_other_exchange(harness) -> None:
    other = next(name for name in ("binance", "btcturk") if name != harness.name)
    await harness.start()
    await harness.start(name=other)
    await harness.all_read()
    harness.sim.inject(Fault(exchange=harness.name, kind="rate_limited", path=harness.path(), times=1, retry_after=30))
    await harness.until(lambda: harness.status().state == "rate_limited")
    await harness.more(2, name=other)
    count = len(harness.sim.requests(harness.name))
    await harness.more(4, name=other)
    assert len(harness.sim.requests(harness.name)) == count
    assert harness.amounts() == harness.truth()


async def test_a_refresh_during_a_wait_says_why_nothing_was_read(harness) -> None:
    from tests.contract.exchange.test_reading import refresh

    await harness.start()
    await harness.all_read()
    harness.sim.inject(Fault(exchange=harness.name, kind="rate_limited", times=1, retry_after=30))
    await harness.until(lambda: harness.status().state == "rate_limited")
    count = len(harness.sim.requests(harness.name))
    await harness.publish(refresh("now", exchange=harness.name))
    await harness.until(lambda: harness.status().refreshes)
    (result,) = harness.status().refreshes
    assert not result.ok
    assert "wait" in result.message
    assert len(harness.sim.requests(harness.name)) == count


async def test_the_budget_slows_polling_before_the_exchange_refuses(btcturk) -> None:
    """120 calls a minute are allowed; asked for are far more, and none is refused."""
    await btcturk.start(poll_seconds={"spot": 0.005})
    await btcturk.until(lambda: len(btcturk.calls(btcturk.path())) >= 108)
    await asyncio.sleep(0.5)
    calls = btcturk.calls(btcturk.path())
    assert len(calls) == 108
    assert {one.status for one in calls} == {200}


async def test_what_others_use_of_the_budget_is_heard_of(binance) -> None:
    """Somebody else behind our address uses half of the weight; the header tells, and the gauge shows it."""
    import aiohttp

    await binance.start()
    await binance.all_read()
    async with aiohttp.ClientSession() as session:
        for _ in range(60):
            async with session.get(f"{binance.sim.binance_url}/api/v3/ticker/24hr") as response:
                assert response.status == 200
    await binance.more(2)
    assert binance.metric("spark_collector_used_weight_ratio", budget="api") >= 0.8


async def test_many_wrong_keys_stay_far_below_what_blocks_an_address() -> None:
    """Thirty wrong keys at once: twenty refusals, then silence, and the good key goes on."""
    from tests.contract.exchange.conftest import harness_of

    async with harness_of("btcturk") as harness:
        accounts = [harness.account()]
        for number in range(30):
            wrong = fake_account("btcturk", f"wrong{number}")
            good = harness.account()
            credentials = {
                name: type(secret)(text)
                for (name, secret), text in zip(
                    good.credentials.items(), (wrong.api_key, wrong.api_secret), strict=True
                )
            }
            accounts.append(replace(good, label=wrong.label, credentials=credentials))
        harness.sim.inject(Fault(exchange="btcturk", kind="status", status=401, path=harness.path()))
        await harness.start(*accounts)
        await harness.until(
            lambda: all((status := harness.status(one.label)) and status.state == "refused" for one in accounts)
        )
        await asyncio.sleep(0.6)
        assert len(harness.calls(harness.path())) == 20


def test_the_simulator_of_these_tests_is_the_documented_one() -> None:
    config = Simulator(demo_config(seed=7)).config
    assert config.binance.weight_per_minute == 6000
    assert config.btcturk.windows["/api/v1/users/balances"].limit == 120
