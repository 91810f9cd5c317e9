"""The parts between the loops and the bus: outbox, own keys, refreshes, wanted assets, settings, supervision."""

import asyncio
import datetime as dt
import random
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from bus.interface import PublishError
from collectors.balances import moved_mirrors
from collectors.binance.exchange import Binance
from collectors.btcturk.exchange import Btcturk
from collectors.exchange import Listing, Symbol, Ticker
from collectors.outbox import Outbox
from collectors.quotes import QuoteGate, Wanted
from collectors.refresh import COMMANDS_MAX, CommandDesk, Refreshes
from collectors.settings import AccountSettings, CollectorSettings, SettingsError, check_settings
from collectors.supervise import keep_running
from monitoring.metrics import CollectorMetrics
from schemas.encoding import Decoded, Encoded
from schemas.events import Balance, Mirror, RefreshCommand, WantedAsset
from schemas.topics import BALANCES, WANTED

AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [("1", "1.00009", False), ("1", "0.99991", False), ("1", "1.0002", True), ("1", "0.9998", True), (None, "1", True),
     ("1", None, True), (None, None, False), ("1" + "0" * 39, "0." + "0" * 29 + "1", True)],
)  # fmt: skip
def test_a_mirrored_holding_moved_where_it_came_went_or_changed_by_more_than_interest(before, after, moved) -> None:
    def rows(total: str | None) -> tuple[Balance, ...]:
        if total is None:
            return ()
        mirror = Mirror(wallet="earn-flexible", asset="BTC")
        return (Balance(asset="LDBTC", free=total, locked="0", total=total, mirror_of=mirror),)

    assert moved_mirrors(rows(before), rows(after)) == ({"earn-flexible"} if moved else set())


class FakeBus:
    """Takes batches, or fails so many times first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.batches: list[list[Encoded]] = []
        self.hang = False
        self.too_large: set[bytes] = set()
        self.away_too = False

    async def publish(self, facts, *, deadline_seconds: float = 5.0) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise PublishError("away", unsent=len(facts))
        self.batches.append(list(facts))
        refused = [one for one in facts if one.value in self.too_large]
        if refused:
            raise PublishError("too large", unsent=len(facts) if self.away_too else len(refused), refused=refused)


def fact(key: str, value: bytes) -> Encoded:
    return Encoded(BALANCES, key, value)


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to set an event
            await asyncio.sleep(0.005)


async def test_the_outbox_sends_the_newest_of_each_key_and_tries_again() -> None:
    bus = FakeBus(failures=1)
    outbox = Outbox(bus, exchange="x", chance=random.Random(1))
    for number in range(3):
        outbox.put(fact("a", str(number).encode()))
    outbox.put(fact("b", b"x"))
    with capture_logs() as logs:
        task = asyncio.create_task(outbox.run())
        await until(lambda: bus.batches)
        task.cancel()
    assert [[(one.key, one.value) for one in batch] for batch in bus.batches] == [[("a", b"2"), ("b", b"x")]]
    assert [log["log_level"] for log in logs] == ["warning", "info"]


async def test_what_the_bus_refuses_for_good_is_not_tried_again_and_the_rest_has_arrived() -> None:
    bus = FakeBus()
    bus.too_large = {b"huge"}
    outbox = Outbox(bus, exchange="x", chance=random.Random(1))
    outbox.put(fact("a", b"huge"))
    outbox.put(fact("b", b"x"))
    assert await outbox.flush() == 0
    assert [[one.key for one in batch] for batch in bus.batches] == [["a", "b"]]


async def test_beside_what_is_refused_for_good_the_rest_is_tried_again() -> None:
    bus = FakeBus()
    bus.too_large, bus.away_too = {b"huge"}, True
    outbox = Outbox(bus, exchange="x", chance=random.Random(1))
    outbox.put(fact("a", b"huge"))
    outbox.put(fact("b", b"x"))
    assert await outbox.flush() == 1
    assert await outbox.flush() == 0
    assert [[one.key for one in batch] for batch in bus.batches] == [["a", "b"], ["b"]]


async def test_a_fact_that_was_not_acknowledged_never_replaces_a_newer_one() -> None:
    bus = FakeBus()
    bus.hang = True
    outbox = Outbox(bus, exchange="x", chance=random.Random(1))
    outbox.put(fact("a", b"old"))
    task = asyncio.create_task(outbox.run())
    await until(lambda: not outbox._waiting)
    outbox.put(fact("a", b"new"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    bus.hang = False
    assert await outbox.flush() == 0
    assert [one.value for batch in bus.batches for one in batch] == [b"new"]


async def test_what_cannot_be_sent_at_the_end_is_counted() -> None:
    outbox = Outbox(FakeBus(failures=99), exchange="x", chance=random.Random(1))
    outbox.put(fact("a", b"1"))
    outbox.put(fact("b", b"1"))
    assert await outbox.flush() == 2


def command(name: str = "c1", *, seconds: float = 10, exchange: str = "x", account: str | None = None):
    return RefreshCommand(
        epoch=0, seq=0, published_at=AT, id=name, portfolio="main", exchange=exchange, account=account,
        expires_at=AT + dt.timedelta(seconds=seconds),
    )  # fmt: skip


def test_commands_of_others_and_expired_ones_are_dropped() -> None:
    handed: list[RefreshCommand] = []
    desk = CommandDesk("x", lambda: AT, handed.append)
    for one in (command("a"), command("b", exchange="y"), command("c", seconds=-1), command("d", seconds=0)):
        desk.command(one)
    assert [one.id for one in handed] == ["a"]


def test_one_read_serves_all_commands_that_came_before_it() -> None:
    results = []
    refreshes = Refreshes(lambda: AT, results.append)
    refreshes.add(command("a"), ["spot", "funding"])
    refreshes.add(command("b"), ["spot", "funding"])
    refreshes.add(command("b"), ["spot", "funding"])
    assert refreshes.waiting_for("spot") == ("a", "b")
    refreshes.done("spot", ("a", "b"))
    assert results == []
    assert refreshes.waiting_for("spot") == ()
    refreshes.done("funding", ("a", "b"), "it broke")
    assert [(one.command_id, one.ok, one.message) for one in results] == [
        ("a", False, "funding: it broke"), ("b", False, "funding: it broke"),
    ]  # fmt: skip


def test_a_command_that_comes_twice_is_one_command() -> None:
    results = []
    refreshes = Refreshes(lambda: AT, results.append)
    refreshes.add(command("a"), ["spot", "funding"])
    refreshes.done("spot", ("a",))
    refreshes.add(command("a"), ["spot", "funding"])
    assert refreshes.waiting_for("spot") == ()
    refreshes.done("funding", ("a",))
    assert [one.command_id for one in results] == ["a"]


def test_commands_end_when_they_expire_or_are_too_many() -> None:
    results = []
    now = AT
    refreshes = Refreshes(lambda: now, results.append)
    for number in range(COMMANDS_MAX + 1):
        refreshes.add(command(f"c{number}"), ["spot"])
    assert [one.command_id for one in results] == [f"c{COMMANDS_MAX}"]
    now = AT + dt.timedelta(seconds=11)
    assert refreshes.waiting_for("spot") == ()
    assert len(results) == COMMANDS_MAX + 1
    assert not any(one.ok for one in results)


def wanted(asset: str, *, portfolio: str = "main", bridge: bool = False, seq: int = 1) -> Decoded:
    event = WantedAsset(epoch=1, seq=seq, published_at=AT, portfolio=portfolio, asset=asset, bridge=bridge)
    return Decoded(WANTED, event.key, event)


LISTING = Listing(
    [
        Symbol("BTCUSDT", "BTC", "USDT", True),
        Symbol("SOLUSDT", "SOL", "USDT", True),
        Symbol("SOLETH", "SOL", "ETH", True),
        Symbol("ADAETH", "ADA", "ETH", True),
        Symbol("TRYSOL", "TRY", "SOL", True),
        Symbol("SOLBTC", "SOL", "BTC", False),
    ]
)


def names(desk: Wanted) -> set[str]:
    return {symbol.name for symbol in desk.symbols("x", LISTING)}


def test_symbols_are_quoted_where_one_side_is_wanted_and_the_other_a_bridge() -> None:
    desk = Wanted()
    assert names(desk) == {"BTCUSDT"}
    desk.apply([wanted("SOL")])
    assert names(desk) == {"BTCUSDT", "SOLUSDT", "TRYSOL"}
    desk.apply([wanted("ETH", bridge=True)])
    assert names(desk) == {"BTCUSDT", "SOLUSDT", "TRYSOL", "SOLETH"}


def test_what_several_want_is_quoted_until_the_last_does_not() -> None:
    desk = Wanted()
    desk.apply([wanted("SOL"), wanted("SOL", portfolio="other")])
    desk.apply([Decoded(WANTED, "main/SOL", None)])
    assert "SOLUSDT" in names(desk)
    desk.apply([Decoded(WANTED, "other/SOL", None)])
    assert "SOLUSDT" not in names(desk)


def test_an_older_record_does_not_bring_back_what_nobody_wants() -> None:
    told = []
    desk = Wanted(told.append)
    desk.apply([wanted("SOL", seq=2), Decoded(WANTED, "main/SOL", None), wanted("SOL", seq=1), wanted("SOL", seq=2)])
    assert "SOLUSDT" not in names(desk)
    desk.apply([wanted("SOL", seq=3)])
    assert "SOLUSDT" in names(desk)
    desk.topic_reset(WANTED)
    assert told == [WANTED]
    assert "SOLUSDT" in names(desk)
    desk.apply([wanted("ADA", seq=1), Decoded(WANTED, "main/SOL", None)])
    assert "SOLUSDT" not in names(desk)


def test_quotes_go_out_on_change_at_most_once_a_second_and_as_a_heartbeat() -> None:
    gate = QuoteGate(25)
    one, two = Ticker("A", Decimal(1), None), Ticker("A", Decimal(2), None)
    assert gate.admits(one, 100.0)
    assert not gate.admits(two, 100.9)
    assert not gate.admits(one, 101.0)
    assert gate.admits(two, 101.0)
    assert not gate.admits(two, 125.9)
    assert gate.admits(two, 126.0)
    assert not gate.admits(Ticker("B", None, Decimal(1)), 100.0)
    gate.keep(set())
    assert gate.admits(two, 126.1)
    gate.forget()
    assert gate.admits(two, 126.2)


SECRET = "Y2FuYXJ5LXNlY3JldA=="


def account(label: str = "main", key: str = "canary-key", secret: str = SECRET, portfolio: str = "main"):
    return AccountSettings(portfolio, label, {"API_KEY": SecretStr(key), "API_SECRET_BASE64": SecretStr(secret)})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (CollectorSettings("btcturk", accounts=(account(secret="canary not base64"),)), "API_SECRET_BASE64"),
        (CollectorSettings("btcturk", accounts=(account(secret="canary!"),)), "API_SECRET_BASE64"),
        (CollectorSettings("btcturk", accounts=(account(secret=""),)), "API_SECRET_BASE64 is missing"),
        (CollectorSettings("btcturk", accounts=(account(key="canary key"),)), "API_KEY"),
        (CollectorSettings("btcturk", accounts=(account(label="Main"),)), "account label"),
        (CollectorSettings("btcturk", accounts=(account(portfolio="a/b"),)), "portfolio label"),
        (CollectorSettings("btcturk", accounts=(account(), account(key="other"))), "twice"),
        (CollectorSettings("btcturk", accounts=(account(), account("b"))), "another account's"),
        (CollectorSettings("btcturk", poll_seconds={"funding": 10.0}), "no wallet 'funding'"),
        (CollectorSettings("btcturk", poll_seconds={"spot": 0.0}), "poll interval"),
        (CollectorSettings("btcturk", poll_seconds={"spot": float("nan")}), "poll interval"),
        (CollectorSettings("btcturk", price_poll_seconds=-1), "price poll interval"),
        (CollectorSettings("btcturk", "ftp://x"), "REST address"),
        (CollectorSettings("btcturk", "https://u:canary@x"), "REST address"),
        (CollectorSettings("btcturk", "https://x/api"), "without a path"),
        (CollectorSettings("btcturk", "http://example.com"), "clear text"),
        (CollectorSettings("btcturk", "https://x:99999"), "REST address"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(settings: CollectorSettings, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_settings(settings, Btcturk())
    assert named in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(settings.accounts)


def test_good_settings_are_let_through() -> None:
    check_settings(CollectorSettings("btcturk", "http://127.0.0.1:4020", (account(),), {"spot": 1.0}), Btcturk())
    check_settings(CollectorSettings("binance"), Binance())


async def test_a_loop_that_raises_is_begun_again_and_says_no_secret(fake_clock) -> None:
    metrics = CollectorMetrics(CollectorRegistry())
    runs = 0

    async def loop() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("canary")
        await asyncio.Event().wait()

    class Quick(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return 0.001

    with capture_logs() as logs:
        task = asyncio.create_task(
            keep_running(loop, name="l", exchange="x", clock=fake_clock, chance=Quick(), metrics=metrics)
        )
        await until(lambda: runs == 2)
        task.cancel()
    assert metrics.loop_restarts.labels("x")._value.get() == 1
    assert "canary" not in str(logs)
    assert logs[0]["error"] == "ValueError"
