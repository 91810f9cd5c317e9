"""Every fault leads to the right one of four errors, changes no published amount, and passes by itself."""

import datetime as dt

import pytest

KINDS = {
    "hang": "unavailable",
    "close": "unavailable",
    "reset": "unavailable",
    "garbage": "unreadable",
    "html": "unreadable",
    "truncated": "unreadable",
    "oversized": "unreadable",
    "duplicate_keys": "unreadable",
    "wrong_type": "unreadable",
    "nan": "unreadable",
    "negative": "unreadable",
    "huge": "unreadable",
    "missing_field": "unreadable",
    "redirect": "unreadable",
    "deep": "unreadable",
    "error_200": {"binance": "unavailable", "btcturk": "unreadable"},
    "blocked": "refused",
}
"""What the collector makes of each fault."""


def expected(kind: str, name: str) -> str:
    found = KINDS[kind]
    return found if isinstance(found, str) else found[name]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_of_one_wallet_is_told_and_changes_nothing(harness, kind: str) -> None:
    await harness.start()
    await harness.all_read()
    truth = harness.truth()
    harness.fault(kind)
    error = expected(kind, harness.name)
    await harness.until(
        lambda: (harness.wallet_status().health == "failed" and harness.wallet_status().error.kind == error)
        or (error == "refused" and harness.status().state == "refused")
    )  # fmt: skip
    status = harness.status()
    assert getattr(status.errors, error) >= 1
    assert status.state == error
    assert status.error.message
    assert status.error.mend
    assert (kind == "oversized") == ("cut off" in status.error.message)
    if error != "refused":
        for wallet in harness.wallets[1:]:
            await harness.more(2, wallet)
    count = len(harness.snapshots())
    await harness.until(lambda: len(harness.calls(harness.path())) > 1)
    assert len(harness.snapshots()) <= count
    assert harness.amounts() == truth
    assert harness.metric("spark_collector_polls_total", wallet="spot", outcome=error) >= 1
    harness.sim.clear_faults()
    await harness.more(1)
    await harness.until(lambda: harness.status().state == "live")
    assert harness.amounts() == truth


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "unreadable"), (404, "unreadable"), (500, "unavailable"), (502, "unavailable"), (503, "unavailable"),
     (504, "unavailable")],
)  # fmt: skip
async def test_a_status_leads_to_its_error(harness, status: int, kind: str) -> None:
    await harness.start()
    await harness.all_read()
    harness.fault("status", status=status)
    if (harness.name, status) == ("binance", 400):
        kind = "unavailable"  # Its code -1000 says more than the status.
    await harness.until(lambda: harness.wallet_status().error and harness.wallet_status().error.kind == kind)
    assert harness.amounts() == harness.truth()


@pytest.mark.parametrize("status", [451, 403])
async def test_a_place_that_is_not_served_has_its_own_sentence(harness, status: int) -> None:
    harness.sim.inject(_everywhere(harness, status))
    await harness.start()
    await harness.until(lambda: harness.status() and harness.status().state == "refused")
    said = harness.status().error.message
    assert ("does not serve this place" if status == 451 else "firewall") in said
    assert not harness.snapshots()


def _everywhere(harness, status: int):
    from simulator import Fault

    return Fault(exchange=harness.name, kind="blocked", status=status)


@pytest.mark.parametrize("kind", ["empty", "zeros"])
async def test_a_wallet_that_is_suddenly_empty_waits_for_a_second_read(harness, kind: str) -> None:
    await harness.start()
    await harness.all_read()
    truth = harness.truth()
    count = len(harness.snapshots())
    harness.fault(kind, times=1)
    await harness.until(lambda: harness.metric("spark_collector_polls_total", wallet="spot", outcome="held") == 1)
    await harness.until(lambda: len(harness.snapshots()) > count)
    assert all(one.balances for one in harness.snapshots())
    assert harness.amounts() == truth


@pytest.mark.parametrize("kind", ["empty", "zeros"])
async def test_a_wallet_that_stays_empty_is_published_as_such(harness, kind: str) -> None:
    await harness.start()
    await harness.all_read()
    for wallet in harness.wallets:
        harness.fault(kind, wallet)
    suspicious = set()

    def all_empty() -> bool:
        status = harness.status()
        suspicious.update(one.wallet for one in status.wallets if one.health == "suspicious")
        return all(harness.snapshot(wallet).balances == () for wallet in harness.wallets)

    await harness.until(all_empty)
    assert suspicious == set(harness.wallets)
    await harness.until(lambda: harness.status().state == "live")


async def test_half_a_list_that_announces_more_is_unreadable(binance) -> None:
    await binance.start()
    await binance.all_read()
    for wallet in ("earn-flexible", "earn-locked"):
        truth = binance.truth(wallet)
        assert len(truth) > 1
        binance.fault("half", wallet)
        await binance.until(
            lambda wallet=wallet: (
                binance.wallet_status(wallet).error and binance.wallet_status(wallet).error.kind == "unreadable"
            )
        )
        assert binance.amounts(wallet) == truth
    await binance.more(2, "spot")


async def test_a_page_that_fails_keeps_the_old_wallet(binance) -> None:
    rows = {f"COIN{number}": (str(number + 1), "0") for number in range(250)}
    binance.sim.set_balances("binance", "main", "earn-flexible", rows)
    await binance.start()
    await binance.until(lambda: binance.amounts("earn-flexible") == binance.truth("earn-flexible"))
    assert len(binance.amounts("earn-flexible")) == 250
    binance.fault("page_fail", "earn-flexible")
    await binance.until(lambda: binance.wallet_status("earn-flexible").health == "failed")
    binance.sim.set_balance("binance", "main", "earn-flexible", "COIN0", free="77")
    count = len(binance.snapshots("earn-flexible"))
    await binance.more(2, "spot")
    assert len(binance.snapshots("earn-flexible")) == count
    binance.sim.clear_faults()
    await binance.until(lambda: binance.amounts("earn-flexible") == binance.truth("earn-flexible"))


async def test_prices_that_fail_do_not_touch_balances(harness) -> None:
    from tests.contract.exchange.conftest import TICKER_PATHS, Fault

    await harness.start()
    await harness.all_read()
    await harness.until(harness.quotes)
    for kind in ("hang", "garbage", "status"):
        harness.sim.clear_faults()
        harness.sim.inject(Fault(exchange=harness.name, kind=kind, path=TICKER_PATHS[harness.name]))
        await harness.more(3)
        assert harness.status().state == "live"
    outcomes = [
        harness.metric("spark_collector_polls_total", wallet="prices", outcome=kind)
        for kind in ("unavailable", "unreadable")
    ]
    assert all(outcomes)


async def test_one_exchange_hanging_leaves_the_other_its_rhythm(harness) -> None:
    from tests.contract.exchange.conftest import Fault

    other = next(name for name in ("binance", "btcturk") if name != harness.name)
    await harness.start()
    await harness.start(name=other)
    await harness.all_read()
    harness.sim.inject(Fault(exchange=harness.name, kind="hang"))
    await harness.until(lambda: harness.status().state == "unavailable")
    await harness.more(5, name=other)
    assert harness.status(name=other).state == "live"


async def test_an_exchange_that_is_not_there_at_the_start_is_found_later(harness) -> None:
    from tests.contract.exchange.conftest import Fault

    harness.sim.inject(Fault(exchange=harness.name, kind="reset"))
    role = await harness.start()
    await harness.until(lambda: harness.status() and harness.status().state == "unavailable")
    assert role.check().ready
    harness.sim.clear_faults()
    await harness.all_read()
    await harness.until(lambda: harness.status().state == "live")


async def test_a_time_that_no_clock_shows_is_not_believed(harness) -> None:
    from simulator import Fault

    path = {"binance": "/api/v3/time", "btcturk": "/api/v2/server/time"}[harness.name]
    for insane in (2**53, 0):
        body = f'{{"serverTime": {insane}}}'
        harness.sim.inject(Fault(exchange=harness.name, kind="status", status=200, path=path, body=body, times=1))
    await harness.start()
    await harness.all_read()
    assert abs(harness.snapshot().observed_at - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=30)
    assert harness.metric("spark_collector_loop_restarts_total") == 0


async def test_a_loop_that_raises_is_begun_again_and_nobody_else_notices(harness, monkeypatch) -> None:
    exchange = harness.exchange()
    raised = 0

    async def broken(self, wallet, call, listing):
        nonlocal raised
        if wallet == "spot" and raised < 1:
            raised += 1
            raise KeyError("a mistake of ours")
        return await original(self, wallet, call, listing)

    original = exchange.read_wallet
    monkeypatch.setattr(exchange, "read_wallet", broken)
    monkeypatch.setattr(harness, "exchange", lambda _name="": exchange)
    await harness.start()
    await harness.until(lambda: raised == 1)
    for wallet in harness.wallets[1:]:
        await harness.more(2, wallet)
    await harness.more(1)
    assert harness.metric("spark_collector_loop_restarts_total") == 1


async def test_errors_are_logged_once_and_so_is_the_recovery(harness) -> None:
    from structlog.testing import capture_logs

    await harness.start()
    await harness.all_read()
    with capture_logs() as logs:
        harness.fault("status", status=503)
        await harness.until(lambda: harness.status().errors.unavailable >= 4)
        harness.sim.clear_faults()
        await harness.until(lambda: harness.status().state == "live")
    ours = [log["event"] for log in logs if log.get("account")]
    assert ours == ["an account cannot be read", "an account is read again"]
