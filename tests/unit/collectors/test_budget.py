"""Windows, ordered waits, and what others use; the clock is moved, nobody sleeps."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from collectors.budget import RETRY_AFTER_MARGIN_SECONDS, USABLE_SHARE, Budget, Window
from collectors.errors import RateLimitedError
from collectors.exchange import BudgetRule
from monitoring.metrics import CollectorMetrics

ALIGNED = BudgetRule("api", 100, 60, aligned=True)
OWN = BudgetRule("own", 10, 60, aligned=False)


def budget(clock, *rules: BudgetRule) -> Budget:
    return Budget(
        rules or (ALIGNED,),
        exchange="x",
        title="X",
        exchange_seconds=lambda: clock.at.timestamp(),  # noqa: PLW0108 - the moment moves
        monotonic=clock.monotonic,
        metrics=CollectorMetrics(CollectorRegistry()),
    )


def test_an_aligned_window_ends_with_the_minute() -> None:
    window = Window(ALIGNED)
    window.take(90, 130.0)
    assert window.wait(1, 130.0) == pytest.approx(50.0)
    assert window.wait(1, 179.9) == pytest.approx(0.1)
    assert window.wait(1, 180.0) == 0


def test_an_own_window_begins_with_the_first_call_and_ends_a_little_late() -> None:
    window = Window(OWN)
    for _ in range(9):
        assert window.wait(1, 130.0) == 0
        window.take(1, 130.0)
    assert window.wait(1, 150.0) == pytest.approx(41.0)
    assert window.wait(1, 190.5) > 0
    assert window.wait(1, 191.0) == 0


def test_waiting_begins_before_the_limit() -> None:
    window = Window(ALIGNED)
    window.take(int(100 * USABLE_SHARE), 0.0)
    assert window.wait(1, 0.0) > 0


def test_more_than_a_window_may_go_through_an_empty_one() -> None:
    window = Window(BudgetRule("small", 5, 60, aligned=True))
    assert window.wait(20, 0.0) == 0
    window.take(20, 0.0)
    assert window.wait(20, 1.0) > 0


def test_what_others_use_counts() -> None:
    window = Window(ALIGNED)
    window.take(20, 10.0)
    window.heard(85, 11.0, sent=10.0)
    assert window.used == 85
    assert window.wait(20, 11.0) > 0
    window.heard(30, 12.0, sent=11.0)
    assert window.used == 85


def test_an_answer_that_crossed_a_minute_says_nothing_of_the_new_one() -> None:
    window = Window(ALIGNED)
    window.take(20, 59.0)
    window.heard(90, 61.0, sent=59.0)
    assert window.used == 0


def test_a_clock_set_back_does_not_empty_a_window() -> None:
    window = Window(ALIGNED)
    window.take(90, 7200.0)
    assert window.wait(20, 3600.0) > 0


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 30)), max_size=60), st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_window_is_ever_overspent(calls: list[tuple[int, float]], aligned: bool) -> None:
    """Whatever is asked for, in any window of the exchange's own counting no more than the limit is sent."""
    rule = BudgetRule("r", 50, 60, aligned=aligned)
    window = Window(rule)
    now = 0.0
    counted: dict[float, int] = {}
    start = None
    for weight, gap in calls:
        now += gap
        for _ in range(3):  # A float added to a float may fall short of their sum by a hair.
            now += window.wait(weight, now)
        assert window.wait(weight, now) == 0
        window.take(weight, now)
        if aligned:
            start = now // 60
        elif start is None or now >= start + 60:
            start = now
        counted[start] = counted.get(start, 0) + weight
    assert all(used <= 50 for used in counted.values())


async def test_an_ordered_wait_stops_everything_until_it_is_over(fake_clock) -> None:
    made = budget(fake_clock, ALIGNED, OWN)
    made.pause(30)
    made.pause(5)
    for name in ("api", "own"):
        with pytest.raises(RateLimitedError) as caught:
            await made.take(name, 1)
        assert not caught.value.answered
        assert caught.value.retry_after_seconds == pytest.approx(30 + RETRY_AFTER_MARGIN_SECONDS)
    fake_clock.move(30)
    with pytest.raises(RateLimitedError):
        made.check()
    fake_clock.move(RETRY_AFTER_MARGIN_SECONDS)
    await made.take("api", 1)


async def test_who_waits_for_a_window_gives_up_when_a_wait_is_ordered(fake_clock, monkeypatch) -> None:
    made = budget(fake_clock)
    await made.take("api", 90)

    async def ordered(_: float) -> None:
        made.pause(10)

    monkeypatch.setattr(asyncio, "sleep", ordered)
    with pytest.raises(RateLimitedError):
        await made.take("api", 20)


async def test_turns_are_in_order(fake_clock, monkeypatch) -> None:
    made = budget(fake_clock)
    await made.take("api", 90)
    served: list[int] = []
    real = asyncio.sleep

    async def moved(seconds: float) -> None:
        fake_clock.move(seconds)
        await real(0)

    async def one(number: int, weight: int) -> None:
        await made.take("api", weight)
        served.append(number)

    monkeypatch.setattr(asyncio, "sleep", moved)
    await asyncio.gather(one(1, 80), one(2, 5), one(3, 5))
    assert served == [1, 2, 3]
