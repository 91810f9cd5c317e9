"""The aiohttp application: one table of routes, and one guard before all of them."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from api.guards import Guard, Handler, Route
from api.handlers import Handlers
from api.static_page import PATH, StaticPage
from monitoring.health import Readiness
from monitoring.server import BODY_BYTES_MAX, health, metrics_handler, ready_handler

PORTFOLIO: Final = Route("/api/portfolio", frozenset({"portfolio"}))
STREAM: Final = Route("/api/portfolio/stream", frozenset({"portfolio"}), timed=False)
PORTFOLIOS: Final = Route("/api/portfolios")
EXPLAIN: Final = Route("/api/portfolio/explain", frozenset({"portfolio", "asset", "exchange"}))
REFRESH: Final = Route("/api/portfolio/refresh", writes=True)
OPENAPI: Final = Route("/api/openapi.json")
HEALTH: Final = Route("/health", free=True)
READY: Final = Route("/ready")
METRICS: Final = Route("/metrics")
# The page holds no data, and a browser that goes to it can send no token: free. Its parameters are for itself.
PAGE: Final = Route(PATH, frozenset({"portfolio", "lang"}), free=True)
PAGE_SLASH: Final = Route(f"{PATH}/", free=True)
ASSETS: Final = Route("/assets", free=True, below=True)
ROOT: Final = Route("/", free=True)

ROUTES: Final = (
    PORTFOLIO,
    PORTFOLIOS,
    STREAM,
    EXPLAIN,
    REFRESH,
    OPENAPI,
    HEALTH,
    READY,
    METRICS,
    PAGE,
    PAGE_SLASH,
    ASSETS,
    ROOT,
)


def build_app(
    guard: Guard, handlers: Handlers, page: StaticPage, registry: CollectorRegistry, readiness: Readiness
) -> web.Application:
    """The application. Every path of ROUTES has its handler here, and there are no others."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    for route, methods in _handlers(handlers, page, registry, readiness).items():
        path = f"{route.path}/{{name}}" if route.below else route.path
        app.router.add_route("*", path, guard.protect(route, methods))
    app.router.add_route("*", "/{path:.*}", guard.protect(None, {}))
    return app


def _handlers(
    handlers: Handlers, page: StaticPage, registry: CollectorRegistry, readiness: Readiness
) -> Mapping[Route, Mapping[str, Handler]]:
    return {
        PORTFOLIO: _read(handlers.portfolio),
        PORTFOLIOS: _read(handlers.portfolios),
        # No HEAD: a stream has no end that one could wait for.
        STREAM: {"GET": handlers.stream},
        EXPLAIN: _read(handlers.explain),
        REFRESH: {"POST": handlers.refresh},
        OPENAPI: _read(handlers.openapi),
        HEALTH: _read(health),
        READY: _read(ready_handler(readiness)),
        METRICS: _read(metrics_handler(registry)),
        PAGE: _read(page.index),
        PAGE_SLASH: _read(page.to_page),
        ASSETS: _read(page.asset),
        ROOT: _read(page.to_page),
    }


def _read(handler: Handler) -> Mapping[str, Handler]:
    return {"GET": handler, "HEAD": handler}
