"""Which asset a code means: an asset is (exchange, code), mapped to one identity here and nowhere else."""

from typing import Final

DISPLAY_CURRENCIES: Final = ("TRY", "EUR", "BTC")
"""What a total is also shown in, beside USD."""

BRIDGES: Final = ("USDT", "BTC", "TRY", "EUR")
"""Assets that a price may pass through on its way to USD: the quotes that both exchanges trade against."""

ALWAYS_WANTED: Final = BRIDGES
"""Quoted whether held or not: the display rates and the bridges need them."""

USD: Final = "USD"

IDENTITIES: Final[dict[tuple[str, str], str]] = {}
"""Codes that do not mean on one exchange what they mean elsewhere: ``(exchange, code) -> identity``.

An identity of its own is written ``CODE@exchange`` by convention. Empty as long as no such pair is known of the
exchanges we read; a code that is not here is its own identity.
"""


def identity_of(exchange: str, code: str) -> str:
    """The asset that an exchange's code means."""
    return IDENTITIES.get((exchange, code), code)
