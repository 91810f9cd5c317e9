"""The bodies of control calls: each is read whole, or refused with a sentence that names the thing and the mend."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from simulator.amounts import read
from simulator.config import Holding
from simulator.faults import FAULT_FIELDS, Fault
from simulator.world import PLACES

PARTS: Final = ("free", "locked", "freeze", "withdrawing")
MOST_ROWS: Final = 2000


def holdings(body: Mapping[str, object], exchange: str) -> dict[str, Holding]:
    """Read {"BTC": {"free": "1", "locked": "0"}}; `locked`, `freeze` and `withdrawing` may be left out."""
    if len(body) > MOST_ROWS:
        message = f"{len(body)} assets are too many: give at most {MOST_ROWS}."
        raise ValueError(message)
    places = PLACES.get(exchange, 0)
    return {asset: _holding(asset, row, places) for asset, row in body.items()}


def _holding(asset: str, row: object, places: int) -> Holding:
    if not isinstance(row, dict) or "free" not in row:
        message = f'{asset} is not a row: give {{"free": "1", "locked": "0"}}.'
        raise ValueError(message)
    _only(row, PARTS, asset)
    return Holding(*(read(row.get(part, "0"), name=f"{asset} {part}", places=places) for part in PARTS))


def prices(body: Mapping[str, object]) -> dict[str, tuple[Decimal, Decimal | None]]:
    """Read {"BTCUSDT": "82500.1"} or {"BTCUSDT": {"last": "82500.1", "open": "80000"}}."""
    return {symbol: _price(symbol, row) for symbol, row in body.items()}


def _price(symbol: str, row: object) -> tuple[Decimal, Decimal | None]:
    if not isinstance(row, dict):
        return read(row, name=f"{symbol} last"), None
    _only(row, ("last", "open"), symbol)
    if "last" not in row:
        message = f'{symbol} has no "last": give {{"last": "82500.1", "open": "80000"}}.'
        raise ValueError(message)
    open_ = row.get("open")
    return read(row["last"], name=f"{symbol} last"), None if open_ is None else read(open_, name=f"{symbol} open")


def fault(body: Mapping[str, object]) -> Fault:
    """Read a fault: {"exchange": "binance", "kind": "slow", "seconds": 2}."""
    _only(body, FAULT_FIELDS, "The fault")
    missing = [name for name in ("exchange", "kind") if not isinstance(body.get(name), str)]
    if missing:
        message = f"The fault has no {' and no '.join(missing)}: give both as strings."
        raise ValueError(message)
    values = {name: float(value) if isinstance(value, Decimal) else value for name, value in body.items()}
    return Fault(**values)  # type: ignore[arg-type]  # Fault checks every type itself


def whole(body: Mapping[str, object], name: str) -> int:
    """Read {name: 12}."""
    _only(body, (name,), "The body")
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        message = f'{name} is {value!r}: give a whole number, such as {{"{name}": 1500}}.'
        raise ValueError(message)  # noqa: TRY004 - told to the caller as a 400
    return value


def switch(body: Mapping[str, object], name: str) -> bool:
    """Read {name: true}."""
    _only(body, (name,), "The body")
    value = body.get(name)
    if not isinstance(value, bool):
        message = f'{name} is {value!r}: give true or false, such as {{"{name}": true}}.'
        raise ValueError(message)  # noqa: TRY004 - told to the caller as a 400
    return value


def flags(body: Mapping[str, object]) -> dict[str, bool]:
    """Read {"enableWithdrawals": true}."""
    return {name: switch({name: value}, name) for name, value in body.items()}


def _only(given: Mapping[str, object], known: tuple[str, ...], what: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        message = f"{what} has the unknown field {unknown[0]!r}: known are {', '.join(known)}."
        raise ValueError(message)
