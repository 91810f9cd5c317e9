"""Binance as the base sees it: its wallets, its calls, and what its answers mean."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from collectors.binance import endpoints, parse
from collectors.binance.errors import TITLE, classify
from collectors.binance.payloads import FlexiblePosition, LockedPosition
from collectors.binance.sign import API_KEY, API_SECRET, encode, sign
from collectors.errors import ExchangeError
from collectors.exchange import (
    Answer,
    BudgetRule,
    Call,
    Credentials,
    Endpoint,
    Exchange,
    KeyPermissions,
    Listing,
    RefusalPace,
    Request,
    Ticker,
    Wire,
    Worth,
)
from collectors.paging import read_pages
from collectors.spec import CredentialSpec, ExchangeSpec, PollSpec, UrlSpec
from schemas.events import Balance

SPOT, FUNDING, EARN_FLEXIBLE, EARN_LOCKED = "spot", "funding", parse.MIRRORED_WALLET, "earn-locked"


class Binance(Exchange):
    """Binance (binance.com): spot, funding and Simple Earn."""

    spec: ClassVar = ExchangeSpec(
        name="binance",
        title=TITLE,
        credentials=(
            CredentialSpec(API_KEY, "the API key"),
            CredentialSpec(API_SECRET, "the secret that was shown once, when the key was made"),
        ),
        urls=(
            UrlSpec("REST_URL", "https://api.binance.com", "balances and prices"),
            UrlSpec(
                "WS_API_URL",
                "wss://ws-api.binance.com:443/ws-api/v3",
                "the WebSocket API (not used yet)",
                whole=True,
            ),
            UrlSpec("STREAM_URL", "wss://stream.binance.com:9443", "the market streams (not used yet)"),
        ),
        polls=(
            PollSpec("SPOT", (SPOT,), 10.0),
            PollSpec("FUNDING", (FUNDING,), 30.0),
            PollSpec("EARN", (EARN_FLEXIBLE, EARN_LOCKED), 60.0),
        ),
        key_guide=(
            "Make one at Binance under Profile, Account, API Management, Create API, with Enable Reading alone, and "
            "restrict it to this machine's address."
        ),
        metrics_port=4011,
        flags=parse.POWERS,
    )
    budgets: ClassVar[tuple[BudgetRule, ...]] = endpoints.BUDGETS
    reads: ClassVar = endpoints.READS
    refusal: ClassVar = RefusalPace(first_seconds=300.0, factor=1.0, longest_seconds=300.0)

    def encode(self, request: Request) -> Wire:
        """A public request."""
        return Wire(encode(request.params))

    def sign(self, request: Request, credentials: Credentials, stamp_ms: int) -> Wire:
        """A signed request."""
        return sign(request, credentials, stamp_ms)

    def classify(self, answer: Answer) -> ExchangeError | None:
        """By Binance's own codes."""
        return classify(answer)

    def used_weight(self, endpoint: Endpoint, headers: Mapping[str, str]) -> int | None:
        """From ``X-MBX-USED-WEIGHT-1M`` and, on /sapi, ``X-SAPI-USED-IP-WEIGHT-1M`` (rest-api.md, "IP Limits")."""
        name = endpoints.API_USED_HEADER if endpoint.budget == "api" else endpoints.SAPI_USED_HEADER
        text = headers.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None

    async def read_time(self, call: Call) -> int:
        """Binance's clock."""
        return parse.parse_time(await call(Request(endpoints.TIME)))

    async def read_permissions(self, call: Call) -> KeyPermissions:
        """What the key may do."""
        return parse.parse_permissions(await call(Request(endpoints.RESTRICTIONS)))

    async def read_listing(self, call: Call) -> Listing:
        """All symbols, whatever their status: a halted coin is still a coin and no mirror of Earn."""
        request = Request(endpoints.EXCHANGE_INFO, (("showPermissionSets", "false"),))
        return parse.parse_listing(await call(request))

    async def read_wallet(self, wallet: str, call: Call, listing: Listing | None) -> tuple[Balance, ...]:
        """One wallet, whole."""
        if wallet == SPOT:
            request = Request(endpoints.ACCOUNT, (("omitZeroBalances", "true"),))
            return parse.parse_spot(await call(request), listing)
        if wallet == FUNDING:
            return parse.parse_funding(await call(Request(endpoints.FUNDING)))
        if wallet == EARN_FLEXIBLE:
            return await _read_flexible(call)
        if wallet == EARN_LOCKED:
            return await _read_locked(call)
        raise ValueError(f"{TITLE} has no wallet {wallet!r}")

    def ticker_requests(self, symbols: Sequence[str]) -> tuple[Request, ...]:
        """Twenty symbols cost 2, so that is the cheapest way up to 800; beyond, all there are cost 80."""
        size = endpoints.DAY_TICKER_SYMBOLS_MAX
        if len(symbols) * endpoints.DAY_TICKER.weight > endpoints.ALL_DAY_TICKERS.weight * size:
            return (Request(endpoints.ALL_DAY_TICKERS, _TICKER_PARAMS),)
        chunks = (symbols[start : start + size] for start in range(0, len(symbols), size))
        return tuple(_ticker_request(chunk) for chunk in chunks)

    def parse_tickers(self, payload: object) -> list[Ticker]:
        """The last price, and the first of the last 24 hours."""
        return parse.parse_tickers(payload)

    async def read_worth(self, call: Call) -> Worth:
        """The whole account in BTC, all wallets that Binance has, also those we do not read."""
        request = Request(endpoints.WALLET_BALANCE, (("quoteAsset", "BTC"),))
        return parse.parse_worth(await call(request))


_TICKER_PARAMS: Final = (("type", "MINI"), ("symbolStatus", parse.TRADING))


def _ticker_request(symbols: Sequence[str]) -> Request:
    # A JSON list without spaces (rest-api.md); names have neither quotes nor backslashes.
    listed = "[" + ",".join(f'"{symbol}"' for symbol in symbols) + "]"
    return Request(endpoints.DAY_TICKER, (("symbols", listed), *_TICKER_PARAMS))


def _page_params(number: int) -> tuple[tuple[str, str], ...]:
    return (("current", str(number)), ("size", str(endpoints.EARN_PAGE_SIZE)))


async def _read_flexible(call: Call) -> tuple[Balance, ...]:
    async def page(number: int) -> tuple[list[FlexiblePosition], int]:
        return parse.parse_flexible_page(await call(Request(endpoints.EARN_FLEXIBLE, _page_params(number))))

    rows = await read_pages(
        page, size=endpoints.EARN_PAGE_SIZE, identity=lambda row: row.productId, what="flexible Earn"
    )
    return parse.flexible_balances(rows)


async def _read_locked(call: Call) -> tuple[Balance, ...]:
    async def page(number: int) -> tuple[list[LockedPosition], int]:
        return parse.parse_locked_page(await call(Request(endpoints.EARN_LOCKED, _page_params(number))))

    rows = await read_pages(
        page, size=endpoints.EARN_PAGE_SIZE, identity=lambda row: row.positionId, what="locked Earn"
    )
    return parse.locked_balances(rows)
