"""BTCTurk's endpoints and the windows their calls are counted in.

Source: docs.btcturk.com, "Rate Limits": per endpoint and address, a window begins with the first call, and whoever
exceeds it is blocked for a minute. No header tells what is left.
"""

from typing import Final

from collectors.exchange import BudgetRule, Endpoint

WINDOW_SECONDS: Final = 60
BALANCES_CALLS: Final = 120
TICKER_CALLS: Final = 600
INFO_CALLS: Final = 60
"""For what the table of limits does not name: far below anything it does name."""

SERVER_TIME: Final = Endpoint("GET", "/api/v2/server/time", "info")
EXCHANGE_INFO: Final = Endpoint("GET", "/api/v2/server/exchangeinfo", "info")
TICKER: Final = Endpoint("GET", "/api/v2/ticker", "ticker")
BALANCES: Final = Endpoint("GET", "/api/v1/users/balances", "balances", signed=True)

READS: Final = frozenset(
    {
        ("GET", "/api/v2/server/time"),
        ("GET", "/api/v2/server/exchangeinfo"),
        ("GET", "/api/v2/ticker"),
        ("GET", "/api/v1/users/balances"),
    }
)
"""Written out a second time on purpose: adding an endpoint above does not let it be signed."""

BUDGETS: Final = (
    BudgetRule("balances", BALANCES_CALLS, WINDOW_SECONDS, aligned=False),
    BudgetRule("ticker", TICKER_CALLS, WINDOW_SECONDS, aligned=False),
    BudgetRule("info", INFO_CALLS, WINDOW_SECONDS, aligned=False),
)
