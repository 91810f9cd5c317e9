"""The API against a bare handler that returns the same bytes: requests per second, both in one process.

The load comes from a second process over kept-alive connections, so client and server do not share a core.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from typing import Final

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


Measure = Callable[[], Awaitable[float]]
