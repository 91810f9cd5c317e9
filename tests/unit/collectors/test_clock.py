"""The exchange's time from ours, and stamps that never repeat."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.clock import JUMP_SECONDS, RESYNC_SECONDS, ServerClock, Stamps
from schemas.fields import milliseconds


def synced(clock, offset_seconds: float, round_trip: float = 0.0) -> ServerClock:
    made = ServerClock(clock)
    sent = clock.monotonic()
    clock.move(round_trip / 2)
    server = milliseconds(clock.now() + dt.timedelta(seconds=offset_seconds))
    clock.move(round_trip / 2)
    made.set(server, sent=sent, received=clock.monotonic())
    return made


def test_until_asked_our_clock_is_all_there_is(fake_clock) -> None:
    made = ServerClock(fake_clock)
    assert made.due()
    assert made.now() == fake_clock.now()
    assert made.offset_ms() is None


def test_half_the_round_trip_is_taken_off(fake_clock) -> None:
    made = synced(fake_clock, 10, round_trip=0.8)
    assert made.offset_ms() == 10_000
    assert made.now() == fake_clock.now() + dt.timedelta(seconds=10)
    assert made.stamp_ms() == made.milliseconds() - 400


def test_a_stamp_is_never_ahead_of_the_exchange(fake_clock) -> None:
    """All of a slow round trip on the way there: the middle of it would be two seconds ahead."""
    made = ServerClock(fake_clock)
    sent = fake_clock.monotonic()
    fake_clock.move(4)
    made.set(milliseconds(fake_clock.now()), sent=sent, received=fake_clock.monotonic())
    assert made.stamp_ms() <= milliseconds(fake_clock.now())


def test_a_calendar_that_is_set_changes_nothing_but_is_noticed(fake_clock) -> None:
    made = synced(fake_clock, 0)
    before = made.now()
    fake_clock.set_calendar(-3600)
    assert made.now() == before
    assert made.due()
    assert made.offset_ms() == 3_600_000


def test_it_is_asked_again_after_a_while(fake_clock) -> None:
    made = synced(fake_clock, 0)
    fake_clock.move(RESYNC_SECONDS - 1)
    assert not made.due()
    fake_clock.move(1)
    assert made.due()
    made = synced(fake_clock, 0)
    fake_clock.set_calendar(JUMP_SECONDS / 2)
    assert not made.due()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
@settings(max_examples=400, deadline=None)
def test_stamps_only_grow(times: list[int]) -> None:
    stamps = Stamps()
    given_out = [stamps.next(time) for time in times]
    assert given_out == sorted(set(given_out))
    assert all(stamp >= time for stamp, time in zip(given_out, times, strict=True))


def test_stamps_from_a_wrong_clock_are_forgotten() -> None:
    stamps = Stamps()
    stamps.next(10_000_000)
    stamps.forget()
    assert stamps.next(5_000) == 5_000
