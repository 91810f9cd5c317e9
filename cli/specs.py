"""The exchanges as the settings see them, from the registry."""

from collectors.registry import EXCHANGES
from collectors.spec import ExchangeSpec


def specs() -> list[ExchangeSpec]:
    """One entry per registered exchange, in the registry's order."""
    return [exchange.spec for exchange in EXCHANGES.values()]
