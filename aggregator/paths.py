"""Which way leads from an asset to the dollar. Pure, and the one place where the order of paths is written.

A path has at most two legs to the dollar or to a pegged asset; a pegged asset's own step to the dollar follows.
Among all paths that the quotes allow, the one with the smallest :func:`rank` is taken:

1. fresh before stale;
2. all legs at the exchange of the holding, then all legs at one other exchange, then mixed ones;
3. a direct pair, then an inverse one, then one bridge;
4. fewer inverse legs;
5. ending at USD, then at the pegged assets in the order of the settings;
6. bridges in their written order, then exchanges by name: so that two processes choose alike.

The step from a pegged asset to the dollar is a fresh quote, if there is one (the exchange of the holding first, then
direct before inverse, then by name), and the peg otherwise: a stale quote says less than the settings.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from aggregator.prices import PriceBook, Symbol
from schemas.amounts import AmountError, check_amount, invert, multiply, shorten
from schemas.assets import BRIDGES, USD

ONE: Final = Decimal(1)


class Leg(NamedTuple):
    """One step, from ``base`` to ``quote``; without a symbol it is a peg."""

    base: str
    quote: str
    symbol: Symbol | None
    inverse: bool = False


Path = tuple[Leg, ...]
Rank = tuple[bool, int, int, int, int, int, tuple[str, ...]]


class Router:
    """Finds paths through a price book, for one choice of pegs."""

    def __init__(self, book: PriceBook, pegs: tuple[str, ...]) -> None:
        self.pegs = pegs
        self._book = book
        self._ends = (USD, *(peg for peg in pegs if peg != USD))
        self._bridges = tuple(bridge for bridge in BRIDGES if bridge not in self._ends)
        self._hubs = frozenset((*self._ends, *self._bridges))

    def may_serve_all(self, symbol: Symbol) -> bool:
        """Whether a symbol joins two hubs, so that paths of any asset may lead over it."""
        return symbol.base in self._hubs and symbol.quote in self._hubs

    def find(self, exchange: str, asset: str) -> Path | None:
        """The best path for holdings of this exchange; empty for the dollar itself; None where there is none."""
        if asset == USD:
            return ()
        if asset in self.pegs:
            return (self._to_dollar(exchange, asset),)
        best: tuple[Rank, str, Path] | None = None
        for target, bridge, legs in self._candidates(asset):
            rank = self._rank(exchange, target, bridge, legs)
            if best is None or rank < best[0]:
                best = rank, target, legs
        if best is None:
            return None
        _, target, legs = best
        return legs if target == USD else (*legs, self._to_dollar(exchange, target))

    def _candidates(self, asset: str) -> Iterator[tuple[str, str | None, Path]]:
        for target in self._ends:
            for leg in self._steps(asset, target):
                yield target, None, (leg,)
        for bridge in self._bridges:
            if bridge == asset:
                continue
            firsts = list(self._steps(asset, bridge))
            if not firsts:
                continue
            for target in self._ends:
                for second in self._steps(bridge, target):
                    for first in firsts:
                        yield target, bridge, (first, second)

    def _steps(self, have: str, want: str) -> Iterator[Leg]:
        for symbol in self._book.pair(have, want).values():
            if symbol.usable:
                yield Leg(have, want, symbol)
        for symbol in self._book.pair(want, have).values():
            if symbol.usable:
                yield Leg(have, want, symbol, inverse=True)

    def _rank(self, exchange: str, target: str, bridge: str | None, legs: Path) -> Rank:
        symbols = [leg.symbol for leg in legs if leg.symbol is not None]
        places = tuple(symbol.exchange for symbol in symbols)
        abroad = 0 if places[0] == exchange else 1
        inverses = sum(leg.inverse for leg in legs)
        return (
            any(symbol.stale for symbol in symbols),
            abroad if len(set(places)) == 1 else 2,
            2 if bridge is not None else inverses,
            inverses,
            self._ends.index(target),
            -1 if bridge is None else self._bridges.index(bridge),
            places,
        )

    def _to_dollar(self, exchange: str, peg: str) -> Leg:
        real = [leg for leg in self._steps(peg, USD) if leg.symbol is not None and not leg.symbol.stale]
        if not real:
            return Leg(peg, USD, None)
        return min(real, key=lambda leg: _dollar_rank(exchange, leg))


def _dollar_rank(exchange: str, leg: Leg) -> tuple[bool, bool, str]:
    place = leg.symbol.exchange if leg.symbol is not None else ""
    return place != exchange, leg.inverse, place


def leg_price(leg: Leg) -> Decimal:
    """What one unit of the leg's base is in its quote."""
    if leg.symbol is None:
        return ONE
    return invert(leg.symbol.price) if leg.inverse else leg.symbol.price


def _leg_price_24h_ago(leg: Leg) -> Decimal | None:
    if leg.symbol is None:
        return ONE
    price = leg.symbol.price_24h_ago
    return invert(price) if price is not None and leg.inverse else price


def along(prices: Iterable[Decimal | None]) -> Decimal | None:
    """The price of a path: the product of its legs, at 18 significant digits.

    None where a leg is missing, or where the product is no price: 0, or beyond the bounds of an amount.
    """
    product = ONE
    for price in prices:
        if price is None:
            return None
        product = shorten(multiply(product, shorten(price)))
    try:
        check_amount(product)
    except AmountError:
        return None
    return product or None


def price_along(path: Path) -> Decimal | None:
    """The price of the asset at the path's start, in dollars."""
    return along(leg_price(leg) for leg in path)


def price_24h_ago_along(path: Path) -> Decimal | None:
    """The same a day before, where every leg knows it."""
    return along(_leg_price_24h_ago(leg) for leg in path)
