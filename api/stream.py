"""The live stream: the whole state on connecting and after every change, the newest only, to each at his own pace.

A reader that is slower than the changes is spared those in between. What waits for him is one event at most, beside
what the kernel already took; a reader that takes nothing for ten seconds is closed. Nobody waits for anybody else.
"""

import asyncio
import socket
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse

from api.latest import View, Watcher
from api.settings import ApiLimits
from monitoring.guards import SECURITY_HEADERS
from monitoring.metrics import ApiMetrics

SEND_BUFFER_BYTES: Final = 64 * 1024
"""What the kernel holds for a slow reader. With its own, growing size it would hold minutes of outdated states."""

RETRY: Final = b"retry: 2000\n"
"""A browser connects again after two seconds."""


class Streams:
    """All open streams."""

    def __init__(self, metrics: ApiMetrics, limits: ApiLimits) -> None:
        self._metrics = metrics
        self._limits = limits
        self._open: set[Watcher] = set()
        self._closing = False

    @property
    def full(self) -> bool:
        """Whether no further stream is served."""
        return self._closing or len(self._open) >= self._limits.streams_max

    def close(self) -> None:
        """End all streams; their clients connect again, perhaps to the next process."""
        self._closing = True
        for watcher in self._open:
            watcher.set()

    async def serve(self, request: web.Request, view: View) -> web.StreamResponse:
        """Stream a portfolio until the client leaves, stalls, or the api stops."""
        response = EventSourceResponse(
            headers=SECURITY_HEADERS,
            ping_interval=self._limits.heartbeat_seconds,
            send_timeout=self._limits.stall_seconds,
        )
        response.headers["Cache-Control"] = "private, no-cache"
        watcher = Watcher()
        watcher.set()  # The first state is due at once.
        view.watchers.add(watcher)
        self._open.add(watcher)
        self._metrics.streams.inc()
        try:
            writer = await response.prepare(request)
            if writer is not None:
                _bound_buffers(request)
                async with response:
                    await self._feed(request, response, writer, view, watcher)
        except ConnectionResetError:
            pass  # The client left while we wrote.
        finally:
            view.watchers.discard(watcher)
            self._open.discard(watcher)
            self._metrics.streams.dec()
        return response

    async def _feed(
        self,
        request: web.Request,
        response: EventSourceResponse,
        writer: AbstractStreamWriter,
        view: View,
        watcher: Watcher,
    ) -> None:
        prefix = RETRY
        sent: str | None = None
        while True:
            try:
                async with asyncio.timeout(self._limits.heartbeat_seconds):
                    await watcher.wait()
            except TimeoutError:
                view.body()
                if view.etag == sent:
                    continue  # Else something has grown old that no aggregator spoke of.
            except asyncio.CancelledError:
                # The heartbeat ends by itself only when it could not be written in time.
                if not response.is_connected():
                    self._metrics.streams_dropped.inc()
                raise
            watcher.clear()
            if self._closing:
                return
            try:
                async with asyncio.timeout(self._limits.stall_seconds):
                    frame, sent = view.frame(), view.etag
                    await writer.write(prefix + frame)
                    await writer.drain()
            except TimeoutError:
                self._metrics.streams_dropped.inc()
                if request.transport is not None:
                    request.transport.abort()
                return
            prefix = b""
            self._metrics.stream_events.inc()


def _bound_buffers(request: web.Request) -> None:
    transport = request.transport
    if not isinstance(transport, asyncio.Transport):
        return
    # Nothing may pile up on our side: a write is done when the kernel has it all.
    transport.set_write_buffer_limits(high=0)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
