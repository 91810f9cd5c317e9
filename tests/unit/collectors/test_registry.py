"""Every exchange package is in the registry under its own name, and says all that the settings need."""

from pathlib import Path

import collectors
from collectors.registry import EXCHANGES


def test_the_registry_lists_every_exchange() -> None:
    folder = Path(collectors.__file__).parent
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(EXCHANGES)
    for name, exchange in EXCHANGES.items():
        assert exchange.spec.name == exchange().name == name


def test_every_exchange_has_what_the_base_needs() -> None:
    for made in EXCHANGES.values():
        exchange = made()
        assert "spot" in exchange.wallets
        assert {url.suffix for url in exchange.spec.urls} >= {"REST_URL"}
        budgets = {rule.name for rule in exchange.budgets}
        package = __import__(f"collectors.{exchange.name}.endpoints", fromlist=["*"])
        for endpoint in vars(package).values():
            if type(endpoint).__name__ == "Endpoint":
                assert endpoint.budget in budgets


def test_every_exchange_has_the_same_parts() -> None:
    folder = Path(collectors.__file__).parent
    for name in EXCHANGES:
        parts = {path.stem for path in (folder / name).glob("*.py")}
        assert parts == {"__init__", "endpoints", "payloads", "sign", "parse", "errors", "exchange"}
