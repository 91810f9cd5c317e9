"""Exchange bodies as Python values: exact numbers, and nothing that two readers could understand differently."""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

from collectors.errors import UnreadableError

MEND: Final = "Nothing to do if it passes; if it stays, the exchange changed its answers and an update is needed."


class _AmbiguousError(ValueError):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _AmbiguousError(f"{name} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _AmbiguousError("a name stands twice in one object")
    return made


def parse_json(body: bytes, *, source: str) -> object:
    """Read a whole body. ``source`` is who sent it, for the message; UnreadableError for anything but strict JSON.

    Fractions become Decimal, whole numbers int. Refused beside bad syntax: text that is not UTF-8, NaN and Infinity,
    a name twice in one object, nesting beyond the interpreter's limit, numbers too long to be amounts.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise UnreadableError(f"{source} answered with bytes that are no text.", MEND) from None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError:
        raise UnreadableError(f"{source} answered with {_kind_of(text)} instead of JSON.", MEND) from None
    except _AmbiguousError as error:
        raise UnreadableError(f"{source} answered with JSON that is not to be trusted: {error}.", MEND) from None
    except (ValueError, ArithmeticError):
        raise UnreadableError(f"{source} answered with a number that is too long.", MEND) from None
    except RecursionError:
        raise UnreadableError(f"{source} answered with JSON that is nested too deeply.", MEND) from None


def _kind_of(text: str) -> str:
    start = text[:256].lstrip().lower()
    if not start:
        return "nothing"
    if start.startswith(("<!doctype", "<html")):
        return "a web page"
    return "a cut text" if start[0] in "{[" else "a text"
