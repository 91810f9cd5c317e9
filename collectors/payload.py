"""What the payload models of all exchanges are made of: tolerant of new fields, exact about the ones that count."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, TypeAdapter, ValidationError

from collectors.errors import UnreadableError
from schemas.amounts import ZERO, AmountError, check_amount, parse_amount

MEND: Final = "If it stays, the exchange changed its answers and an update is needed; what was read before stays shown."

_ZEROS: Final = frozenset({"0", "0.0", "0.00000000"})
"""How exchanges write nothing. Most rows of most wallets are nothing, so these are not parsed each time."""


_PLAIN: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,18})?", re.ASCII)
"""Such a text is an amount by the contract's rule whatever its digits are, so nothing more has to be looked at."""


class Payload(BaseModel):
    """A part of an exchange's answer under its own names. Fields we do not use may come, go and change."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def read_amount(value: object) -> Decimal:
    """An amount as an exchange wrote it, in a string or as a JSON number. AmountError where it is none, or negative."""
    if isinstance(value, str):
        if value in _ZEROS:
            return ZERO
        if _PLAIN.fullmatch(value):
            return Decimal(value) or ZERO
        amount = parse_amount(value)
    elif isinstance(value, Decimal):
        amount = check_amount(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        amount = check_amount(Decimal(value))
    else:
        raise AmountError("an amount is a string or a number")
    if amount < 0:
        raise AmountError("an amount is negative")
    return amount


ExchangeAmount = Annotated[Decimal, PlainValidator(read_amount)]
"""A field that :func:`read_amount` reads."""

_T = TypeVar("_T")


def read_payload(adapter: TypeAdapter[_T], payload: object, *, what: str) -> _T:
    """The payload as its model, or UnreadableError that names ``what`` was read and the first field that is wrong."""
    try:
        return adapter.validate_python(payload)
    except ValidationError as error:
        # Where and why, never the input itself.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        said = f"{what}: {_path(first['loc'])} is not what is documented ({first['type']})."
        raise UnreadableError(said, MEND) from None


def _path(location: tuple[Any, ...]) -> str:
    # Names of unknown keys come from outside and may be of any length.
    return ".".join(str(part)[:40] for part in location[:6]) or "the answer"
