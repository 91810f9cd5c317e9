"""Starts, restarts, takeovers, and a bus that comes late or fails."""

import asyncio
import datetime as dt
import random

import pytest

from bus.interface import PublishError, ReplacedError
from collectors.role import CollectorRole
from schemas.events import BalanceSnapshot
from schemas.topics import BALANCES


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


async def test_it_is_ready_once_our_own_last_events_are_known_and_says_why_before(harness) -> None:
    role = CollectorRole(
        harness.exchange(),
        bus=harness.bus,
        settings=harness.settings(harness.account()),
        metrics=harness.metrics,
        random=random.Random(1),
    )
    assert not role.check().ready
    assert role.check().reason
    harness.roles.append(role)
    await role.start()
    await harness.until(lambda: role.check().ready)
