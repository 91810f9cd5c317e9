"""The OpenAPI 3.1 document of the api, built from the models of its answers."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from pydantic.json_schema import models_json_schema

from api.models import (
    ASSET_PATTERN,
    Body,
    ErrorBody,
    ExplainBody,
    HealthBody,
    NotReadyBody,
    PortfolioBody,
    PortfoliosBody,
    ReadyBody,
    RefreshBody,
    RefreshRequest,
)
from schemas.fields import LABEL_PATTERN

VERSION: Final = "1.0.0"
"""Of the HTTP interface: the major grows when a client of the old one would misunderstand."""

Part = dict[str, Any]

_ANSWERS: Final[tuple[type[Body], ...]] = (
    PortfolioBody,
    PortfoliosBody,
    ExplainBody,
    RefreshBody,
    HealthBody,
    ReadyBody,
    NotReadyBody,
    ErrorBody,
)

_ERRORS: Final = {
    400: "Something in the request is wrong; the message names it.",
    401: "The token is missing or wrong.",
    403: "Writes are off, or the request comes from another site.",
    404: "There is nothing of that name.",
    405: "The path is asked in another way; see Allow.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    421: "The server does not answer under that host name.",
    429: "Too many tries; see Retry-After.",
    431: "The headers are too large.",
    503: "Not now; the message says why.",
}
_ALWAYS: Final = (400, 401, 405, 413, 421, 431)


def openapi_document() -> bytes:
    """The document as JSON."""
    return orjson.dumps(build_openapi())


def build_openapi() -> Part:
    """The document."""
    schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Spark Portfolio",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "One honest total over all accounts, live. Amounts are exact decimal strings; `totalUsd` is a number "
                "rounded to cents, for people. Null means unknown, never zero. Every answer carries strict security "
                "headers; no CORS header is ever sent."
            ),
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "readToken": {"type": "http", "scheme": "bearer", "description": "READ_TOKEN, where one is set."},
                "adminToken": {"type": "http", "scheme": "bearer", "description": "ADMIN_TOKEN, for writes."},
            },
        },
    }


def _schemas() -> Part:
    template = "#/components/schemas/{model}"
    answers = [(model, "serialization") for model in _ANSWERS]
    requests = [(RefreshRequest, "validation")]
    _, definitions = models_json_schema([*answers, *requests], ref_template=template)  # type: ignore[list-item]  # its literals are widened
    schemas: Part = definitions["$defs"]
    return schemas


_LABEL: Final[Part] = {"type": "string", "pattern": LABEL_PATTERN}


def _paths() -> Part:
    portfolio = _parameter("portfolio", "Which portfolio; `main` by default.", _LABEL)
    document = _content("OpenAPI 3.1.", "application/json", {"type": "object"})
    readiness = {"200": _json("It has.", ReadyBody), "503": _json("Not yet, or not now.", NotReadyBody)}
    portfolios = {"200": _json("Their names.", PortfoliosBody)}
    return {
        "/api/portfolio": {"get": _portfolio(portfolio)},
        "/api/portfolios": {"get": _get("portfolios", "Which portfolios there are.", portfolios)},
        "/api/portfolio/stream": {"get": _stream(portfolio)},
        "/api/portfolio/explain": {"get": _explain(portfolio)},
        "/api/portfolio/refresh": {"post": _refresh()},
        "/api/openapi.json": {"get": _get("openapi", "This document.", {"200": document})},
        "/health": {"get": _get("health", "Whether it lives.", {"200": _json("It does.", HealthBody)}, free=True)},
        "/ready": {"get": _get("ready", "Whether the process has what it needs.", readiness)},
        "/metrics": {"get": _get("metrics", "Metrics for Prometheus.", {"200": _text("Text.", "text/plain")})},
        "/portfolio": {"get": _page()},
    }


_CONDITION: Final[Part] = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag of the version that the client has.",
}


def _page() -> Part:
    # What they say is for the page, which falls back on what it has; the server looks at their names alone.
    parameters = [
        _parameter("portfolio", "Which portfolio the page shows.", {"type": "string"}),
        _parameter("lang", "The page's language: `en` or `tr`.", {"type": "string"}),
        _CONDITION,
    ]
    responses = {
        "200": _text("The page. It asks this interface for all it shows.", "text/html"),
        "304": {"description": "The client has this page."},
        "503": _text("The page is not built; the text says how it is.", "text/plain"),
    }
    return _get("page", "The portfolio as a page.", responses, parameters=parameters, free=True)


def _portfolio(portfolio: Part) -> Part:
    responses = {
        "200": _json("The state. Ages are at most a second old.", PortfolioBody),
        "304": {
            "description": "The client has the newest version and knows how the bus is; it ages what it shows itself."
        },
    }
    summary = "The newest state of a portfolio."
    return _get("portfolio", summary, responses, parameters=[portfolio, _CONDITION], errors=[404])


def _stream(portfolio: Part) -> Part:
    summary = "The state on connecting and after every change, as server-sent events; `data` is a PortfolioBody."
    responses = {"200": _text("Events; the id is the state's version.", "text/event-stream")}
    return _get("stream", summary, responses, parameters=[portfolio], errors=[404, 503])


def _explain(portfolio: Part) -> Part:
    code = {"type": "string", "pattern": ASSET_PATTERN}
    parameters = [
        _parameter("asset", "The asset's code, as the exchange writes it.", code, required=True),
        portfolio,
        _parameter("exchange", "At this exchange only.", _LABEL),
    ]
    summary = "What the sum of one asset was made of: balances, prices, versions."
    return _get(
        "explain", summary, {"200": _json("The explanation.", ExplainBody)}, parameters=parameters, errors=[404]
    )


def _refresh() -> Part:
    return {
        "operationId": "refresh",
        "summary": "Have the accounts read now; answers within ten seconds what became of each.",
        "security": [{"adminToken": []}],
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RefreshRequest"}}},
        },
        "responses": {
            "200": _json("What became of each account.", RefreshBody),
            **_errors([*_ALWAYS, 403, 404, 415, 429, 503]),
        },
    }


def _get(
    operation: str,
    summary: str,
    responses: Part,
    *,
    parameters: Sequence[Part] = (),
    errors: Sequence[int] = (),
    free: bool = False,
) -> Part:
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": list(parameters),
        "security": [] if free else [{}, {"readToken": []}],
        "responses": {**_errors([*_ALWAYS, *errors]), **responses},
    }


def _parameter(name: str, description: str, schema: Part, *, required: bool = False) -> Part:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _errors(statuses: Sequence[int]) -> Part:
    return {str(status): _json(_ERRORS[status], ErrorBody) for status in sorted(statuses)}


def _json(description: str, model: type[Body]) -> Part:
    return _content(description, "application/json", {"$ref": f"#/components/schemas/{model.__name__}"})


def _text(description: str, content_type: str) -> Part:
    return _content(description, content_type, {"type": "string"})


def _content(description: str, content_type: str, schema: Part) -> Part:
    return {"description": description, "content": {content_type: {"schema": schema}}}
