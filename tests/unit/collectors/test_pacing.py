"""When the next read is, for every kind of failure; and how slowly refused keys are tried."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import RateLimitedError, RefusedError, UnavailableError, UnreadableError
from collectors.pacing import Pacing, backoff, jittered, pause_after
from collectors.registry import EXCHANGES

PACING = Pacing()
SEEDS = st.integers(0, 2**32)


def pause(error, *, failures: int = 1, interval: float = 10.0, seed: int = 1) -> float:
    return pause_after(error, failures=failures, interval=interval, pacing=PACING, chance=random.Random(seed))


@given(SEEDS)
@settings(max_examples=200, deadline=None)
def test_intervals_vary_by_a_tenth(seed: int) -> None:
    assert 9.0 <= jittered(10.0, PACING, random.Random(seed)) <= 11.0


@given(st.integers(1, 1000), SEEDS)
@settings(max_examples=400, deadline=None)
def test_backoff_grows_with_full_jitter_to_a_ceiling(failures: int, seed: int) -> None:
    found = backoff(failures, PACING, random.Random(seed))
    if failures < PACING.breaker_failures:
        assert PACING.backoff_shortest <= found <= 2.0 * 2 ** (failures - 1)
    else:
        assert 54.0 <= found <= 66.0


def test_full_jitter_uses_the_whole_range() -> None:
    found = [backoff(4, PACING, random.Random(seed)) for seed in range(200)]
    assert min(found) < 2.0
    assert max(found) > 14.0


@given(SEEDS, st.floats(0, 1e5))
@settings(max_examples=400, deadline=None)
def test_a_wait_that_was_told_is_never_cut_short(seed: int, told: float) -> None:
    assert pause(RateLimitedError("m", "m", retry_after_seconds=told), seed=seed) >= told


def test_the_other_kinds() -> None:
    assert 270 <= pause(RefusedError("m", "m", reason="key")) <= 330
    assert 27 <= pause(UnreadableError("m", "m")) <= 33
    assert 54 <= pause(UnreadableError("m", "m"), interval=60) <= 66
    assert pause(UnavailableError("m", "m", reason="network")) <= 2


@pytest.mark.parametrize("exchange", EXCHANGES.values())
def test_a_refused_key_is_tried_slowly(exchange) -> None:
    pauses = [exchange.refusal.pause(count) for count in range(1, 200)]
    assert pauses[0] == 300
    assert pauses == sorted(pauses)
    assert max(pauses) <= 6 * 3600


def test_where_an_address_gets_blocked_there_are_ten_tries_a_day_at_most() -> None:
    (pace,) = [exchange.refusal for exchange in EXCHANGES.values() if exchange.unauthorised_in_a_row_max]
    tries, at, count = [0.0], 0.0, 0
    while at < 3 * 86_400:
        count += 1
        at += pace.pause(count)
        tries.append(at)
    for begin in tries:
        assert len([one for one in tries if begin <= one < begin + 86_400]) <= 10
    assert max(pace.pause(count) for count in range(1, 100)) == 6 * 3600
