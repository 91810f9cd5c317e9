"""Binance's endpoints, their weights and the windows these are counted in.

Sources: spot docs (binance-spot-api-docs), ``rest-api.md`` for ``/api``; the official SDKs ``binance-sdk-wallet`` and
``binance-sdk-simple-earn`` for ``/sapi``.
"""

from typing import Final

from collectors.exchange import BudgetRule, Endpoint

WINDOW_SECONDS: Final = 60
API_WEIGHT: Final = 6000
"""Per minute and address, aligned to the minute (enums.md, REQUEST_WEIGHT; web-socket-api.md on the windows)."""

SAPI_WEIGHT: Final = 12_000
"""Per minute and address for each endpoint of its own (general info of the wallet docs, "LIMITS")."""

LISTING_BYTES_MAX: Final = 24 * 1024 * 1024
"""exchangeInfo is the one long answer: three thousand symbols with their filters are about ten MB."""

TIME: Final = Endpoint("GET", "/api/v3/time", "api", 1)
EXCHANGE_INFO: Final = Endpoint("GET", "/api/v3/exchangeInfo", "api", 20, body_bytes_max=LISTING_BYTES_MAX)
DAY_TICKER: Final = Endpoint("GET", "/api/v3/ticker/24hr", "api", 2)
"""Weight 2 for 1 to 20 symbols; 40 for 21 to 100. We ask for at most 20 at once."""
DAY_TICKER_SYMBOLS_MAX: Final = 20
ALL_DAY_TICKERS: Final = Endpoint("GET", "/api/v3/ticker/24hr", "api", 80)
"""The same without ``symbols``: cheaper from 801 on."""

ACCOUNT: Final = Endpoint("GET", "/api/v3/account", "api", 20, signed=True)
FUNDING: Final = Endpoint("POST", "/sapi/v1/asset/get-funding-asset", "funding", 1, signed=True)
"""A POST that only reads."""
EARN_FLEXIBLE: Final = Endpoint("GET", "/sapi/v1/simple-earn/flexible/position", "earn-flexible", 150, signed=True)
EARN_LOCKED: Final = Endpoint("GET", "/sapi/v1/simple-earn/locked/position", "earn-locked", 150, signed=True)
EARN_PAGE_SIZE: Final = 100
RESTRICTIONS: Final = Endpoint("GET", "/sapi/v1/account/apiRestrictions", "restrictions", 1, signed=True)
WALLET_BALANCE: Final = Endpoint("GET", "/sapi/v1/asset/wallet/balance", "wallet-balance", 60, signed=True)

READS: Final = frozenset(
    {
        ("GET", "/api/v3/time"),
        ("GET", "/api/v3/exchangeInfo"),
        ("GET", "/api/v3/ticker/24hr"),
        ("GET", "/api/v3/account"),
        ("POST", "/sapi/v1/asset/get-funding-asset"),
        ("GET", "/sapi/v1/simple-earn/flexible/position"),
        ("GET", "/sapi/v1/simple-earn/locked/position"),
        ("GET", "/sapi/v1/account/apiRestrictions"),
        ("GET", "/sapi/v1/asset/wallet/balance"),
    }
)
"""Written out a second time on purpose: adding an endpoint above does not let it be signed."""

BUDGETS: Final = (
    BudgetRule("api", API_WEIGHT, WINDOW_SECONDS, aligned=True),
    *(
        BudgetRule(endpoint.budget, SAPI_WEIGHT, WINDOW_SECONDS, aligned=True)
        for endpoint in (FUNDING, EARN_FLEXIBLE, EARN_LOCKED, RESTRICTIONS, WALLET_BALANCE)
    ),
)

API_USED_HEADER: Final = "x-mbx-used-weight-1m"
SAPI_USED_HEADER: Final = "x-sapi-used-ip-weight-1m"
