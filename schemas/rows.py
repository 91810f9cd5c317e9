"""Snapshots read row by row: a row that was read before, byte for byte, is not read again.

From one snapshot of a wallet to the next few rows change, and mostly none, while rows are what a snapshot costs. So
the rows of a record are told apart without being parsed, and each is looked up by its bytes. What comes out is what
:class:`schemas.events.BalanceSnapshot` makes of the whole record (a property test holds it to that); whatever does not
look as we write it, or is not in order, is left to that.
"""

import sys
from typing import Final

from pydantic import TypeAdapter, ValidationError

from schemas.amounts import MONEY, ZERO
from schemas.events import BALANCES_MAX, Balance, BalanceSnapshot

ROWS_KNOWN_MAX: Final = 16_384
"""Rows remembered, some 14 MB at most: the wallets of 300 people, or of one desk. Beyond it rows are read anew."""

_OPENS: Final = b',"balances":[{'
_CLOSES: Final = b"}]}"
_BETWEEN: Final = b"},{"
_EMPTY: Final = b',"balances":[]}'

_read_head: Final = BalanceSnapshot.__pydantic_validator__.validate_json
_read_row: Final = Balance.__pydantic_validator__.validate_json
_read_rows: Final = TypeAdapter(list[Balance]).validator.validate_json


class KnownRows:
    """Rows by their bytes. The older half is forgotten when the newer one is full, but for what was used since."""

    def __init__(self, rows_max: int = ROWS_KNOWN_MAX) -> None:
        self._half = rows_max // 2
        self._new: dict[bytes, Balance] = {}
        self._old: dict[bytes, Balance] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def snapshot(self, value: bytes) -> BalanceSnapshot | None:
        """Read a record; None where it has to be read as a whole, be it only to say what is wrong with it.

        Cutting between ``}`` and ``{`` may cut within a text. But where every piece is a whole JSON object by itself,
        no cut was within one: a parser that comes to the end of the object stands at the cut, outside of any text.
        The same holds of the head, which is read with no rows behind it.
        """
        head, found, rows = value.partition(_OPENS)
        if not found or not rows.endswith(_CLOSES):
            return None
        pieces = rows[: -len(_CLOSES)].split(_BETWEEN)
        if len(pieces) > BALANCES_MAX:
            return None
        balances = list(map(self._new.get, pieces))
        try:
            event: BalanceSnapshot = _read_head(head + _EMPTY)
            if not all(balances):
                self._read(pieces, balances)
        except (ValidationError, ArithmeticError):
            return None
        if len({balance.asset for balance in balances if balance is not None}) != len(balances):
            return None
        # The event is nobody's yet. It is frozen for all who get it, and its rows have just been checked.
        event.__dict__["balances"] = tuple(balances)
        return event

    def _read(self, pieces: list[bytes], balances: list[Balance | None]) -> None:
        """Put in what is missing. ValidationError, ArithmeticError where a piece is no row in order."""
        new, old, add = self._new, self._old, MONEY.add
        missing = [place for place, balance in enumerate(balances) if balance is None]
        if old:
            for place in missing:
                balances[place] = balance = old.pop(pieces[place], None)
                if balance is not None:
                    new[pieces[place]] = balance
            missing = [place for place in missing if balances[place] is None]
        unknown = [pieces[place] for place in missing]
        for place, piece, balance in zip(missing, unknown, _rows_of(unknown), strict=True):
            if add(balance.free, balance.locked) != balance.total:
                raise ArithmeticError
            balances[place] = new[piece] = _slim(balance)
        if len(self._new) >= self._half:
            self._old, self._new = self._new, {}


def _slim(balance: Balance) -> Balance:
    """A row that nobody has seen yet, with one object for what is equal: most have nothing locked."""
    fields = balance.__dict__
    fields["asset"] = sys.intern(balance.asset)
    if not balance.locked:
        fields["locked"] = ZERO
    if balance.free == balance.total:
        fields["free"] = balance.total
    return balance


def _rows_of(pieces: list[bytes]) -> list[Balance]:
    """Read pieces, each a row without its braces. One that holds braces of its own is read by itself.

    Of the others as many rows must come out as braces were put in: then none of those fell into a text.
    """
    text = _BETWEEN.join(pieces)
    if text.count(b"{") != len(pieces) - 1 or text.count(b"}") != len(pieces) - 1:
        return [_read_row(b"{%b}" % piece) for piece in pieces]
    found: list[Balance] = _read_rows(b"[{%b}]" % text)
    if len(found) != len(pieces):
        raise ArithmeticError
    return found
