"""A seeded walk: prices move a little each step, and now and then an order fills."""

import random
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from simulator.amounts import EXACT, add
from simulator.config import Holding
from simulator.names import BINANCE, BTCTURK, SPOT
from simulator.world import Venue, World

# All changes are whole hundred-thousandths, so that a walk is integers until it touches a price.
UNIT: Final = Decimal("0.00001")
LIVELY: Final = 40
CALM: Final = {"TRY": 3, "EUR": 3, "USDC": 1, "USDT": 0}
# Five percent from the start the walk turns back, so that a demo left running for days stays plausible.
FAR: Final = 5000
PULL: Final = 10
FILL_EVERY: Final = 20
FILL_COIN: Final = "BTC"
FILL_QUOTE: Final = {BINANCE: "USDT", BTCTURK: "TRY"}
SATOSHI: Final = Decimal("0.00000001")


class Walk:
    """Moves a world step by step. Two worlds of one seed, stepped as often, are equal."""

    def __init__(self, world: World, seed: int) -> None:
        """Draw from a generator of its own."""
        self._world = world
        self._random = random.Random(f"walk-{seed}")  # noqa: S311 - chance for a demo, not secrets
        codes = (code for venue in world.venues.values() for code in venue.market.assets())
        self._strayed = dict.fromkeys(codes, 0)

    def step(self) -> None:
        """Move about half of the coins, on both exchanges alike, and perhaps fill one order."""
        factors = {code: factor for code in self._strayed if (factor := self._factor(code)) is not None}
        one = Decimal(1)
        for venue in self._world.venues.values():
            for pair in venue.market.pairs.values():
                if pair.status != "TRADING" or not pair.last:
                    continue
                base, quote = factors.get(pair.base), factors.get(pair.quote)
                if base is not None or quote is not None:
                    pair.scale(EXACT.divide(base or one, quote or one))
        if not self._random.randrange(FILL_EVERY):
            self._fill()

    def _factor(self, code: str) -> Decimal | None:
        most = CALM.get(code, LIVELY)
        if not most or self._random.random() < 0.5:
            return None
        strayed = self._strayed[code]
        change = self._random.randint(-most, most)
        if abs(strayed) > FAR:
            change -= PULL if strayed > 0 else -PULL
        self._strayed[code] = strayed + change
        return 1 + change * UNIT

    def _fill(self) -> None:
        venue = self._world.venue(self._random.choice((BINANCE, BTCTURK)))
        amount = Decimal(self._random.randint(10, 200)) * UNIT
        buys = bool(self._random.getrandbits(1))
        quote = FILL_QUOTE[venue.name]
        pair = venue.market.pairs.get(FILL_COIN + quote)
        if not venue.accounts or pair is None or not pair.last:
            return
        label = self._random.choice(list(venue.accounts))
        worth = EXACT.multiply(amount, pair.last)
        if buys:
            _exchange(venue, label, (quote, worth.quantize(SATOSHI, ROUND_UP, context=EXACT)), (FILL_COIN, amount))
        else:
            _exchange(venue, label, (FILL_COIN, amount), (quote, worth.quantize(SATOSHI, ROUND_DOWN, context=EXACT)))


def _exchange(venue: Venue, label: str, paid: tuple[str, Decimal], got: tuple[str, Decimal]) -> None:
    """Give one coin and take another, when there is enough of it."""
    wallet = venue.wallet(label, SPOT)
    giving = wallet.get(paid[0], Holding())
    if giving.free < paid[1]:
        return
    taking = wallet.get(got[0], Holding())
    venue.put(label, SPOT, paid[0], replace(giving, free=EXACT.subtract(giving.free, paid[1])))
    venue.put(label, SPOT, got[0], replace(taking, free=add(taking.free, got[1])))
