"""What each path answers. Handlers translate: parameters in, one call, bytes out."""

import re
from typing import Final

import orjson
from aiohttp import hdrs, web
from pydantic import ValidationError

from api.explain import explain
from api.guards import RefusedError
from api.headers import Headers, matches, ready_headers
from api.latest import Latest, View
from api.models import ASSET_PATTERN, RefreshRequest
from api.openapi import openapi_document
from api.refresh import Refresher, RefreshError
from api.stream import Streams
from monitoring.clock import Clock
from monitoring.guards import Refusal
from monitoring.server import JSON_TYPE
from schemas.fields import LABEL_PATTERN

NAMES_SHOWN_MAX: Final = 10

_ASSET: Final = re.compile(ASSET_PATTERN)
_LABEL: Final = re.compile(LABEL_PATTERN)
_PRIVATE: Final = {"Cache-Control": "private, no-cache"}


class Handlers:
    """The handlers, with what they ask."""

    def __init__(
        self, latest: Latest, streams: Streams, refresher: Refresher, clock: Clock, *, default_portfolio: str
    ) -> None:
        self._latest = latest
        self._streams = streams
        self._refresher = refresher
        self._clock = clock
        self._default = default_portfolio
        self._openapi: bytes | None = None
        self._json = ready_headers(JSON_TYPE, _PRIVATE)
        self._by_etag: dict[str, tuple[str, Headers]] = {}

    async def portfolio(self, request: web.Request) -> web.StreamResponse:
        """``GET /api/portfolio``: the newest state; 304 where the client has that very version."""
        view = self._view(request)
        body = view.body()  # First: it may find that something has grown old, which the ETag then says.
        etag = view.etag
        if etag is None:
            return web.Response(body=body, headers=self._json)
        known = self._by_etag.get(view.portfolio)
        if known is None or known[0] != etag:
            known = self._by_etag[view.portfolio] = (etag, ready_headers(JSON_TYPE, {**_PRIVATE, "ETag": etag}))
        condition = request.headers.get(hdrs.IF_NONE_MATCH)
        if condition is not None and matches(condition, etag):
            return web.Response(status=304, headers=known[1])
        return web.Response(body=body, headers=known[1])

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """``GET /api/portfolio/stream``: the same document, live."""
        view = self._view(request)
        if self._streams.full:
            message = "There are as many live streams as this server keeps; ask again later."
            raise RefusedError(Refusal("streams", 503, "too_many_streams", message, (("Retry-After", "5"),)))
        return await self._streams.serve(request, view)

    async def explain(self, request: web.Request) -> web.StreamResponse:
        """``GET /api/portfolio/explain``: what the sum of one asset was made of."""
        view = self._view(request)
        asset = request.query.get("asset", "")
        exchange = request.query.get("exchange")
        if _ASSET.fullmatch(asset) is None:
            raise _bad_parameter("asset", "an asset's code, such as BTC")
        if exchange is not None and _LABEL.fullmatch(exchange) is None:
            raise _bad_parameter("exchange", "the name of an exchange")
        if view.state is None:
            raise _not_found("Nothing has been read yet, so there is nothing to explain; see /api/portfolio.")
        body = explain(view.state, asset, exchange, self._clock.now())
        if body is None:
            where = "this portfolio" if exchange is None else "this portfolio at that exchange"
            raise _not_found(f"No account of {where} holds that asset. Codes are written as the exchange does.")
        return web.Response(body=body, headers=self._json)

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """``POST /api/portfolio/refresh``: have the accounts read now, and say of each whether it was."""
        text = await request.read()
        try:
            wish = RefreshRequest.model_validate_json(text or b"{}")
        except ValidationError as error:
            # Without the input: it may be somebody's token in the wrong place.
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"] if part in RefreshRequest.model_fields) or "the body"
            raise _refused(400, "bad_body", f"{where} is wrong: {first['msg']}") from None
        portfolio = wish.portfolio or self._default
        if self._latest.view(portfolio) is None:
            raise self._unknown_portfolio()
        try:
            body = await self._refresher.refresh((portfolio, wish.exchange, wish.account))
        except RefreshError as error:
            raise _refused(error.status, error.error, str(error)) from error
        return web.Response(body=body, headers=self._json)

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        """``GET /api/openapi.json``."""
        if self._openapi is None:
            self._openapi = openapi_document()
        return web.Response(body=self._openapi, headers=self._json)

    async def portfolios(self, _request: web.Request) -> web.StreamResponse:
        """``GET /api/portfolios``: the names that can be asked for."""
        names = {"portfolios": self._latest.portfolios(), "default": self._default}
        return web.Response(body=orjson.dumps(names), headers=self._json)

    def _view(self, request: web.Request) -> View:
        name = request.query.get("portfolio", self._default) if "?" in request.raw_path else self._default
        view = self._latest.view(name)
        if view is not None:
            return view
        if _LABEL.fullmatch(name) is None:
            raise _bad_parameter("portfolio", "a portfolio's name: small letters, digits, - and _, at most 32")
        raise self._unknown_portfolio()

    def _unknown_portfolio(self) -> RefusedError:
        names = self._latest.portfolios()
        more = "" if len(names) <= NAMES_SHOWN_MAX else f" and {len(names) - NAMES_SHOWN_MAX} more"
        return _not_found(f"There is no such portfolio. Known: {', '.join(names[:NAMES_SHOWN_MAX])}{more}.")


def _refused(status: int, error: str, message: str) -> RefusedError:
    return RefusedError(Refusal("handler", status, error, message))


def _bad_parameter(name: str, expected: str) -> RefusedError:
    return RefusedError(Refusal("parameter", 400, "bad_parameter", f"The parameter {name} is {expected}."))


def _not_found(message: str) -> RefusedError:
    return _refused(404, "not_found", message)
