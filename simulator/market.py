"""The pairs of one exchange and their prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT, ZERO
from simulator.config import Listing
from simulator.names import UnknownNameError

# The walk multiplies prices for ever; eighteen digits keep the product from growing without bound.
KEPT_DIGITS: Final = 18


@dataclass(slots=True)
class Pair:
    """One pair now. `exact` is the price before it was rounded to the pair's step, so that rounding never piles up."""

    symbol: str
    base: str
    quote: str
    places: int
    status: str
    last: Decimal
    open_: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    exact: Decimal

    @property
    def step(self) -> Decimal:
        """The smallest difference between two prices of the pair."""
        return Decimal(1).scaleb(-self.places)

    @property
    def bid(self) -> Decimal:
        """The best buying price: the last price."""
        return self.last

    @property
    def ask(self) -> Decimal:
        """The best selling price: one step above."""
        return EXACT.add(self.last, self.step) if self.last else ZERO

    def set(self, last: Decimal) -> None:
        """Move to `last`, which may have more decimals than the step."""
        self.last = self.exact = last
        self._stretch()

    def scale(self, factor: Decimal) -> None:
        """Multiply the price, keeping it on the pair's step."""
        product = EXACT.multiply(self.exact, factor)
        self.exact = product.quantize(Decimal(1).scaleb(product.adjusted() - KEPT_DIGITS + 1), context=EXACT)
        self.last = self.exact.quantize(self.step, context=EXACT)
        self._stretch()

    def _stretch(self) -> None:
        self.high = max(self.high, self.last)
        self.low = min(self.low, self.last)


class Market:
    """All pairs of one exchange, in the order in which it lists them."""

    def __init__(self, exchange: str, listings: Iterable[Listing]) -> None:
        """Start from the listings' prices."""
        self._exchange = exchange
        self.pairs: Final[dict[str, Pair]] = {one.symbol: _pair(one) for one in listings}

    def pair(self, symbol: str) -> Pair:
        """Return the pair, spelled as the exchange does. Raises UnknownNameError."""
        found = self.pairs.get(symbol)
        if found is None:
            raise UnknownNameError(f"{self._exchange} symbol", symbol, self.pairs)
        return found

    def assets(self) -> tuple[str, ...]:
        """Return every code that is base or quote of a pair, in order of first appearance."""
        return tuple(dict.fromkeys(code for pair in self.pairs.values() for code in (pair.base, pair.quote)))

    def value(self, asset: str, quote: str) -> Decimal | None:
        """Return the price of `asset` in `quote` over at most one direct or inverse pair, or None."""
        if asset == quote:
            return Decimal(1)
        for pair in self.pairs.values():
            if (pair.base, pair.quote) == (asset, quote):
                return pair.last
            if (pair.base, pair.quote) == (quote, asset) and pair.last:
                return EXACT.divide(Decimal(1), pair.last)
        return None


def _pair(one: Listing) -> Pair:
    high, low = max(one.last, one.open_), min(one.last, one.open_)
    # A round sum of trade in quote units, so that volumes look alike whatever the coin costs.
    volume = (
        EXACT.divide(Decimal(5_000_000), one.last).quantize(Decimal("0.00000001"), context=EXACT) if one.last else ZERO
    )
    return Pair(
        one.symbol,
        one.base,
        one.quote,
        one.places,
        one.status,
        one.last,
        one.open_,
        high,
        low,
        volume,
        one.last,
    )
