"""Exact amounts: how they are read, calculated with and written. Money never touches binary floats.

The rule: an amount, written out, has at most 40 digits, at most 30 of them after the point. Everything else
(NaN, infinity, absurd exponents, thousands signs, digits of other scripts) is refused, never rounded.
"""

import re
from collections.abc import Iterable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

AMOUNT_DIGITS_MAX: Final = 40
"""Digits of an amount, written out. 40 holds the supply of any coin with 18 decimals, with room to spare."""

AMOUNT_DECIMALS_MAX: Final = 30
"""Digits after the point."""

AMOUNT_EXPONENT_MAX: Final = 30
"""An exponent outside ±30 is a mistake or an attack, not an amount."""

RATE_DIGITS: Final = 18
"""Significant digits of a price that was divided (inverse pairs), where exactness is not to be had."""

_PRECISION: Final = 60
_EXPONENT_BOUND: Final = 120

MONEY: Final = Context(
    prec=_PRECISION,
    rounding=ROUND_HALF_EVEN,
    Emin=-_EXPONENT_BOUND,
    Emax=_EXPONENT_BOUND,
    traps=[Inexact, InvalidOperation, Overflow, Underflow, DivisionByZero],
)
"""For sums and products: a result that would have to be rounded is an error, so a sum is exact or not there."""

DIVISION: Final = Context(
    prec=RATE_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-_EXPONENT_BOUND,
    Emax=_EXPONENT_BOUND,
    traps=[InvalidOperation, Overflow, DivisionByZero],
)
"""For the few places that must divide or shorten: rounds to 18 significant digits."""

_ROUNDING: Final = Context(
    prec=2 * _PRECISION,
    rounding=ROUND_HALF_EVEN,
    Emin=-_EXPONENT_BOUND,
    Emax=_EXPONENT_BOUND,
    traps=[InvalidOperation, Overflow, DivisionByZero],
)

VALUE_DECIMALS: Final = 18
"""Decimals of a value: the finest unit any coin uses, and far below what a cent is made of."""

_SMALLEST_VALUE: Final = Decimal(1).scaleb(-VALUE_DECIMALS)
_SMALLEST_PRICE: Final = Decimal(1).scaleb(-AMOUNT_DECIMALS_MAX)

ZERO: Final = Decimal(0)

_AMOUNT_PATTERN: Final = rf"^(0|[1-9][0-9]{{0,{AMOUNT_DIGITS_MAX - 1}}})(\.[0-9]{{1,{AMOUNT_DECIMALS_MAX}}})?$"
_SIGNED_PATTERN: Final = _AMOUNT_PATTERN.replace("^", "^-?", 1)
_TEXT: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?", re.ASCII)
_TEXT_LENGTH_MAX: Final = 128


class AmountError(ValueError):
    """A text or number that is not an amount by the rule above; the message says which part is wrong."""


def parse_amount(text: str) -> Decimal:
    """Read an amount as an exchange writes it: ASCII digits, a point, perhaps an exponent. Exact or AmountError.

    Zero has no sign (``-0.0`` is read as 0). Negative amounts are read; who may not have debt refuses them.
    """
    if len(text) > _TEXT_LENGTH_MAX:
        raise AmountError(f"an amount of {len(text)} characters is longer than {_TEXT_LENGTH_MAX}")
    if _TEXT.fullmatch(text) is None:
        raise AmountError(f"{text[:40]!r} is not a decimal number")
    return check_amount(Decimal(text))


def check_amount(amount: Decimal) -> Decimal:
    """Hand back an amount that keeps the rule (without the sign of a zero), or raise AmountError."""
    if not amount.is_finite():
        raise AmountError(f"{amount} is not an amount")
    if not amount:
        return ZERO
    if not -AMOUNT_DIGITS_MAX <= amount.adjusted() <= AMOUNT_DIGITS_MAX + AMOUNT_EXPONENT_MAX:
        raise AmountError(f"the exponent of {amount:.6E} is beyond ±{AMOUNT_EXPONENT_MAX}")
    exponent = int(amount.as_tuple().exponent)
    digits = len(amount.as_tuple().digits)
    if exponent < -AMOUNT_DECIMALS_MAX or digits > AMOUNT_DIGITS_MAX:
        # Trailing zeros are no digits of the amount: "0.5" with forty zeros behind it is still a half.
        amount = Decimal(_strip_zeros(format(amount, "f")))
        exponent = int(amount.as_tuple().exponent)
        digits = len(amount.as_tuple().digits)
    if abs(exponent) > AMOUNT_EXPONENT_MAX:
        raise AmountError(f"the exponent of {amount:.6E} is beyond ±{AMOUNT_EXPONENT_MAX}")
    if max(digits + max(exponent, 0), 1 - exponent) > AMOUNT_DIGITS_MAX:
        raise AmountError(f"an amount of more than {AMOUNT_DIGITS_MAX} digits cannot be kept exactly")
    return amount


def _strip_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_amount(amount: Decimal) -> str:
    """Write an amount in its one canonical form: plain digits, no exponent, no trailing zeros, no ``-0``."""
    if not amount:
        return "0"
    return _strip_zeros(format(amount, "f"))


def add(left: Decimal, right: Decimal) -> Decimal:
    """Sum, exact."""
    return MONEY.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Difference, exact."""
    return MONEY.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Product, exact. Where even 60 digits do not hold it, Inexact is raised."""
    return MONEY.multiply(left, right)


def invert(price: Decimal) -> Decimal:
    """``1 / price`` to 18 significant digits. The price must not be zero."""
    return shorten(DIVISION.divide(Decimal(1), price))


def shorten(price: Decimal) -> Decimal:
    """A price at 18 significant digits and 30 decimals at most, so that chains of prices stay within bounds."""
    short = DIVISION.plus(price)
    if int(short.as_tuple().exponent) < -AMOUNT_DECIMALS_MAX:
        short = _ROUNDING.quantize(short, _SMALLEST_PRICE)
    return short


def round_value(value: Decimal) -> Decimal:
    """A value at 18 decimals, so that sums of values are exact. AmountError where it is too large to be true."""
    if int(value.as_tuple().exponent) < -VALUE_DECIMALS:
        value = _ROUNDING.quantize(value, _SMALLEST_VALUE)
    if value.adjusted() >= AMOUNT_DIGITS_MAX - VALUE_DECIMALS:
        raise AmountError(f"a value of {value:.3E} is too large to be kept exactly")
    return value


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum; AmountError where 60 digits do not hold it."""
    total = ZERO
    try:
        for amount in amounts:
            total = MONEY.add(total, amount)
    except ArithmeticError as error:
        raise AmountError("a sum of so many digits cannot be kept exactly") from error
    return total


class _AmountField:
    """How an amount travels: in JSON a string in plain notation, in Python a Decimal. JSON numbers are refused.

    The pattern is checked by pydantic's compiled core, so a snapshot of thousands of amounts costs no Python call.
    """

    def __init__(self, *, signed: bool) -> None:
        self._pattern = _SIGNED_PATTERN if signed else _AMOUNT_PATTERN
        self._length_max = AMOUNT_DIGITS_MAX + (2 if signed else 1)
        self._signed = signed

    def _from_python(self, value: object) -> Decimal:
        if isinstance(value, str):
            amount = parse_amount(value)
        elif isinstance(value, Decimal):
            amount = check_amount(value)
        else:
            raise AmountError(f"an amount is a Decimal or a string, not {type(value).__name__}")
        if amount < 0 and not self._signed:
            raise AmountError(f"{amount} is negative")
        return amount

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self._pattern, max_length=self._length_max, strict=True)
        return core_schema.json_or_python_schema(
            # What has passed the pattern is a finite number: made by the type itself, in half the time of its schema.
            json_schema=core_schema.no_info_after_validator_function(Decimal, text),
            python_schema=core_schema.no_info_plain_validator_function(self._from_python),
            serialization=core_schema.plain_serializer_function_ser_schema(
                format_amount, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": self._pattern,
            "maxLength": self._length_max,
            "description": f"An exact decimal in plain notation, at most {AMOUNT_DIGITS_MAX} digits.",
        }


Amount = Annotated[Decimal, _AmountField(signed=False)]
"""An amount or a price: zero or more."""

SignedAmount = Annotated[Decimal, _AmountField(signed=True)]
"""A difference or a value that may be a debt."""
