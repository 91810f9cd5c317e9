"""Binance as one object: the table of endpoints, and the order in which a call is checked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from simulator.binance import earn, market_data, wallets
from simulator.binance.errors import UNAUTHORIZED, RefusalError, error_reply, malformed, typical
from simulator.binance.limits import Weights
from simulator.binance.signing import check_signature, check_timing
from simulator.config import BINANCE_KEY, Account, BinanceRules
from simulator.jsontext import dump
from simulator.names import BINANCE
from simulator.wire import Call, Reply, html_page
from simulator.world import Venue

Params = dict[str, str]
NOT_ALLOWED: Final = 405
DEFAULT_BAN_SECONDS: Final = 120
SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature"})
SYMBOLS: Final = frozenset({"symbol", "symbols", "symbolStatus"})
PAGING: Final = frozenset({"current", "size", "asset"})
RETIRED: Final = "/api/v3/userDataStream"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table: public when `public` is set, signed when `private` is."""

    method: str
    weight: int | Callable[[Params], int]
    params: frozenset[str] = frozenset()
    public: Callable[[Venue, Params], object] | None = None
    private: Callable[[Venue, Params, str], object] | None = None

    def check_method(self, method: str) -> None:
        """Raise -1020 under 405 for another method than the endpoint's."""
        if method != self.method:
            raise RefusalError(-1020, "This operation is not supported.", NOT_ALLOWED)

    def cost(self, params: Params) -> int:
        """Return the weight of a call, whatever becomes of it."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _public(weight: int | Callable[[Params], int], answer: Callable[[Venue, Params], object], *names: str) -> Endpoint:
    return Endpoint("GET", weight, frozenset(names), public=answer)


def _private(method: str, weight: int, answer: Callable[[Venue, Params, str], object], *names: str) -> Endpoint:
    return Endpoint(method, weight, frozenset(names) | SIGNING, private=answer)


def _endpoints(rules: BinanceRules) -> dict[str, Endpoint]:
    """Return the table. Weights: spot docs for /api, binance-sdk-wallet and binance-sdk-simple-earn for /sapi."""
    spot = wallets.SpotAccount(mirrors=rules.mirrors_flexible_earn)
    info = market_data.ExchangeInfo(rules.weight_per_minute)
    table = {
        "/api/v3/ping": _public(1, lambda _venue, _params: {}),
        "/api/v3/time": _public(1, lambda venue, _params: {"serverTime": venue.now_ms()}),
        "/api/v3/exchangeInfo": _public(20, info, *SYMBOLS, "permissions", "showPermissionSets"),
        "/api/v3/ticker/price": _public(market_data.price_weight, market_data.price, *SYMBOLS),
        "/api/v3/ticker/24hr": _public(market_data.day_weight, market_data.day, *SYMBOLS, "type"),
        "/api/v3/ticker/bookTicker": _public(market_data.price_weight, market_data.book, *SYMBOLS),
        "/api/v3/account": _private("GET", 20, spot.account, "omitZeroBalances"),
    }
    if rules.testnet:  # the spot test net has no /sapi (spot docs, testnet/general-info.md)
        return table
    return table | {
        "/sapi/v1/system/status": _public(1, lambda _venue, _params: {"status": 0, "msg": "normal"}),
        "/sapi/v1/asset/get-funding-asset": _private("POST", 1, wallets.funding, "asset", "needBtcValuation"),
        "/sapi/v3/asset/getUserAsset": _private("POST", 5, spot.user_asset, "asset", "needBtcValuation"),
        "/sapi/v1/asset/wallet/balance": _private("GET", 60, wallets.wallet_balance, "quoteAsset", "needBalanceDetail"),
        "/sapi/v1/account/apiRestrictions": _private("GET", 1, wallets.restrictions),
        "/sapi/v1/simple-earn/flexible/position": _private("GET", 150, earn.flexible, *PAGING, "productId"),
        "/sapi/v1/simple-earn/locked/position": _private("GET", 150, earn.locked, *PAGING, "positionId", "projectId"),
        "/sapi/v1/simple-earn/account": _private("GET", 150, earn.summary),
    }


class Binance:
    """Answers calls from the venue's truth."""

    name = BINANCE

    def __init__(self, venue: Venue, rules: BinanceRules) -> None:
        """Answer for `venue` under `rules`."""
        self._venue = venue
        self._weights = Weights(rules)
        self._endpoints = _endpoints(rules)

    def account_of(self, call: Call) -> str | None:
        """Return the label of the account whose key the call carries."""
        account = self._venue.by_key.get(call.headers.get("X-MBX-APIKEY", ""))
        return account.label if account else None

    def refusal(self, status: int, retry_after: int | None = None) -> Reply:
        """Return Binance's typical answer for an HTTP status."""
        return typical(status, retry_after, self._venue.now_ms())

    def ban(self, retry_after: int | None = None) -> Reply:
        """Return the answer to a banned address."""
        now_ms = self._venue.now_ms()
        seconds = DEFAULT_BAN_SECONDS if retry_after is None else retry_after
        return self._weights.banned(now_ms + seconds * 1000, now_ms)

    def page_of(self, call: Call) -> int:
        """Return the Earn page a call asks for, 1 for other calls."""
        return earn.page_number(dict(_pairs(call.query))) if "simple-earn" in call.path else 1

    def forget_limits(self) -> None:
        """Forget used weights and bans."""
        self._weights.forget()

    def answer(self, call: Call) -> Reply:
        """Answer one call: bans and weight first, then parameters, then the key, then the content."""
        if call.path == RETIRED:
            return html_page(410, "Gone")  # listen keys of spot ended on 2026-02-20 (spot docs, CHANGELOG.md)
        endpoint = self._endpoints.get(call.path)
        if endpoint is None:
            return html_page(404, "Not Found")
        # If a name is in both places the query string wins (spot docs, "General Information on Endpoints").
        query, form = _pairs(call.query), _pairs(call.body.decode("utf-8", "replace"))
        params = dict(form) | dict(query)
        headers, refused = self._weights.spend(call.address, call.path, endpoint.cost(params), self._venue.now_ms())
        if refused is not None:
            return replace(refused, headers={**headers, **refused.headers})
        try:
            endpoint.check_method(call.method)
            _check_names(endpoint, query, form)
            content = self._content(endpoint, call, params)
        except RefusalError as error:
            return replace(error_reply(error.status, error.code, error.message), headers=headers)
        return Reply(200, dump(content).encode(), headers=headers)

    def _content(self, endpoint: Endpoint, call: Call, params: Params) -> object:
        if endpoint.private is not None:
            return endpoint.private(self._venue, params, self._authorise(call, params).label)
        assert endpoint.public is not None  # noqa: S101 - the table gives each row one of the two
        return endpoint.public(self._venue, params)

    def _authorise(self, call: Call, params: Params) -> Account:
        """Check key format, timing, key, signature and permission, in that order."""
        key = call.headers.get("X-MBX-APIKEY", "")
        if not BINANCE_KEY.fullmatch(key):
            raise RefusalError(-2014, "API-key format invalid.", UNAUTHORIZED)
        if not params.get("signature"):
            raise malformed("signature")
        check_timing(params, self._venue.now_ms())
        account = self._venue.by_key.get(key)
        if account is None:
            raise RefusalError(-2008, "Invalid Api-Key ID.", UNAUTHORIZED)
        if account.label in self._venue.revoked:
            raise RefusalError(-2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED)
        check_signature(account.api_secret, call.query, call.body, params["signature"])
        if not self._venue.permissions[account.label]["enableReading"]:
            raise RefusalError(-2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED)
        return account


def _pairs(text: str) -> list[tuple[str, str]]:
    """Split a query or form; a part without '=' is a name with an empty value."""
    return [
        (unquote_plus(name), unquote_plus(value))
        for name, _, value in (part.partition("=") for part in text.split("&") if part)
    ]


def _check_names(endpoint: Endpoint, query: list[tuple[str, str]], form: list[tuple[str, str]]) -> None:
    """Raise -1101 for a name given twice in one place, -1105 for an empty value, -1104 for a name nobody reads."""
    for pairs in (query, form):
        if len({name for name, _ in pairs}) != len(pairs):
            raise RefusalError(-1101, "Duplicate values for a parameter detected.")
    for name, value in (*query, *form):
        if not value:
            raise (malformed(name) if name in SIGNING else RefusalError(-1105, f"Parameter '{name}' was empty."))
    sent = {name for name, _ in (*query, *form)}
    read = sent & endpoint.params
    if sent != read:
        text = f"Not all sent parameters were read; read '{len(read)}' parameter(s) but was sent '{len(sent)}'."
        raise RefusalError(-1104, text)
