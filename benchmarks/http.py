"""The API against a bare handler that returns the same bytes: requests per second, both in one process.

The load comes from a second process over kept-alive connections, so client and server do not share a core.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import statistics
import time
from typing import Final

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from api.server import ApiRole
from api.settings import ApiSettings
from benchmarks.state import WALLETS, person
from benchmarks.table import ROUNDS, Row, at_least
from bus.local import LocalBus
from monitoring.clock import SystemClock
from monitoring.health import Readiness
from monitoring.metrics import ApiMetrics, BusMetrics, PortfolioMetrics
from schemas.encoding import encode

GOAL: Final = 0.75
CONNECTIONS: Final = 8
REQUESTS_PER_ROUND: Final = 4_000


async def _connection(host: str, port: int, request: bytes, count: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))
    writer.close()
    await writer.wait_closed()


async def _load(host: str, port: int, request: bytes) -> float:
    began = time.perf_counter()
    await asyncio.gather(
        *(_connection(host, port, request, REQUESTS_PER_ROUND // CONNECTIONS) for _ in range(CONNECTIONS))
    )
    return REQUESTS_PER_ROUND / (time.perf_counter() - began)


def _client(pipe: "multiprocessing.connection.Connection") -> None:
    while (order := pipe.recv()) is not None:
        pipe.send(asyncio.run(_load(*order)))


class Load:
    """A client in a process of its own, told what to ask for."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_client, args=(theirs,), daemon=True)
        self._process.start()

    async def requests_per_second(self, port: int, path: str, **headers: str) -> float:
        """One round against a loopback port."""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in headers.items())]
        self._pipe.send(("127.0.0.1", port, ("\r\n".join(lines) + "\r\n\r\n").encode()))
        while not self._pipe.poll():
            await asyncio.sleep(0.001)
        return float(self._pipe.recv())

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join(5)


async def _bare(body: bytes, etag: str) -> tuple[web.AppRunner, int]:
    """What an expert would write by hand: the bytes, the ETag, nothing else."""
    headers = {"Content-Type": "application/json", "ETag": etag}

    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers=headers)

    app = web.Application()
    app.router.add_get("/api/portfolio", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, int(runner.addresses[0][1])


async def _measure() -> list[Row]:
    clock = SystemClock()
    registry = CollectorRegistry()
    bus = LocalBus(None, BusMetrics(registry), clock)
    await bus.start()
    api = ApiRole(
        bus,
        settings=ApiSettings(port=0, exchanges=tuple(WALLETS)),
        metrics=ApiMetrics(registry),
        portfolio_metrics=PortfolioMetrics(registry),
        registry=registry,
        readiness=Readiness(),
        clock=clock,
        random_part=0,
    )
    await api.start()
    await bus.publish([encode(person(clock.now()))])
    port = int(api.url.rpartition(":")[2])
    async with aiohttp.ClientSession() as session:
        body, etag = b"", ""
        while b"COIN0" not in body:
            async with session.get(f"{api.url}/api/portfolio") as response:
                body, etag = await response.read(), response.headers["ETag"]
    runner, bare_port = await _bare(body, etag)
    load = Load()
    try:
        rows = []
        for name, headers in (("", {}), (" with If-None-Match", {"If-None-Match": etag})):
            pairs = []
            for number in range(ROUNDS):
                order = (port, bare_port) if number % 2 else (bare_port, port)
                rates = {at: await load.requests_per_second(at, "/api/portfolio", **headers) for at in order}
                pairs.append((rates[port], rates[bare_port]))
            ratio = statistics.median(ours / bare for ours, bare in pairs)
            rows += [
                at_least(f"GET /api/portfolio{name} / bare handler", ratio, GOAL),
                Row(f"  ours{name}", statistics.median(ours for ours, _ in pairs), "requests/s"),
                Row(f"  bare{name}", statistics.median(bare for _, bare in pairs), "requests/s"),
            ]
        rows.append(Row("  size of the answer", len(body), "bytes"))
        return rows
    finally:
        load.close()
        await api.stop()
        await runner.cleanup()
        await bus.stop()


def rows() -> list[Row]:
    """The rows of the table."""
    return asyncio.run(_measure())
