"""The names the simulator knows, and the one error for a name it does not."""

from collections.abc import Iterable
from typing import Final

BINANCE: Final = "binance"
BTCTURK: Final = "btcturk"
EXCHANGES: Final = (BINANCE, BTCTURK)

SPOT: Final = "spot"
FUNDING: Final = "funding"
EARN_FLEXIBLE: Final = "earn-flexible"
EARN_LOCKED: Final = "earn-locked"
WALLETS: Final = {BINANCE: (SPOT, FUNDING, EARN_FLEXIBLE, EARN_LOCKED), BTCTURK: (SPOT,)}


class UnknownNameError(LookupError):
    """A name nobody knows; the message lists the known ones."""

    def __init__(self, what: str, name: str, known: Iterable[object]) -> None:
        """Say which kind of name is unknown and list the `known` ones."""
        listed = ", ".join(sorted(str(one) for one in known)) or "none"
        super().__init__(f"There is no {what} named {name!r}. Known: {listed}.")
