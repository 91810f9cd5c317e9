"""Every exchange we read, by name. Adding one is its package and its line here."""

from typing import Final

from collectors.binance.exchange import Binance
from collectors.btcturk.exchange import Btcturk
from collectors.exchange import Exchange

EXCHANGES: Final[dict[str, type[Exchange]]] = {
    "binance": Binance,
    "btcturk": Btcturk,
}
