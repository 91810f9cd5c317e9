"""Amounts: exact, or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas import amounts
from schemas.amounts import Amount, AmountError, SignedAmount
from tests import strategies as make

REFUSED = {
    "empty": "",
    "space": " ",
    "NaN": "NaN",
    "signalling NaN": "sNaN",
    "Infinity": "Infinity",
    "-inf": "-inf",
    "absurd exponent": "1e999",
    "exponent beyond": "1e31",
    "tiny exponent": "1e-31",
    "41 digits": "1" * 41,
    "31 decimals": "0." + "1" * 31,
    "40 digits and a decimal": "1" * 40 + ".1",
    "41 digits by exponent": "1" * 12 + "e29",
    "comma": "1,5",
    "thousands": "1,000.00",
    "underscore": "1_000",
    "Arabic digits": "٣",
    "full-width digits": "１２",
    "trailing point": "1.",
    "leading point": ".5",
    "plus": "+1",
    "two signs": "--1",
    "surrounding space": " 1 ",
    "newline": "1\n",
    "hex": "0x10",
    "a word": "free",
    "too long": "0" * 129,
    "four digits of exponent": "1e0001",
}

READ = {
    "0": "0",
    "-0": "0",
    "-0.0": "0",
    "0e25": "0",
    "0E-999": "0",
    "1.50": "1.5",
    "001": "1",
    "1e3": "1000",
    "1E-8": "0.00000001",
    "1e30": "1" + "0" * 30,
    "1e-30": "0." + "0" * 29 + "1",
    "-2.50": "-2.5",
    "0.5" + "0" * 60: "0.5",
    "0." + "1" * 30: "0." + "1" * 30,
    "9" * 40: "9" * 40,
    "1" + "0" * 39: "1" + "0" * 39,
}


class Row(BaseModel):
    amount: Amount = Decimal(0)
    signed: SignedAmount = Decimal(0)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_amount_is_refused(text: str):
    with pytest.raises(AmountError):
        amounts.parse_amount(text)


@pytest.mark.parametrize(("text", "written"), READ.items())
def test_an_amount_is_read_exactly_and_written_in_one_form(text: str, written: str):
    amount = amounts.parse_amount(text)
    assert Fraction(amount) == Fraction(text)
    assert amounts.format_amount(amount) == written


@given(make.signed_amounts())
@settings(max_examples=200, deadline=None)
def test_what_was_written_is_read_back(amount: Decimal):
    text = amounts.format_amount(amount)
    assert amounts.parse_amount(text) == amount
    assert amounts.format_amount(amounts.parse_amount(text)) == text
    assert "e" not in text.lower()
    assert text == "0" or not text.startswith("-0.0" if "." not in text else "--")


@given(st.text(st.sampled_from("0123456789.eE+-_, N"), max_size=50))
@settings(max_examples=200, deadline=None)
def test_reading_is_exact_or_refused(text: str):
    try:
        amount = amounts.parse_amount(text)
    except AmountError:
        return
    assert Fraction(amount) == Fraction(text)
    assert len(amounts.format_amount(abs(amount)).replace(".", "").lstrip("0")) <= amounts.AMOUNT_DIGITS_MAX


@given(st.decimals())
@settings(max_examples=200, deadline=None)
def test_what_the_rule_lets_through_travels(amount: Decimal):
    try:
        checked = amounts.check_amount(amount)
    except AmountError:
        return
    assert checked == amount
    row = Row(signed=checked)
    assert Row.model_validate_json(row.model_dump_json()) == row


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_a_decimal_that_is_no_number_is_refused(amount: Decimal):
    with pytest.raises(AmountError):
        amounts.check_amount(amount)


@pytest.mark.parametrize("value", [1, 1.5, True, None, b"1", ["1"]])
def test_only_decimals_and_texts_are_amounts(value: object):
    with pytest.raises(ValidationError):
        Row.model_validate({"amount": value})


@pytest.mark.parametrize(
    "text", ["1", "0.5", '"-1"', '"1e3"', '"01"', '"1."', '".5"', '""', '"NaN"', '"-0"', "null", "true"]
)
def test_on_the_wire_an_amount_is_a_plain_text(text: str):
    with pytest.raises(ValidationError):
        Row.model_validate_json(f'{{"amount": {text}}}')


def test_a_debt_is_for_signed_amounts_alone():
    assert Row.model_validate_json('{"signed": "-1.5"}').signed == Decimal("-1.5")
    with pytest.raises(ValidationError, match="negative"):
        Row(amount=Decimal("-0.1"))


def test_a_zero_with_a_sign_loses_it():
    assert Row(amount=Decimal("-0.0")).model_dump_json() == '{"amount":"0","signed":"0"}'
    assert Row.model_validate_json('{"signed": "-0.00"}').model_dump_json() == '{"amount":"0","signed":"0"}'


@given(st.lists(make.signed_amounts(), max_size=8))
@settings(max_examples=200, deadline=None)
def test_a_sum_is_exact_or_refused(parts: list[Decimal]):
    try:
        total = amounts.total_of(parts)
    except AmountError:
        return
    assert Fraction(total) == sum(map(Fraction, parts))


def test_a_sum_of_too_many_digits_is_refused():
    with pytest.raises(AmountError, match="exactly"):
        amounts.total_of([Decimal("1e39"), Decimal("1e-30")])


@given(make.amounts(digits_max=30), make.amounts(digits_max=30))
@settings(max_examples=200, deadline=None)
def test_products_and_differences_are_exact(left: Decimal, right: Decimal):
    assert Fraction(amounts.multiply(left, right)) == Fraction(left) * Fraction(right)
    assert Fraction(amounts.subtract(left, right)) == Fraction(left) - Fraction(right)
    assert Fraction(amounts.add(left, right)) == Fraction(left) + Fraction(right)


@given(make.amounts().filter(bool))
@settings(max_examples=200, deadline=None)
def test_an_inverse_price_has_18_digits_and_at_most_30_decimals(price: Decimal):
    inverse = amounts.invert(price)
    assert len(inverse.as_tuple().digits) <= amounts.RATE_DIGITS
    assert int(inverse.as_tuple().exponent) >= -amounts.AMOUNT_DECIMALS_MAX
    error = abs(Fraction(inverse) - 1 / Fraction(price))
    assert error <= max(1 / Fraction(price) / 10 ** (amounts.RATE_DIGITS - 1), Fraction(1, 10**30))


@given(st.decimals(min_value=Decimal("-1e21"), max_value=Decimal("1e21"), allow_nan=False, places=30))
@settings(max_examples=200, deadline=None)
def test_a_value_has_18_decimals(value: Decimal):
    rounded = amounts.round_value(value)
    assert abs(Fraction(rounded) - Fraction(value)) <= Fraction(1, 2 * 10**amounts.VALUE_DECIMALS)
    assert amounts.check_amount(rounded) == rounded


def test_a_value_too_large_to_be_true_is_refused():
    with pytest.raises(AmountError, match="too large"):
        amounts.round_value(Decimal("1e22"))
