"""One guard before every handler: host, path, size, parameters, tokens, origin, rate. In this order, all routes.

Reading is guarded as well as writing: what is read here is a person's wealth.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from aiohttp import hdrs, web

from api.settings import ApiSettings
from monitoring.clock import Clock
from monitoring.guards import UNAUTHORISED, Refusal
from monitoring.logs import get_logger
from monitoring.metrics import ApiMetrics
from monitoring.server import BODY_BYTES_MAX, HEADER_BYTES_MAX, from_http_error, refuse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WRITES_PER_PEER: Final = 10
WRITES_IN_ALL: Final = 30
RATE_SECONDS: Final = 60.0
"""Tries of writing per minute, failed ones too: nobody guesses a token at this pace."""

UNMATCHED: Final = "unmatched"
"""The metric's label of every path that is none of ours: paths come from outside."""

_log = get_logger()

_WRITES_OFF: Final = Refusal(
    "token", 403, "writes_off", "Writes are off, since no ADMIN_TOKEN is set. Make one with: spark-portfolio token"
)
_CROSS_SITE: Final = Refusal(
    "origin", 403, "cross_site", "Writes are taken from this server's own page or from programs, not from other sites."
)
_NOT_JSON: Final = Refusal("type", 415, "not_json", "A write has the content type application/json.")
_BODY_SIZE: Final = Refusal("size", 413, "too_large", f"A body has at most {BODY_BYTES_MAX} bytes.")
_HEADER_SIZE: Final = Refusal(
    "size", 431, "headers_too_large", f"All headers together have at most {HEADER_BYTES_MAX} bytes."
)
_INTERNAL: Final = Refusal("error", 500, "internal_error", "This failed by a mistake of ours; the log has more.")


class RefusedError(Exception):
    """Raised by a handler for a request that it cannot serve; the refusal is the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Route:
    """A path, and what its guards must know. ``free``: no read token is asked for. ``timed``: its duration counts.

    ``below``: every name right below the path, instead of the path itself; metrics count them all under the path.
    """

    path: str
    parameters: frozenset[str] = frozenset()
    writes: bool = False
    free: bool = False
    timed: bool = True
    below: bool = False


class RateLimit:
    """So many tries in any minute: per peer and in all. Only tries that were let through count."""

    def __init__(self, clock: Clock, *, per_peer: int = WRITES_PER_PEER, in_all: int = WRITES_IN_ALL) -> None:
        self._clock = clock
        self._per_peer = per_peer
        self._in_all = in_all
        self._tries: deque[tuple[float, str]] = deque()

    def take(self, peer: str) -> float:
        """Count one try; 0 if it may go on, otherwise the seconds until one may."""
        now = self._clock.monotonic()
        while self._tries and self._tries[0][0] <= now - RATE_SECONDS:
            self._tries.popleft()
        own = [when for when, who in self._tries if who == peer]
        if len(own) >= self._per_peer:
            return own[0] + RATE_SECONDS - now
        if len(self._tries) >= self._in_all:
            return self._tries[0][0] + RATE_SECONDS - now
        self._tries.append((now, peer))
        return 0.0


class Guard:
    """Stands before every handler. It also counts and times what goes through it."""

    def __init__(self, settings: ApiSettings, metrics: ApiMetrics, clock: Clock) -> None:
        self._hosts = settings.hosts()
        self._reader = settings.reader()
        self._admin = settings.admin()
        self._metrics = metrics
        self._rate = RateLimit(clock)

    def protect(self, route: Route | None, methods: Mapping[str, Handler]) -> Handler:
        """The guarded handler of a path, whatever the method; without a route: of every path that is none of ours.

        It is not one of aiohttp's middlewares: their machinery costs a request more than all guards together.
        """
        path = UNMATCHED if route is None else route.path
        duration = self._metrics.duration_of(path) if route is not None and route.timed else None
        counters = {} if route is None else {200: self._metrics.requests.labels(path, "200")}
        missing = from_http_error(web.HTTPMethodNotAllowed("", methods) if methods else web.HTTPNotFound())

        async def guarded(request: web.Request) -> web.StreamResponse:
            begun = time.perf_counter()
            handler = methods.get(request.method)
            refusal = self._judge(request, route, None if handler is not None else missing)
            if refusal is None and handler is not None:
                response = await self._handle(request, handler, path)
            else:
                response = self._refuse(refusal or missing)
            counter = counters.get(response.status)
            if counter is None:
                counter = counters[response.status] = self._metrics.requests.labels(path, str(response.status))
            counter.inc()
            if duration is not None:
                duration.observe(time.perf_counter() - begun)
            return response

        return guarded

    async def _handle(self, request: web.Request, handler: Handler, path: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusedError as error:
            return self._refuse(error.refusal)
        except web.HTTPException as error:
            return self._refuse(from_http_error(error))
        except Exception:  # noqa: BLE001 - whatever a handler failed at, the answer has our shape and is counted
            _log.exception("a request failed by a mistake of ours", route=path)
            return self._refuse(_INTERNAL)

    def _refuse(self, refusal: Refusal) -> web.Response:
        self._metrics.refused.labels(refusal.guard).inc()
        return refuse(refusal)

    def _judge(self, request: web.Request, route: Route | None, missing: Refusal | None) -> Refusal | None:
        refusal = self._hosts.judge(request.raw_path, request.headers.getall(hdrs.HOST, ())) or missing
        if refusal is not None or route is None:
            return refusal
        refusal = _judge_size(request)
        if refusal is None and "?" in request.raw_path:
            refusal = _judge_query(request, route)
        if refusal is None and (self._reader is not None or route.writes):
            refusal = self._judge_right(request, route)
        return refusal

    def _judge_right(self, request: web.Request, route: Route) -> Refusal | None:
        if route.writes:
            return _judge_site(request) or self._judge_write(request)
        if self._reader is None or route.free:
            return None
        given = request.headers.getall("Authorization", ())
        # Who may write may read: a client has one header for its token.
        may_read = self._reader.matches(given) or (self._admin is not None and self._admin.matches(given))
        return None if may_read else UNAUTHORISED

    def _judge_write(self, request: web.Request) -> Refusal | None:
        headers = request.headers
        wait = self._rate.take(request.remote or "")
        if wait > 0:
            seconds = str(max(1, round(wait + 0.5)))
            message = f"Too many tries; the next is taken in {seconds} seconds."
            return Refusal("rate", 429, "too_many", message, (("Retry-After", seconds),))
        if self._admin is None:
            return _WRITES_OFF
        if not self._admin.matches(headers.getall("Authorization", ())):
            return UNAUTHORISED
        if (request.body_exists or "Content-Type" in headers) and request.content_type != "application/json":
            return _NOT_JSON
        return None


def _judge_size(request: web.Request) -> Refusal | None:
    if sum(map(len, chain.from_iterable(request.raw_headers))) > HEADER_BYTES_MAX:
        return _HEADER_SIZE
    if request.body_exists and (request.content_length or 0) > BODY_BYTES_MAX:
        return _BODY_SIZE
    return None


def _judge_site(request: web.Request) -> Refusal | None:
    # Before the rate is counted: a foreign page in the user's browser must not use up his tries.
    headers = request.headers
    own = _is_own(headers.getall("Origin", ()), headers.get("Host", ""))
    site = headers.get("Sec-Fetch-Site", "none").strip().lower()
    return None if own and site in {"same-origin", "none"} else _CROSS_SITE


def _judge_query(request: web.Request, route: Route) -> Refusal | None:
    names = set(request.query)
    unknown = [name for name in names if name not in route.parameters]
    known = ", ".join(sorted(route.parameters)) or "none"
    if unknown:
        # The unknown name is not repeated: it may be a token in the wrong place.
        return Refusal("parameter", 400, "unknown_parameter", f"This path has no such parameter. Known: {known}.")
    if len(names) != len(request.query):
        return Refusal("parameter", 400, "repeated_parameter", f"A parameter is given at most once. Known: {known}.")
    return None


def _is_own(origins: Iterable[str], host: str) -> bool:
    """Whether every Origin is this server under the very name and port it was asked by."""
    return all(origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"} for origin in origins)
