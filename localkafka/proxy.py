"""A TCP proxy that can misbehave as networks do: cut, swallow, delay."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine

from localkafka.ports import free_port

CHUNK_BYTES = 64 << 10
HELD_CHUNKS_MAX = 256
"""What may be on its way at once in one direction (16 MB): enough for a delay not to bound the throughput."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset instead of an orderly end."""


class Proxy:
    """Forwards connections from `port` to `target_port`, both on 127.0.0.1, until told otherwise.

    `port` is fixed from the beginning, so that a broker can advertise it. All calls belong to one event loop.
    """

    def __init__(self, target_port: int, *, port: int | None = None) -> None:
        self.target_port = target_port
        self.port = port or free_port()
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._delay = 0.0
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def bootstrap(self) -> str:
        """Its address, as clients take it."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen; OSError when the port was taken meanwhile."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """End everything."""
        await self.cut()

    async def cut(self) -> None:
        """Reset all connections and refuse new ones, until `restore`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            end = writer.get_extra_info("socket")
            if end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def blackhole(self) -> None:
        """Go on accepting, but forward nothing either way, until `restore`; open connections stay open in silence."""
        self._open.clear()

    async def restore(self) -> None:
        """Forward again, without delay; what was swallowed meanwhile is delivered, as TCP would."""
        self._delay = 0.0
        self._open.set()
        await self.start()

    def delay(self, seconds: float) -> None:
        """Deliver everything that much later, each way, from now on."""
        self._delay = seconds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._server is None:  # Accepted in the moment of the cut.
            writer.transport.abort()
            return
        self._connections.add(task)
        self._writers.add(writer)
        onward: asyncio.StreamWriter | None = None
        # Cut, or the broker is away: either way the client sees its connection end, and nobody awaits this task.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._open.wait()
            back, onward = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._writers.add(onward)
            await self._both(self._pump(reader, onward), self._pump(back, writer))
        for end in (writer, onward):
            if end is not None:
                self._writers.discard(end)
                end.close()
        self._connections.discard(task)

    async def _both(self, *ways: Coroutine[None, None, None]) -> None:
        """Run both directions until one of them ends."""
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one direction until it ends: chunks keep their order, each leaves when its delay is over."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD_CHUNKS_MAX)
        clock = asyncio.get_running_loop().time

        async def take() -> None:
            data = b"."
            while data:
                try:
                    data = await reader.read(CHUNK_BYTES)
                except OSError:
                    data = b""
                await held.put((clock() + self._delay, data))

        taking = asyncio.create_task(take())
        try:
            while True:
                due, data = await held.get()
                await asyncio.sleep(max(0.0, due - clock()))
                await self._open.wait()
                if not data:
                    return
                writer.write(data)
                await writer.drain()
        finally:
            taking.cancel()
