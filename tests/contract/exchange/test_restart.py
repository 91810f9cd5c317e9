"""Starts, restarts, takeovers, and a bus that comes late or fails."""

import asyncio
import contextlib
import datetime as dt
import random

import pytest

from bus.interface import PublishError, ReplacedError
from collectors.role import CollectorRole
from schemas.events import BalanceSnapshot
from schemas.topics import BALANCES, WANTED


async def test_a_restart_goes_on_with_a_larger_epoch(harness) -> None:
    first = await harness.start()
    await harness.all_read()
    await first.stop()
    before = harness.snapshot()
    await harness.start()
    await harness.until(lambda: harness.snapshot().epoch > before.epoch)
    assert harness.snapshot().version > before.version


async def test_an_epoch_ahead_of_our_clock_is_outbid(harness) -> None:
    far = int(dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp() * 1000) * 1024
    await harness.publish(_snapshot(harness, far))
    await harness.start()
    await harness.until(lambda: harness.snapshot() and harness.snapshot().epoch == far + 1)


async def test_a_restart_does_not_forget_what_a_wallet_held(harness) -> None:
    first = await harness.start()
    await harness.all_read()
    await first.stop()
    harness.fault("empty", times=1)
    await harness.start()
    await harness.until(lambda: harness.metric("spark_collector_polls_total", wallet="spot", outcome="held") == 1)
    await harness.more(1)
    assert all(one.balances for one in harness.snapshots())


async def test_the_older_of_two_collectors_leaves(harness) -> None:
    first = await harness.start()
    await harness.all_read()
    second = await harness.start()
    with pytest.raises(ReplacedError):
        await asyncio.wait_for(first.wait(), 10)
    assert not first.check().ready
    assert await first.stop() == 0
    await harness.more(2)
    assert second.check().ready
    assert harness.status().state == "live"


async def test_a_late_record_of_an_older_writer_is_written_over(harness) -> None:
    await harness.start(poll_seconds=dict.fromkeys(harness.wallets, 600.0))
    await harness.all_read()
    mine = harness.snapshot()
    await harness.publish(_snapshot(harness, 1))
    await harness.until(lambda: harness.snapshots()[-1].version == mine.version and len(harness.snapshots()) >= 3)


def _snapshot(harness, epoch: int) -> BalanceSnapshot:
    at = dt.datetime.now(dt.UTC)
    return BalanceSnapshot(
        epoch=epoch, seq=1, published_at=at, portfolio="main", exchange=harness.name, account="main", wallet="spot",
        observed_at=at, requested_at=at, cause="poll", poll_interval_seconds=10.0, balances=(),
    )  # fmt: skip


async def test_a_bus_that_refuses_for_a_while_loses_nothing(harness, monkeypatch) -> None:
    real = harness.bus.publish
    away = True

    async def publish(facts, **named) -> None:
        if away:
            raise PublishError("away", unsent=len(facts))
        await real(facts, **named)

    monkeypatch.setattr(harness.bus, "publish", publish)
    await harness.start()
    await harness.until(lambda: len(harness.calls(harness.path())) >= 3)
    assert not harness.followed.events
    away = False
    await harness.all_read()
    for wallet in harness.wallets:
        assert harness.amounts(wallet) == harness.truth(wallet)


async def test_an_emptied_topic_is_filled_again(harness) -> None:
    role = await harness.start(poll_seconds=dict.fromkeys(harness.wallets, 600.0))
    await harness.all_read()
    count = len(harness.snapshots())
    role._own.topic_reset(BALANCES)
    await harness.until(lambda: len(harness.snapshots()) > count)


async def test_an_emptied_bus_is_given_every_price_again_at_once(harness) -> None:
    role = await harness.start(keyless=True, price_poll_seconds=600.0)
    await harness.until(harness.quotes)
    before = {quote.key: quote.version for quote in harness.quotes()}
    count = len(harness.quotes())
    role._wanted.topic_reset(WANTED)
    await harness.until(lambda: len(harness.quotes()) == count + len(before))
    assert {quote.key: quote.version for quote in harness.quotes()[count:]} == before
    assert harness.metric("spark_collector_topic_resets_total", topic="spark.wanted") == 1


async def test_a_process_without_keys_leaves_the_status_to_one_with_keys_and_goes_on_with_prices(harness) -> None:
    keyless = await harness.start(keyless=True)
    await harness.until(lambda: harness.status() and harness.status().state == "unconfigured")
    keyed = await harness.start(price_poll_seconds=600.0)
    await harness.until(lambda: harness.status().state == "live")
    statuses, polls = len(harness.statuses()), harness.price_polls()
    await harness.until(lambda: len(harness.statuses()) > statuses + 5 and harness.price_polls() > polls + 2)
    assert {one.state for one in harness.statuses()[statuses:]} == {"live"}
    assert keyless.check().ready
    assert keyed.check().ready


async def test_a_process_without_keys_does_not_claim_the_status_of_one_with_keys(harness) -> None:
    await harness.start()
    await harness.until(lambda: harness.status() and harness.status().state == "live")
    keyless = await harness.start(keyless=True)
    await harness.until(lambda: keyless.check().ready)
    statuses = len(harness.statuses())
    await harness.until(lambda: len(harness.statuses()) > statuses + 5)
    assert {one.state for one in harness.statuses()[statuses:]} == {"live"}


async def test_one_with_keys_that_was_taken_for_silent_takes_its_status_back(harness) -> None:
    keyed = await harness.start()
    await harness.all_read()
    far = harness.snapshot().epoch + 10**6
    claim = harness.status().model_copy(update={"epoch": far, "seq": 1, "state": "unconfigured", "wallets": ()})
    await harness.publish(claim)
    await harness.until(lambda: harness.status().epoch > far and harness.status().state == "live")
    await harness.until(lambda: all(harness.snapshot(wallet).epoch > far for wallet in harness.wallets))
    assert keyed.check().ready


async def test_a_reader_that_failed_is_said_and_prices_and_balances_go_on(harness) -> None:
    role = await harness.start()
    await harness.all_read()
    for number in range(25):
        with contextlib.suppress(PublishError):
            await harness.bus.inject("spark.balances", b"poison/%d" % number, b"{")
    await harness.until(lambda: not role.check().ready)
    assert role.check().reason.startswith(f"failed: {harness.name}-own: poisoned: 20 bad records")
    reads, polls = harness.wallet_reads(), harness.price_polls()
    await harness.until(lambda: harness.wallet_reads() > reads and harness.price_polls() > polls)


async def test_it_is_ready_once_our_own_last_events_are_known_and_says_why_before(harness) -> None:
    role = CollectorRole(
        harness.exchange(),
        bus=harness.bus,
        settings=harness.settings(harness.account()),
        metrics=harness.metrics,
        random=random.Random(1),
    )
    assert role.check().reason == "unstarted"
    harness.roles.append(role)
    await role.start()
    await harness.until(lambda: role.check().ready)
