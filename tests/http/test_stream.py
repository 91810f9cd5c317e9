import asyncio
import json
import socket

import aiohttp

from api.settings import ApiLimits
from tests.http.support import Api, running_api, until
from tests.unit.api.states import account, holding, sample, state, status


async def next_event(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event (heartbeats and empty blocks are skipped), by its fields."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(5):
        while True:
            line = (await answer.content.readuntil(b"\n")).decode().rstrip("\r\n")
            if not line and "data" in fields:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value


async def test_the_whole_state_comes_first_and_then_every_change(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/api/portfolio/stream") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Content-Security-Policy" in answer.headers
        first = await next_event(answer)
        async with api.client.get("/api/portfolio") as same:
            assert first["data"] == await same.text()
        assert first["id"] == "7-1"
        assert first["retry"] == "2000"
        await api.publish(sample(seq=2, btc="0.6"))
        second = await next_event(answer)
        assert second["id"] == "7-2"
        assert json.loads(second["data"])["accounts"][0]["balances"][0]["total"] == "0.6"
    await until(lambda: api.value("spark_api_streams") == 0)
    assert api.value("spark_api_stream_events_total") == 2


async def test_before_the_first_state_the_sources_are_live(api: Api) -> None:
    async with api.client.get("/api/portfolio/stream") as answer:
        first = await next_event(answer)
        assert "id" not in first
        await api.publish(status(reads="refused", failed=True))
        second = json.loads((await next_event(answer))["data"])
        assert [source["state"] for source in second["sources"]] == ["refused", "starting"]
        await api.publish(sample())
        assert (await next_event(answer))["id"] == "7-1"


async def test_a_slow_reader_gets_the_newest_not_the_queue(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/api/portfolio/stream") as answer:
        await next_event(answer)
        # One batch, no chance to send in between: the stream is woken once and shows the last.
        await api.publish(*(sample(seq=seq) for seq in range(2, 40)))
        assert (await next_event(answer))["id"] == "7-39"


async def test_one_who_never_reads_is_closed_and_slows_nobody() -> None:
    first = state([account("binance", [holding(f"ASSET{number}", "1.5", "2") for number in range(1500)])])
    async with running_api(limits=ApiLimits(stall_seconds=1.5)) as api:
        await api.publish(first)
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", api.port))
        try:
            deaf.sendall(b"GET /api/portfolio/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: api.value("spark_api_streams") == 1)
            async with api.client.get("/api/portfolio/stream", read_bufsize=2**20) as answer:
                for seq in range(2, 6):
                    event = await next_event(answer)
                    assert len(event["data"]) > 300_000
                    await api.publish(first.model_copy(update={"seq": seq}))
                await until(lambda: api.value("spark_api_streams_dropped_total") == 1)
                await until(lambda: api.value("spark_api_streams") == 1)
                assert api.value("spark_api_streams_dropped_total") == 1
                assert (await next_event(answer))["id"] == "7-5"
        finally:
            deaf.close()


async def test_a_silent_stream_has_heartbeats() -> None:
    async with (
        running_api(limits=ApiLimits(heartbeat_seconds=0.02)) as api,
        api.client.get("/api/portfolio/stream") as answer,
    ):
        await next_event(answer)
        async with asyncio.timeout(5):
            for _ in range(2):
                assert await answer.content.readuntil(b"\r\n\r\n") == b": ping\r\n\r\n"


async def test_a_client_that_leaves_is_forgotten_at_once(api: Api) -> None:
    answer = await api.client.get("/api/portfolio/stream")
    await until(lambda: api.value("spark_api_streams") == 1)
    answer.close()
    await until(lambda: api.value("spark_api_streams") == 0)
    assert api.value("spark_api_streams_dropped_total") == 0
    view = api.role.latest.view("main")
    assert view is not None
    assert not view.watchers


async def test_streams_are_capped() -> None:
    async with running_api(limits=ApiLimits(streams_max=2)) as api:
        held = [await api.client.get("/api/portfolio/stream") for _ in range(2)]
        await until(lambda: api.value("spark_api_streams") == 2)
        async with api.client.get("/api/portfolio/stream") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
        held.pop().close()
        await until(lambda: api.value("spark_api_streams") == 1)
        async with api.client.get("/api/portfolio/stream") as answer:
            assert answer.status == 200
        held.pop().close()


async def test_streams_end_when_the_api_stops() -> None:
    async with running_api() as api:
        answer = await api.client.get("/api/portfolio/stream")
        await next_event(answer)
        async with asyncio.timeout(3):
            await api.role.stop()
            await answer.content.read()
            await api.role.wait()
        answer.close()


async def test_unknown_portfolios_have_no_stream_and_head_is_no_stream(api: Api) -> None:
    async with api.client.get("/api/portfolio/stream?portfolio=nobodys") as answer:
        assert answer.status == 404
    async with api.client.head("/api/portfolio/stream") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")


async def test_the_stream_says_what_has_grown_old_also_without_an_aggregator() -> None:
    async with running_api(limits=ApiLimits(heartbeat_seconds=0.05)) as api:
        await api.publish(sample())
        async with api.client.get("/api/portfolio/stream") as answer:
            await next_event(answer)
            api.clock.move(3600)
            old = json.loads((await next_event(answer))["data"])
            assert {account["status"] for account in old["accounts"]} == {"stale"}
        assert api.value("spark_api_stream_events_total") == 2
