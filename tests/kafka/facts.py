"""More facts to publish."""

import datetime as dt
from decimal import Decimal

from schemas.encoding import Encoded, encode
from schemas.events import PriceQuote
from schemas.fields import milliseconds
from tests.contract.bus.tools import NOW


def price(base: str, seconds: int = 0) -> Encoded:
    at = NOW + dt.timedelta(seconds=seconds)
    return encode(
        PriceQuote(
            epoch=0,
            seq=milliseconds(at),
            published_at=at,
            exchange="binance",
            base=base,
            quote="USDT",
            price=Decimal(1),
            priced_at=at,
        )
    )
