"""The HTTP side of watching a process: health, readiness, metrics, and the bounded server they stand on.

The api mounts the same three handlers on the same kind of server; every other process runs a MonitoringServer.
"""

import asyncio
import errno
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from monitoring.clock import Clock
from monitoring.guards import SECURITY_HEADERS, UNAUTHORISED, AllowedHosts, BearerToken, Refusal, is_loopback
from monitoring.health import Readiness
from monitoring.metrics import ProcessMetrics
from monitoring.pulse import Pulse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEEPALIVE_SECONDS: Final = 30.0
"""An idle connection is closed after so long (aiohttp would keep it for an hour), also one that never asked."""

CONNECTIONS_MAX: Final = 500
"""Well below the usual 1024 open files. At the limit the oldest idle connection makes room."""

BODY_BYTES_MAX: Final = 16 * 1024
HEADER_BYTES_MAX: Final = 8 * 1024
HEADERS_MAX: Final = 64
LINGER_SECONDS: Final = 2.0
"""So long the rest of a refused body is read, for the answer to reach who sends it."""

STALL_SECONDS: Final = 10.0
"""A client that takes nothing of its answer for so long is cut off: waiting for it holds one of the connections."""

SHUTDOWN_SECONDS: Final = 2.0
"""Running requests are given so long at the stop, which as a whole has five seconds."""

JSON_TYPE: Final = "application/json; charset=utf-8"

_log = structlog.get_logger(__name__)


class ListenError(OSError):
    """A port cannot be listened on; the message names the address and the setting to change."""


class PortTakenError(ListenError):
    """Somebody else listens on that port already."""


def reply(status: int, body: object, headers: Iterable[tuple[str, str]] = ()) -> web.Response:
    """A JSON answer with the security headers. It is not kept anywhere, unless ``headers`` say so."""
    all_headers = {**SECURITY_HEADERS, "Content-Type": JSON_TYPE, "Cache-Control": "no-store", **dict(headers)}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=all_headers)


def refuse(refusal: Refusal) -> web.Response:
    """The answer to a refused request. One that was sent to a wrong host is not talked to any further."""
    response = reply(refusal.status, {"error": refusal.error, "message": refusal.message}, refusal.headers)
    if refusal.status in {413, 421, 431}:
        response.force_close()
    return response


def from_http_error(error: web.HTTPException) -> Refusal:
    """What aiohttp's router says, in our shape: 404 and 405, the latter with the methods that are allowed."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"This path is asked with {allowed}."
        return Refusal("method", 405, "method_not_allowed", message, (("Allow", allowed),))
    if error.status == 404:
        return Refusal("path", 404, "not_found", "There is nothing under this path; /api/openapi.json lists what is.")
    if error.status == 413:
        return Refusal("size", 413, "too_large", f"A body has at most {BODY_BYTES_MAX} bytes.")
    return Refusal("http", error.status, "refused", error.reason or "The request was refused.")


class _Connection(web.RequestHandler):
    """One connection of a bounded server: it counts its siblings, and its errors are answers of ours."""

    __slots__ = ("_connections_max", "_stall", "_stall_seconds")

    def __init__(self, manager: web.Server, *, connections_max: int, stall_seconds: float, **options: Any) -> None:
        super().__init__(manager, **options)
        self._connections_max = connections_max
        self._stall_seconds = stall_seconds
        self._stall: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self._current_request is None and not self._messages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._manager is None:
            return
        open_ones = [other for other in self._manager.connections if other.transport is not None]
        if len(open_ones) <= self._connections_max:
            return
        for other in open_ones:  # The oldest first.
            if other is not self and isinstance(other, _Connection) and other.idle:
                other.force_close()
                return
        if self.transport is not None:
            self.transport.write(_BUSY)
        self.force_close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unwatch()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self, waiting: float = float("inf")) -> None:
        """Look now and then whether the client takes what waits for it; a slow one may be slow, a dead one goes."""
        if self.transport is None:
            return
        left = self.transport.get_write_buffer_size()
        if left >= waiting:
            self.transport.abort()
        else:
            self._stall = self._loop.call_later(self._stall_seconds, self._watch, left)

    def _unwatch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        if isinstance(resp, web.HTTPException):  # What aiohttp says by itself, before any middleware is asked.
            resp = refuse(from_http_error(resp))
        return super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent, which need not be shown back
    ) -> web.StreamResponse:
        """Answer what could not be understood as a request, and what a handler failed at."""
        if status >= 500:
            _log.error("a request failed by a mistake of ours", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun when the error came")
        if isinstance(exc, LineTooLong):
            refusal = Refusal("size", 431, "headers_too_large", f"Headers have at most {HEADER_BYTES_MAX} bytes.")
        elif status >= 500:
            refusal = Refusal("error", status, "internal_error", "This failed by a mistake of ours; the log has more.")
        else:
            refusal = Refusal("http", status, "bad_request", "This is not a well-formed HTTP request.")
        response = refuse(refusal)
        response.force_close()
        return response


_BUSY: Final = (
    "HTTP/1.1 503 Service Unavailable\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items())
    + "Retry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
).encode()


class HttpServer:
    """An aiohttp application on one address, with bounded connections, sizes and times, and no access log."""

    def __init__(
        self,
        app: web.Application,
        *,
        host: str,
        port: int,
        port_setting: str,
        connections_max: int = CONNECTIONS_MAX,
        keepalive_seconds: float = KEEPALIVE_SECONDS,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._port_setting = port_setting
        self._connections_max = connections_max
        self._keepalive_seconds = keepalive_seconds
        self._stall_seconds = stall_seconds
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:4001``; with port 0, the port that was given to it."""
        if self._listener is None or not self._listener.sockets:
            raise RuntimeError("the server does not listen")
        address, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"

    async def start(self) -> None:
        """Listen. PortTakenError, or ListenError for what else hinders it."""
        loop = asyncio.get_running_loop()
        # A handler is cancelled when its client leaves: nobody waits for its answer, and streams end at once.
        runner = web.AppRunner(self._app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        server = runner.server
        if server is None:  # pragma: no cover - aiohttp's type allows it, its code does not
            raise RuntimeError("aiohttp gave no server")

        def connection() -> _Connection:
            return _Connection(
                server,
                connections_max=self._connections_max,
                stall_seconds=self._stall_seconds,
                loop=loop,
                access_log=None,
                keepalive_timeout=self._keepalive_seconds,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
                max_headers=HEADERS_MAX,
                lingering_time=LINGER_SECONDS,
                logger=logging.getLogger("aiohttp.server"),
            )

        try:
            self._listener = await loop.create_server(connection, self._host, self._port, backlog=128)
        except OSError as error:
            await runner.cleanup()
            raise self._explain(error) from error
        self._runner = runner

    def _explain(self, error: OSError) -> ListenError:
        where = f"{self._host}:{self._port}"
        if error.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}:
            return PortTakenError(
                f"port {self._port} on {self._host} is taken: another program (or another copy of this one) listens "
                f"there. Stop it, or choose another port with {self._port_setting}."
            )
        if error.errno in {errno.EACCES, errno.EPERM}:
            return ListenError(f"listening on {where} is not permitted; choose {self._port_setting} above 1023.")
        return ListenError(
            f"listening on {where} failed: {error.strerror or type(error).__name__}. "
            f"Correct {self._port_setting.removesuffix('PORT')}HOST, or leave it at 127.0.0.1."
        )

    async def stop(self) -> None:
        """Stop listening, give running requests a moment, close all connections. Never raises."""
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


async def health(_request: web.Request) -> web.StreamResponse:
    """Answer that the event loop turns. It asks nobody else: a process is not restarted for another one's fault."""
    return reply(200, {"ok": True})


def ready_handler(readiness: Readiness) -> Handler:
    """``/ready``: 200 when every part has what it needs, otherwise 503 and the reasons by part; with both, warnings."""

    async def ready(_request: web.Request) -> web.StreamResponse:
        failing, warnings = readiness.failing(), readiness.warnings()
        more = {"warnings": warnings} if warnings else {}
        if failing:
            return reply(503, {"ready": False, "reasons": failing, **more})
        return reply(200, {"ready": True, **more})

    return ready


def metrics_handler(registry: CollectorRegistry) -> Handler:
    """``/metrics``, in the text format that the asker prefers."""

    async def metrics(request: web.Request) -> web.StreamResponse:
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (ValueError, TypeError, IndexError):  # It takes apart what was sent without a check.
            encode, content_type = choose_encoder("")
        # The type is set as a header: aiohttp's own parameter refuses one with a semicolon in it.
        headers = {**SECURITY_HEADERS, "Content-Type": content_type, "Cache-Control": "no-store"}
        return web.Response(body=encode(registry), headers=headers)

    return metrics


class MonitoringServer:
    """Health, readiness and metrics of a process that has no other HTTP port.

    Beyond loopback a read token is needed; Prometheus sends it from its ``credentials_file``. ``/health`` is free.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        registry: CollectorRegistry,
        readiness: Readiness,
        metrics: ProcessMetrics,
        clock: Clock,
        allowed_hosts: Iterable[str] = (),
        read_token: BearerToken | None = None,
    ) -> None:
        if read_token is None and not is_loopback(host):
            raise ValueError(f"METRICS_HOST {host!r} can be reached from other machines, so READ_TOKEN must be set")
        self._hosts = AllowedHosts(allowed_hosts, bound=host)
        self._token = read_token
        self._pulse = Pulse(metrics, clock)
        app = web.Application(middlewares=[self._guard], client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/health", health)
        app.router.add_get("/ready", ready_handler(readiness))
        app.router.add_get("/metrics", metrics_handler(registry))
        self._server = HttpServer(app, host=host, port=port, port_setting="METRICS_PORT")

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = request.headers
        refusal = self._hosts.judge(request.raw_path, headers.getall("Host", []))
        if refusal is None and (error := request.match_info.http_exception) is not None:
            refusal = from_http_error(error)
        if refusal is None and self._token is not None and request.path != "/health":
            refusal = None if self._token.matches(headers.getall("Authorization", [])) else UNAUTHORISED
        return await handler(request) if refusal is None else refuse(refusal)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    async def start(self) -> None:
        """Listen. PortTakenError, or ListenError for what else hinders it."""
        await self._server.start()
        self._pulse.start()

    async def stop(self) -> None:
        """End."""
        await self._pulse.stop()
        await self._server.stop()
