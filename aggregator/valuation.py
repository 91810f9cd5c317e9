"""Valuing the rows that were marked. Pure.

Values are whole numbers of the smallest unit, 10^-18 dollars: each is rounded once, from amount times price, and every
sum after that is exact by itself. They become decimals again where they are written.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, Overflow
from typing import Final

from aggregator.holdings import Row
from aggregator.portfolio import Portfolio
from schemas.amounts import AMOUNT_DECIMALS_MAX, AMOUNT_DIGITS_MAX, MONEY, VALUE_DECIMALS, format_amount
from schemas.state_encoding import holding_amounts, holding_value

HOLDING_VALUE_MAX: Final = 10 ** (16 + VALUE_DECIMALS)
"""Ten quadrillion dollars, twenty times the wealth of the world.

What is worth more has a wrong amount or a wrong price, and counts as unpriced. And a million rows below it still sum up
to an amount of 40 digits.
"""

PERCENT_DECIMALS: Final = 4
"""Decimals of a change in percent: far more than anybody shows."""

_WHOLE: Final = Context(prec=200, rounding=ROUND_HALF_EVEN, Emin=-300, Emax=300, traps=[InvalidOperation, Overflow])
_LARGEST_AMOUNT: Final = Decimal(10**AMOUNT_DIGITS_MAX - 1)
_PERCENT_UNITS: Final = 100 * 10**PERCENT_DECIMALS
_SURELY_FITS: Final = AMOUNT_DECIMALS_MAX + 2
"""Characters of a sum that has neither too many digits nor too many decimals, whatever it is."""


def value_of(amount: Decimal, price_units: Decimal | None) -> int | None:
    """Amount times price in smallest units, rounded half to even; None without a price, or where it is absurd."""
    if price_units is None:
        return None
    value = int(_WHOLE.to_integral_value(MONEY.multiply(amount, price_units)))
    return value if value < HOLDING_VALUE_MAX else None


def percent_of(change: int, base: int) -> Decimal | None:
    """A change in percent of what it started from, rounded half to even; None where that was nothing."""
    if not base:
        return None
    units, rest = divmod(change * _PERCENT_UNITS, base)
    if 2 * rest > base or (2 * rest == base and units % 2):
        units += 1
    return _WHOLE.scaleb(Decimal(units), -PERCENT_DECIMALS)


def fit_amount(amount: Decimal) -> str:
    """A sum of amounts, as an amount is written.

    The sum of 10^39 of a coin and 10^-30 of it is exact here and has 70 digits; the contract has room for 40. Only
    such sums, which no exchange ever holds, lose their last digits, or stand at the largest number there is.
    """
    text = format_amount(amount)
    if len(text) <= _SURELY_FITS:
        return text
    if amount > _LARGEST_AMOUNT:
        return format_amount(_LARGEST_AMOUNT)
    decimals = min(AMOUNT_DECIMALS_MAX, AMOUNT_DIGITS_MAX - max(amount.adjusted() + 1, 1))
    if -int(amount.as_tuple().exponent) > decimals:
        amount = min(_WHOLE.quantize(amount, Decimal(1).scaleb(-decimals)), _LARGEST_AMOUNT)
    return format_amount(amount)


def value_rows(portfolio: Portfolio, rows_max: int) -> int:
    """Value so many of the marked rows at most; how many it were. Whatever is left stays marked."""
    dirty = portfolio.dirty_rows
    count = min(len(dirty), rows_max)
    for _ in range(count):
        _value(portfolio, dirty.pop())
    if not dirty:
        dirty.clear()  # An emptied set keeps its table; after the start that is a tenth of all memory.
    return count


def _value(portfolio: Portfolio, row: Row) -> None:
    pricing = row.position.pricing
    value = value_of(row.total, pricing.units)
    ago = None if value is None else value_of(row.total, pricing.ago_units)
    portfolio.set_value(row, value, ago)
    if row.prefix:
        amounts = row.text[: row.prefix]
    else:
        amounts = _amounts_of(row)
        row.prefix = len(amounts)
    row.text = amounts + (pricing.holding_text + holding_value(value, ago, counted=row.counted)).encode()


def _amounts_of(row: Row) -> bytes:
    total = format_amount(row.total)
    if row.locked:
        amounts = format_amount(MONEY.subtract(row.total, row.locked)), format_amount(row.locked), total
    else:
        amounts = total, "0", total
    assets = row.position.sum
    code = None if assets.asset == row.code else row.code
    return holding_amounts(assets.text, code, row.wallet.name, amounts, row.mirror).encode()
