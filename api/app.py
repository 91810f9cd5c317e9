"""The aiohttp application: one table of routes, one middleware."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from api.guards import Guard, Route
from api.handlers import Handlers
from api.summary import STYLESHEET_PATH
from monitoring.health import Readiness
from monitoring.server import BODY_BYTES_MAX, health, metrics_handler, ready_handler

PORTFOLIO: Final = Route("/api/portfolio", frozenset({"portfolio"}))
STREAM: Final = Route("/api/portfolio/stream", frozenset({"portfolio"}), timed=False)
EXPLAIN: Final = Route("/api/portfolio/explain", frozenset({"portfolio", "asset", "exchange"}))
REFRESH: Final = Route("/api/portfolio/refresh", writes=True)
OPENAPI: Final = Route("/api/openapi.json")
HEALTH: Final = Route("/health", free=True)
READY: Final = Route("/ready")
METRICS: Final = Route("/metrics")
SUMMARY: Final = Route("/portfolio", frozenset({"portfolio", "lang"}))
STYLESHEET: Final = Route(STYLESHEET_PATH)
ROOT: Final = Route("/")

ROUTES: Final = (
    PORTFOLIO,
    STREAM,
    EXPLAIN,
    REFRESH,
    OPENAPI,
    HEALTH,
    READY,
    METRICS,
    SUMMARY,
    STYLESHEET,
    ROOT,
)


def build_app(guard: Guard, handlers: Handlers, registry: CollectorRegistry, readiness: Readiness) -> web.Application:
    """The application. Every path of ROUTES has its handler here, and there are no others."""
    app = web.Application(middlewares=[guard.middleware], client_max_size=BODY_BYTES_MAX)
    app.router.add_routes(_routes(handlers, registry, readiness))
    return app


def _routes(handlers: Handlers, registry: CollectorRegistry, readiness: Readiness) -> Iterable[web.RouteDef]:
    return (
        web.get(PORTFOLIO.path, handlers.portfolio),
        # No HEAD: a stream has no end that one could wait for.
        web.get(STREAM.path, handlers.stream, allow_head=False),
        web.get(EXPLAIN.path, handlers.explain),
        web.post(REFRESH.path, handlers.refresh),
        web.get(OPENAPI.path, handlers.openapi),
        web.get(HEALTH.path, health),
        web.get(READY.path, ready_handler(readiness)),
        web.get(METRICS.path, metrics_handler(registry)),
        web.get(SUMMARY.path, handlers.summary),
        web.get(STYLESHEET.path, handlers.stylesheet),
        web.get(ROOT.path, handlers.root),
    )
