"""Money as Decimal: reading it, adding it exactly, and writing it the ways exchanges do."""

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

# Python's default context rounds at 28 digits; 18 decimals under a large whole part need more.
# The traps are named, since a program around us may trap Inexact in every new context.
EXACT: Final = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])
LARGEST: Final = Decimal(10) ** 30
MOST_DECIMALS: Final = 30
ZERO: Final = Decimal(0)


def read(value: object, *, name: str, places: int = MOST_DECIMALS) -> Decimal:
    """Read a non-negative amount or price from a string, an integer or a Decimal.

    Raises ValueError, naming the thing and the mend, for floats, negative or non-finite numbers, and more
    than `places` decimals (rounding would change the truth a test compares with).
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        message = f"{name} is {value!r}: give a string such as '1.5', not a {type(value).__name__}."
        raise ValueError(message)  # noqa: TRY004 - told to the caller as a wrong value
    try:
        number = Decimal(value)
    except InvalidOperation:
        message = f"{name} is {value!r}, which is not a number: give a string such as '1.5'."
        raise ValueError(message) from None
    if not number.is_finite() or number.is_signed() or number > LARGEST:
        message = f"{name} is {value!r}: give a number from 0 to 1e30."
        raise ValueError(message)
    if decimals(number) > MOST_DECIMALS or decimals(Decimal(plain(number))) > places:
        message = f"{name} is {value!r}: give at most {places} decimals."
        raise ValueError(message)
    return number


def decimals(number: Decimal) -> int:
    """Return how many decimals a finite number is written with."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def add(*values: Decimal) -> Decimal:
    """Add without rounding."""
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def padded(value: Decimal, places: int = 8) -> str:
    """Write with exactly `places` decimals, as Binance's spot account does."""
    return f"{value:.{places}f}"


def plain(value: Decimal) -> str:
    """Write without exponent and without trailing zeros, as wallets and BTCTurk do."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
