"""BTCTurk's /api/v1/users/balances: every asset, zero or not (BTCTurk docs, "Account Balance")."""

from decimal import Decimal
from typing import Final

from simulator.amounts import add, plain
from simulator.config import DecimalStyle, Holding
from simulator.jsontext import Raw, compact
from simulator.names import SPOT
from simulator.world import Venue

NAMES: Final = {
    "TRY": "Türk Lirası",
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "USDT": "Tether",
    "AVAX": "Avalanche",
}
LIRA: Final = "TRY"


class Balances:
    """Writes balances with the decimal comma of the docs' own example, with points, or with both in turn."""

    def __init__(self, style: DecimalStyle) -> None:
        """Take the style; nothing is written before it is asked for."""
        self._style = style
        self._heads: dict[str, str] = {}

    def __call__(self, venue: Venue, label: str) -> object:
        """Answer one call."""
        held = venue.wallet(label, SPOT)
        stamp = venue.now_ms()
        nothing = Holding()
        rows = (self._row(index, code, held.get(code, nothing), stamp) for index, code in enumerate(venue.assets))
        return Raw(f"[{','.join(rows)}]")

    def _row(self, index: int, code: str, holding: Holding, stamp: int) -> str:
        if not holding.total:
            return f'{self._zero(code)},"timestamp":{stamp}}}'
        comma = self._style == "comma" or (self._style == "mixed" and index % 2 == 0)
        orders = add(holding.locked, holding.freeze)
        row = {
            "asset": code, "assetname": NAMES.get(code, code),
            "balance": _text(holding.total, comma=comma), "locked": _text(holding.used, comma=comma),
            "free": _text(holding.free, comma=comma), "orderFund": _text(orders, comma=comma),
            "requestFund": _text(holding.withdrawing, comma=comma), "precision": _precision(code),
            "timestamp": stamp,
        }  # fmt: skip
        return compact(row)

    def _zero(self, code: str) -> str:
        head = self._heads.get(code)
        if head is None:
            row = {
                "asset": code, "assetname": NAMES.get(code, code), "balance": "0", "locked": "0", "free": "0",
                "orderFund": "0", "requestFund": "0", "precision": _precision(code),
            }  # fmt: skip
            head = self._heads[code] = compact(row)[:-1]
        return head


def _precision(code: str) -> int:
    """Return the decimals the web page shows; amounts have more."""
    return 2 if code == LIRA else 8


def _text(value: Decimal, *, comma: bool) -> str:
    text = plain(value)
    return text.replace(".", ",") if comma else text
