"""One exchange on one loopback port: takes requests, lets the exchange answer, lets faults act, writes it all down."""

import asyncio
import contextlib
import os
import socket
import struct
import time
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from simulator.fault_bodies import replaced
from simulator.faults import Fault, FaultBook
from simulator.record import RequestLog, RequestSeen
from simulator.wire import Call, Exchange, Reply

STOP_SECONDS: Final = 0.5
LARGEST_BODY: Final = 64 * 1024
OVERSIZED_CHUNK: Final = b" " * (256 * 1024)
OVERSIZED_CHUNKS: Final = 84  # 21 MB, above any size a client should take
DEFAULT_SLOWNESS: Final = 1.0
# struct linger: two shorts on Windows, two ints elsewhere.
LINGER: Final = "hh" if os.name == "nt" else "ii"


class Listener:
    """An aiohttp application on a port, that starts with a clear error and stops in bounded time."""

    def __init__(self, app: web.Application) -> None:
        """Take the application; no socket is opened yet."""
        self._app = app
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        runner = web.AppRunner(self._app, access_log=None, handler_cancellation=True, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = _url(host, runner)

    async def stop(self) -> None:
        """Stop listening and end what is open. Can be called again."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def _url(host: str, runner: web.AppRunner) -> str:
    port = runner.addresses[0][1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://{shown}:{port}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What every exchange server of one simulator shares."""

    faults: FaultBook
    log: RequestLog


class ExchangeServer:
    """Serves one exchange. WebSocket streams will be routes of their own, added before the catch-all."""

    def __init__(self, exchange: Exchange, shared: Shared) -> None:
        """Build the application for `exchange`; nothing is opened."""
        self._exchange = exchange
        self._shared = shared
        self._stopping = asyncio.Event()
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash. Empty before the start."""
        return self._listener.url if self._listener else ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=LARGEST_BODY)
        # Streams come before this line: the first route that fits wins.
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._listener = Listener(app)
        await self._listener.start(host, port)

    async def stop(self) -> None:
        """Stop, letting hanging requests go first."""
        self._stopping.set()
        if self._listener is not None:
            await self._listener.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            request.method,
            request.raw_path.partition("?")[0],
            request.raw_path.partition("?")[2],
            request.headers,
            await request.read(),
            request.remote or "",
        )
        account = self._exchange.account_of(call)
        log, name = self._shared.log, self._exchange.name
        seen = RequestSeen(time.monotonic(), name, call.method, call.path, _unsigned(call.query), account)
        ticket = log.open(seen)
        reply = self._exchange.answer(call)
        page = self._exchange.page_of(call)
        taken = self._shared.faults.take(name, call.method, call.path, account, page)
        status: int | None = None
        try:
            if taken is None:
                status = reply.status
                return _response(reply)
            number, fault = taken
            ticket.seen = replace(seen, fault=number)
            reply = replaced(fault, self._exchange, reply)
            response = await self._deliver(request, fault, reply)
            status = None if fault.kind in {"hang", "reset"} else response.status
            return response
        finally:
            ticket.seen = replace(ticket.seen, status=status)
            log.count(name, status)

    async def _deliver(self, request: web.Request, fault: Fault, reply: Reply) -> web.StreamResponse:
        """Send the answer in the way the fault wants it sent."""
        if fault.kind == "hang":
            await self._stopping.wait()
            _abort(request)
        elif fault.kind == "reset":
            _reset_on_close(request)
            _abort(request)
        elif fault.kind == "slow":
            with contextlib.suppress(TimeoutError):
                seconds = DEFAULT_SLOWNESS if fault.seconds is None else fault.seconds
                await asyncio.wait_for(self._stopping.wait(), seconds)
        elif fault.kind == "close":
            return await self._cut(request, reply)
        elif fault.kind == "oversized":
            return await self._flood(request)
        return _response(reply)

    async def _cut(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=_headers(reply))
        response.content_length = max(2, len(reply.body))
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2] or b"{")
        # Closing (not aborting) lets the half that was sent arrive.
        if request.transport is not None:
            request.transport.close()
        return response

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"[")
        for _ in range(OVERSIZED_CHUNKS):
            if self._stopping.is_set():
                break
            await response.write(OVERSIZED_CHUNK)
        await response.write(b"]")
        return response


def _headers(reply: Reply) -> dict[str, str]:
    return {"Content-Type": reply.content_type, **reply.headers}


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=_headers(reply))


def _unsigned(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith("signature="))


def _reset_on_close(request: web.Request) -> None:
    """Make the coming close a reset (RST) rather than a polite end (FIN)."""
    transport = request.transport
    found = transport.get_extra_info("socket") if transport is not None else None
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(LINGER, 1, 0))


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
