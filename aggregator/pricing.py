"""What an asset is worth at an exchange: the path in use, its outcome, and who depends on it. Pure.

A quote touches only the pricings whose path leads over it, or, when it changes which paths there are, those of the
assets it joins. Whoever holds a pricing is told when its numbers changed.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from aggregator.paths import Path, Router, leg_price, price_24h_ago_along, price_along
from aggregator.prices import Change, PriceBook, Symbol
from schemas.amounts import MONEY, VALUE_DECIMALS, AmountError, check_amount, invert
from schemas.assets import DISPLAY_CURRENCIES
from schemas.state_encoding import encode_part, format_moment, holding_price

if TYPE_CHECKING:
    from aggregator.holdings import Position

UNPRICED_TEXT: Final = holding_price(None, stale=False)


class Pricing:
    """The price of one asset for the holdings of one exchange. ``price`` None: nobody quotes a usable one."""

    __slots__ = (
        "ago_units",
        "asset",
        "exchange",
        "holding_text",
        "part",
        "path",
        "peg",
        "positions",
        "price",
        "priced_at",
        "rated",
        "stale",
        "units",
    )

    def __init__(self, exchange: str, asset: str) -> None:
        self.exchange = exchange
        self.asset = asset
        self.path: Path | None = None
        self.price: Decimal | None = None
        self.units: Decimal | None = None
        """The price in smallest units (10^-18 dollars), as valuing needs it."""
        self.ago_units: Decimal | None = None
        self.stale = False
        self.priced_at: int | None = None
        self.holding_text = UNPRICED_TEXT
        self.part = b""
        """The price as part of a state; empty while there is none."""
        self.peg: str | None = None
        self.positions: set[Position] = set()
        self.rated = False
        """Whether a display rate uses it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The assets along the path, from this one to the dollar."""
        return (self.asset, *(leg.quote for leg in self.path or ()))


class Moved(NamedTuple):
    """A pricing whose outcome changed; whether its holdings must be valued anew, and whether an age did it."""

    pricing: Pricing
    revalue: bool
    aged: bool


class Pricings:
    """All pricings that somebody uses, kept right with the least work."""

    def __init__(self, book: PriceBook, pegs: tuple[str, ...]) -> None:
        self.rate_parts: list[bytes] = []
        self.rate_pricings: tuple[Pricing, ...] = ()
        self.rates_round = 0
        """Grows whenever the display rates, or the prices they come from, changed."""
        self._book = book
        self._router = Router(book, pegs)
        self._pricings: dict[tuple[str, str], Pricing] = {}
        self._of_asset: dict[str, set[Pricing]] = {}
        self._numbers: set[Pricing] = set()
        self._paths: set[Pricing] = set()
        self._aged: set[Pricing] = set()
        self._rates_from: str | None = None
        self._rates_changed = False

    @property
    def pending(self) -> bool:
        """Whether :meth:`refresh` has anything to do."""
        return bool(self._numbers or self._paths or self._rates_changed)

    def acquire(self, exchange: str, asset: str) -> Pricing:
        """The pricing for an exchange's holdings of an asset; it lives until it is released by its last user."""
        pricing = self._pricings.get((exchange, asset))
        if pricing is None:
            pricing = Pricing(exchange, asset)
            self._pricings[exchange, asset] = pricing
            self._of_asset.setdefault(asset, set()).add(pricing)
            self._paths.add(pricing)
        return pricing

    def release(self, pricing: Pricing) -> None:
        """Drop a pricing that neither a position nor a rate uses any more."""
        if pricing.positions or pricing.rated:
            return
        self._leave(pricing)
        del self._pricings[pricing.exchange, pricing.asset]
        others = self._of_asset[pricing.asset]
        others.discard(pricing)
        if not others:
            del self._of_asset[pricing.asset]
        for pending in (self._numbers, self._paths, self._aged):
            pending.discard(pricing)

    def mark(self, symbol: Symbol, change: Change, *, aged: bool = False) -> None:
        """Take in that a symbol changed, by a quote or by its age."""
        touched: set[Pricing] = set()
        if change is Change.NUMBERS:
            self._numbers |= symbol.users
        elif change is Change.PATHS:
            if self._router.may_serve_all(symbol):
                touched.update(self._pricings.values())
            touched |= self._of_asset.get(symbol.base, set()) | self._of_asset.get(symbol.quote, set())
            self._paths |= touched
            self._follow_rates()
        if aged:
            self._aged |= touched

    def refresh(self) -> list[Moved]:
        """Find the paths and prices of all that was touched; what came out different."""
        moved = []
        for pricing in self._paths | self._numbers:
            revalue = self._price(pricing, find=pricing in self._paths)
            if revalue is not None:
                moved.append(Moved(pricing, revalue, pricing in self._aged))
                self._rates_changed |= pricing.rated
        for pending in (self._numbers, self._paths, self._aged):
            pending.clear()
        if self._rates_changed:
            self._rates_changed = False
            self.rate_parts = [rate for pricing in self.rate_pricings if (rate := encode_rate(pricing))]
            self.rates_round += 1
        return moved

    def mark_all(self) -> None:
        """Look at everything again, after the clock went back."""
        self._paths.update(self._pricings.values())
        self._follow_rates()

    def _leave(self, pricing: Pricing) -> None:
        for leg in pricing.path or ():
            if leg.symbol is not None:
                leg.symbol.users.discard(pricing)

    def _price(self, pricing: Pricing, *, find: bool) -> bool | None:
        """Price anew: None where nothing changed, otherwise whether the holdings' values or marks did."""
        if find:
            self._leave(pricing)
            pricing.path = self._router.find(pricing.exchange, pricing.asset)
            for leg in pricing.path or ():
                if leg.symbol is not None:
                    leg.symbol.users.add(pricing)
        before = pricing.part, pricing.price, pricing.ago_units, pricing.stale
        _outcome(pricing)
        if pricing.part == before[0]:
            return None
        return (pricing.price, pricing.ago_units, pricing.stale) != before[1:]

    def _follow_rates(self) -> None:
        """See the display rates from the first exchange that quotes anything."""
        exchange = self._book.first_exchange()
        if exchange == self._rates_from:
            return
        self._rates_from = exchange
        self._rates_changed = True
        former = self.rate_pricings
        self.rate_pricings = ()
        for pricing in former:
            pricing.rated = False
        if exchange is not None:
            self.rate_pricings = tuple(self.acquire(exchange, currency) for currency in DISPLAY_CURRENCIES)
            for pricing in self.rate_pricings:
                pricing.rated = True
                self._paths.add(pricing)
        for pricing in former:
            self.release(pricing)


def _outcome(pricing: Pricing) -> None:
    """Everything that follows from the path and the quotes along it."""
    path = pricing.path
    price = None if path is None else price_along(path)
    if path is None or price is None:
        pricing.price = pricing.units = pricing.ago_units = pricing.priced_at = pricing.peg = None
        pricing.stale = False
        pricing.holding_text = UNPRICED_TEXT
        pricing.part = b""
        return
    ago = price_24h_ago_along(path)
    symbols = [leg.symbol for leg in path if leg.symbol is not None]
    pricing.price = price
    pricing.units = MONEY.scaleb(price, VALUE_DECIMALS)
    pricing.ago_units = None if ago is None else MONEY.scaleb(ago, VALUE_DECIMALS)
    pricing.stale = any(symbol.stale for symbol in symbols)
    pricing.priced_at = min((symbol.priced_at for symbol in symbols), default=None)
    pricing.peg = next((leg.base for leg in path if leg.symbol is None), None)
    pricing.holding_text = holding_price(price, stale=pricing.stale)
    pricing.part = _encode_price(pricing, price, ago)


def _encode_price(pricing: Pricing, price: Decimal, ago: Decimal | None) -> bytes:
    legs = []
    for leg in pricing.path or ():
        symbol = leg.symbol
        fields: dict[str, object] = {"base": leg.base, "quote": leg.quote, "price": leg_price(leg)}
        if symbol is None:
            fields |= {"kind": "peg", "stale": False, "epoch": 0, "seq": 0}
        else:
            fields["kind"] = "inverse" if leg.inverse else "direct"
            fields["exchange"] = symbol.exchange
            fields["priced_at"] = format_moment(symbol.priced_at)
            fields["stale"] = symbol.stale
            fields["epoch"], fields["seq"] = symbol.version
        legs.append(fields)
    return encode_part(
        {
            "exchange": pricing.exchange,
            "asset": pricing.asset,
            "price_usd": price,
            "price_24h_ago_usd": ago,
            "path": pricing.names,
            "legs": legs,
            "priced_at": None if pricing.priced_at is None else format_moment(pricing.priced_at),
            "stale": pricing.stale,
        }
    )


def encode_rate(pricing: Pricing) -> bytes:
    """How many units of a currency one dollar is; empty where that is not known (never 0)."""
    if pricing.price is None:
        return b""
    try:
        per_usd = check_amount(invert(pricing.price))
    except AmountError:
        return b""
    if not per_usd:
        return b""
    return encode_part(
        {
            "currency": pricing.asset,
            "per_usd": per_usd,
            "path": pricing.names,
            "priced_at": None if pricing.priced_at is None else format_moment(pricing.priced_at),
            "stale": pricing.stale,
        }
    )
