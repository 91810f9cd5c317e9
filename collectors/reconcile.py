"""Our sum of an account beside the exchange's own, so that a wallet nobody reads finds itself."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from collectors.account import AccountReader
from collectors.errors import ExchangeError
from collectors.pacing import jittered
from schemas.amounts import DIVISION
from schemas.assets import BRIDGES
from schemas.events import Balance

Prices = Mapping[tuple[str, str], Decimal]

ZERO: Final = Decimal(0)


def price_in(asset: str, target: str, prices: Prices) -> Decimal | None:
    """What one unit is worth in the target by the exchange's own last prices: direct, inverse, or over one bridge.

    Roughly: this is for a comparison, not for a value that anybody is shown.
    """
    direct = _pair(asset, target, prices)
    if direct is not None:
        return direct
    for bridge in BRIDGES:
        first, second = _pair(asset, bridge, prices), _pair(bridge, target, prices)
        if first is not None and second is not None:
            return DIVISION.multiply(first, second)
    return None


def _pair(base: str, quote: str, prices: Prices) -> Decimal | None:
    if base == quote:
        return Decimal(1)
    price = prices.get((base, quote))
    if price is not None:
        return price
    inverse = prices.get((quote, base))
    return None if not inverse else DIVISION.divide(Decimal(1), inverse)


def gap_ratio(wallets: Mapping[str, tuple[Balance, ...]], theirs: Decimal, asset: str, prices: Prices) -> float | None:
    """How far our sum is from theirs, as a part of theirs; None where it says nothing (they have nothing)."""
    if theirs <= 0:
        return None
    ours = ZERO
    for balances in wallets.values():
        for balance in balances:
            mirror = balance.mirror_of
            mirrored = mirror is not None and any(row.asset == mirror.asset for row in wallets.get(mirror.wallet, ()))
            price = None if mirrored else price_in((mirror or balance).asset, asset, prices)
            if price is not None:
                ours = DIVISION.add(ours, DIVISION.multiply(balance.total, price))
    return float(DIVISION.divide(abs(DIVISION.subtract(theirs, ours)), theirs))


class Reconciler:
    """Compares one account now and then. The metric is all that comes of it: no number is ever changed by it."""

    def __init__(self, account: AccountReader, prices: Prices) -> None:
        self._account = account
        self._prices = prices

    async def run(self) -> None:
        """Compare for ever, once everything was read."""
        reading = self._account.reading
        pacing = reading.settings.pacing
        while True:
            await asyncio.sleep(jittered(pacing.reconcile, pacing, reading.chance))
            await self._account.admitted.wait()
            conversation = reading.client.conversation(self._account.key)
            try:
                worth = await reading.exchange.read_worth(conversation.call)
            except ExchangeError:
                continue  # The wallets' own reads say what is wrong; here half an hour more does not matter.
            wallets = {name: loop.balances for name, loop in self._account.wallets.items()}
            whole = {name: balances for name, balances in wallets.items() if balances is not None}
            if worth is None or len(whole) < len(wallets):
                continue
            ratio = gap_ratio(whole, worth.amount, worth.asset, self._prices)
            if ratio is not None:
                reading.gap(self._account.name, ratio)
