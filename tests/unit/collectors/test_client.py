"""The one way out: what waits for its turn finds out about an ordered wait before it is sent."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from collectors.btcturk import endpoints
from collectors.btcturk.exchange import Btcturk
from collectors.client import Client
from collectors.errors import RateLimitedError, UnreadableError
from collectors.exchange import Request
from collectors.http import IN_FLIGHT_MAX, RawAnswer
from monitoring.metrics import CollectorMetrics


class Wire:
    """Holds every request until it is let go (what an HTTP session is to the client)."""

    def __init__(self, *answers: RawAnswer) -> None:
        self.sent = 0
        self.go = asyncio.Event()
        self.answers = list(answers)

    async def send(self, *_: object, **__: object) -> RawAnswer:
        self.sent += 1
        await self.go.wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client(wire: Wire, clock) -> Client:
    return Client(Btcturk(), wire, clock=clock, metrics=CollectorMetrics(CollectorRegistry()))


async def test_who_waits_for_a_place_is_not_sent_into_an_ordered_wait(fake_clock) -> None:
    wire = Wire(RawAnswer(429, {"retry-after": "30"}, b""))
    made = client(wire, fake_clock)
    tasks = [
        asyncio.create_task(made.call(Request(endpoints.TICKER), made.conversation())) for _ in range(IN_FLIGHT_MAX + 5)
    ]
    async with asyncio.timeout(5):
        while wire.sent < IN_FLIGHT_MAX:  # noqa: ASYNC110 - tasks get their turn
            await asyncio.sleep(0)
        wire.go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert wire.sent == IN_FLIGHT_MAX
    assert all(isinstance(result, RateLimitedError) for result in results)
    assert [result.answered for result in results].count(False) == 5


async def test_an_error_says_more_than_a_body_that_cannot_be_read(fake_clock) -> None:
    wire = Wire(RawAnswer(200, {}, b"<html>"))
    wire.go.set()
    made = client(wire, fake_clock)
    with pytest.raises(UnreadableError, match="web page"):
        await made.call(Request(endpoints.TICKER), made.conversation())
    large = Wire(RawAnswer(200, {}, b'{"data": [' + b"1," * 700_000 + b"1]}"))
    large.go.set()
    made = client(large, fake_clock)
    payload = await made.call(Request(endpoints.TICKER), made.conversation())
    assert len(payload["data"]) == 700_001
