"""Keys: refused where they can do more than read, slowed down where they are refused, signed by the exchange's time."""

import asyncio
from dataclasses import replace

import pytest

from collectors.binance.parse import POWERS
from simulator import Fault

RESTRICTIONS = "/sapi/v1/account/apiRestrictions"


@pytest.mark.parametrize("flag", POWERS)
async def test_a_key_that_can_do_more_than_read_is_refused_by_name(binance, flag: str) -> None:
    binance.sim.set_permissions("main", **{flag: True})
    await binance.start()
    await binance.until(lambda: binance.status() and binance.status().state == "refused")
    status = binance.status()
    assert flag in status.error.message
    assert (status.permissions.state, status.permissions.flags) == ("refused", (flag,))
    await binance.until(lambda: len(binance.calls(RESTRICTIONS)) >= 2)
    assert not binance.snapshots()
    assert not binance.calls("/api/v3/account")
    binance.sim.set_permissions("main", **{flag: False})
    await binance.all_read()
    await binance.until(lambda: binance.status().permissions.state == "read_only")


async def test_a_power_that_the_settings_name_is_let_in(binance) -> None:
    binance.sim.set_permissions("main", enableMargin=True, enableFutures=True)
    account = binance.account(allowed_flags=frozenset({"enableMargin"}))
    await binance.start(account)
    await binance.until(lambda: binance.status() and binance.status().state == "refused")
    assert "enableFutures" in binance.status().error.message
    assert "enableMargin" not in binance.status().error.message
    binance.sim.set_permissions("main", enableFutures=False)
    await binance.all_read()
    assert binance.status().permissions.state == "overridden"
    assert binance.status().permissions.flags == ("enableMargin",)


async def test_an_unknown_power_refuses_at_the_start(binance) -> None:
    body = '{"ipRestrict":true,"enableReading":true,"enableTeleportation":true}'
    binance.sim.inject(Fault(exchange="binance", kind="status", status=200, path=RESTRICTIONS, body=body))
    await binance.start()
    await binance.until(lambda: binance.status() and binance.status().state == "refused")
    assert "enableTeleportation" in binance.status().error.message


async def test_an_unknown_power_only_warns_at_the_daily_check_and_a_known_one_refuses(binance) -> None:
    from tests.contract.exchange.conftest import FAST

    await binance.start(pacing=replace(FAST, permissions=0.2))
    await binance.all_read()
    body = '{"ipRestrict":true,"enableReading":true,"enableTeleportation":true}'
    binance.sim.inject(Fault(exchange="binance", kind="status", status=200, path=RESTRICTIONS, body=body))
    await binance.until(lambda: binance.status().permissions.flags == ("enableTeleportation",))
    await binance.more(2)
    assert binance.status().state == "live"
    binance.sim.clear_faults()
    binance.sim.set_permissions("main", enableWithdrawals=True)
    await binance.until(lambda: binance.status().state == "refused")
    count = len(binance.snapshots())
    await binance.until(lambda: len(binance.calls(RESTRICTIONS)) >= 5)
    assert len(binance.snapshots()) == count


async def test_a_revoked_key_stops_its_account_and_no_other(harness) -> None:
    await harness.start()
    await harness.all_read()
    truth = harness.truth()
    harness.sim.revoke(harness.name, "main")
    await harness.until(lambda: harness.status().state == "refused")
    assert harness.status().error.mend
    count, calls = len(harness.snapshots()), len(harness.calls(harness.path()))
    await asyncio.sleep(0.6)
    assert len(harness.snapshots()) == count
    assert harness.amounts() == truth
    # Slowly: every quarter of a second here, and one call each.
    assert len(harness.calls(harness.path())) - calls <= 4
    assert harness.status().state == "refused"


async def test_a_key_that_is_refused_once_and_good_at_the_second_look_is_kept(binance) -> None:
    """A valid key is refused at times (a temporary ban); a second read decides."""
    await binance.start()
    await binance.all_read()
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    binance.sim.inject(Fault(exchange="binance", kind="status", status=401, path="/api/v3/account", body=body, times=1))
    await binance.until(lambda: binance.status().errors.refused == 1)
    await binance.more(2)
    assert binance.status().permissions.state == "read_only"
    await binance.until(lambda: binance.status().state == "live")


async def test_what_comes_after_a_refusal_is_not_published(binance) -> None:
    await binance.start()
    await binance.all_read()
    spot = binance.path("spot")
    binance.sim.inject(Fault(exchange="binance", kind="slow", path=spot, seconds=0.4))
    waiting = len(binance.calls(spot))
    await binance.until(lambda: len(binance.calls(spot)) > waiting)
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    for path in (binance.path("funding"), RESTRICTIONS):
        binance.sim.inject(Fault(exchange="binance", kind="status", status=401, path=path, body=body))
    await binance.until(lambda: binance.status().state == "refused")
    count = len(binance.snapshots())
    await binance.until(lambda: all(one.status is not None for one in binance.calls(spot)))
    seq = binance.status().seq
    await binance.until(lambda: binance.status().seq >= seq + 3)
    assert len(binance.snapshots()) == count


async def test_a_wallet_that_the_key_may_not_read_fails_alone(binance) -> None:
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    path = binance.path("funding")
    binance.sim.inject(Fault(exchange="binance", kind="status", status=401, path=path, body=body))
    await binance.start()
    await binance.until(
        lambda: binance.wallet_status("funding") and binance.wallet_status("funding").health == "failed"
    )
    await binance.more(3, "spot")
    assert binance.snapshot("funding") is None
    assert binance.wallet_status("spot").health == "ok"
    assert binance.wallet_status("funding").error.kind == "refused"


async def test_a_wrong_secret_is_told_apart(harness) -> None:
    account = harness.account()
    names = list(account.credentials)
    other = next(iter(harness.sim.config.accounts["btcturk"])).api_secret
    wrong = "A" * 43 + "=" if harness.name == "btcturk" and other else "B" * 64
    credentials = dict(account.credentials) | {names[1]: type(account.credentials[names[1]])(wrong)}
    await harness.start(replace(account, credentials=credentials))
    await harness.until(lambda: harness.status() and harness.status().state == "refused")
    assert "signature" in harness.status().error.message.lower()
    assert not harness.snapshots()


@pytest.mark.parametrize("seconds", [10, -10, 3600])
async def test_a_wrong_clock_does_not_matter(harness, seconds: int) -> None:
    harness.sim.set_clock_offset(harness.name, seconds * 1000)
    await harness.start()
    await harness.all_read()
    await harness.until(lambda: harness.status().state == "live")
    assert abs(harness.status().clock_offset_ms - seconds * 1000) < 500
    assert harness.metric("spark_collector_clock_skew_seconds") == pytest.approx(seconds, abs=0.5)
    assert harness.status().errors.model_dump() == dict.fromkeys(
        ("unavailable", "rate_limited", "refused", "unreadable"), 0
    )
    age = (harness.snapshot().observed_at - harness.snapshot().published_at).total_seconds()
    assert age == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize("seconds", [12, -12])
async def test_a_clock_that_jumps_is_found_and_the_read_done_again(harness, seconds: int) -> None:
    from tests.contract.exchange.conftest import FAST

    await harness.start(pacing=replace(FAST))
    await harness.all_read()
    harness.sim.set_clock_offset(harness.name, seconds * 1000)
    await harness.more(3)
    await harness.until(lambda: abs(harness.status().clock_offset_ms - seconds * 1000) < 500)
    assert harness.status().state == "live"
    assert harness.status().errors.refused == 0


async def test_every_stamp_is_used_once(btcturk) -> None:
    await btcturk.start(poll_seconds={"spot": 0.01})
    await btcturk.more(30)
    assert {one.status for one in btcturk.calls(btcturk.path())} == {200}
