"""The types that events are made of, beside amounts: names, assets, times, versions."""

import datetime as dt
import re
from typing import Annotated, Any, Final

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

LABEL_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
ASSET_LENGTH_MAX: Final = 64
TEXT_LENGTH_MAX: Final = 500

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND: Final = dt.timedelta(milliseconds=1)

Label = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, strict=True)]
"""The name of a portfolio, an exchange, an account or a wallet: what we or the settings name."""

_NO_TEXT: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
"""Control characters and line separators: in no coin's name, and able to forge a line or steer a terminal."""

Asset = Annotated[str, StringConstraints(pattern=rf"^[^{_NO_TEXT}]{{1,{ASSET_LENGTH_MAX}}}$", strict=True)]
"""The code of an asset, as the exchange writes it: any script, no control characters. Hostile text to a page."""

Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX, strict=True)]
"""A sentence for people. Longer ones are cut by who writes them."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$", strict=True)]
"""An id that somebody made up, such as a command's."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$", strict=True)]
"""A word of an open vocabulary: writers use the ones of their version, readers let pass what they do not know."""

Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
"""A number that only counts: it fits a JavaScript number."""

Seconds = Annotated[float, Field(ge=0, le=86_400 * 366, allow_inf_nan=False, strict=True)]
"""A duration."""


class _UtcField:
    """A moment: in JSON an RFC 3339 text in UTC with a Z, in Python an aware datetime. Numbers are refused."""

    _PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"

    @staticmethod
    def _from_python(value: object) -> dt.datetime:
        if isinstance(value, str) and re.fullmatch(_UtcField._PATTERN, value):
            value = dt.datetime.fromisoformat(value)
        if not isinstance(value, dt.datetime) or value.utcoffset() is None:
            raise ValueError("a time is an aware datetime or an RFC 3339 text in UTC")
        # Cut here, not on the way out, so that an event is the same before and after the bus.
        return from_milliseconds(milliseconds(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self._PATTERN, strict=True)
        return core_schema.json_or_python_schema(
            # In half the time of its own schema, and with the standard library's UTC, which is quicker to reckon with.
            json_schema=core_schema.no_info_after_validator_function(dt.datetime.fromisoformat, text),
            python_schema=core_schema.no_info_plain_validator_function(self._from_python),
            serialization=core_schema.plain_serializer_function_ser_schema(
                format_utc, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": self._PATTERN}


Utc = Annotated[dt.datetime, _UtcField()]
"""A moment in UTC, to the millisecond."""


def format_utc(moment: dt.datetime) -> str:
    """RFC 3339 in UTC, to the millisecond: ``2026-11-22T10:00:00.000Z``."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: dt.datetime) -> int:
    """A moment as whole milliseconds since 1970, what is below a millisecond cut off, as :func:`format_utc` cuts it."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> dt.datetime:
    """The moment that many milliseconds after 1970 began, in UTC; ValueError where the calendar has none."""
    try:
        return _EPOCH + value * _MILLISECOND
    except OverflowError as error:
        raise ValueError("so many milliseconds after 1970 are beyond the calendar") from error
