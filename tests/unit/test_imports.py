"""The table of who may import whom, held by reading the source: no import runs."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = {"aggregator", "api", "bus", "cli", "collectors", "monitoring", "schemas", "simulator"}
OURS = {*PRODUCT, "localkafka"}

PURE_AGGREGATOR = {"subscriptions"}
"""Modules of the aggregator that are not pure: everything else there is."""

FORBIDDEN_TO_PURE = {"asyncio", "structlog", "time", "logging", "random", "socket", "os", "threading", "aiohttp"}

EXCHANGES = {"binance", "btcturk"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, relative ones resolved."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def outside(path: Path) -> set[str]:
    return {name for name in tops(path) if name not in OURS and name not in sys.stdlib_module_names}


RULES = [
    # package, may import of ours, may import from outside
    ("schemas", {"schemas"}, {"pydantic", "pydantic_core", "orjson"}),
    ("bus", {"bus", "schemas", "monitoring"}, {"faststream", "aiokafka"}),
    ("monitoring", {"monitoring"}, {"prometheus_client", "structlog", "aiohttp"}),
    ("collectors", {"collectors", "schemas", "bus", "monitoring"}, {"aiohttp", "yarl", "pydantic"}),
    ("aggregator", {"aggregator", "schemas", "bus", "monitoring"}, {"orjson"}),
    (
        "api",
        {"api", "schemas", "bus", "monitoring"},
        {"aiohttp", "aiohttp_sse", "pydantic", "orjson", "prometheus_client"},
    ),
    ("simulator", {"simulator"}, {"aiohttp"}),
    ("localkafka", {"localkafka"}, set()),
]


@pytest.mark.parametrize(("package", "ours", "others"), RULES, ids=[rule[0] for rule in RULES])
def test_a_package_imports_only_what_its_row_allows(package: str, ours: set[str], others: set[str]) -> None:
    assert sources(package)
    for path in sources(package):
        assert tops(path) & OURS <= ours, path
        assert outside(path) <= others, path


def test_aiohttp_in_monitoring_stands_in_the_server_alone() -> None:
    users = {path.name for path in sources("monitoring") if "aiohttp" in tops(path)}
    assert users <= {"server.py"}


def test_faststream_and_aiokafka_stand_in_the_bus_alone() -> None:
    for package in OURS - {"bus"}:
        for path in sources(package):
            assert not tops(path) & {"faststream", "aiokafka"}, path


def test_the_pure_part_of_the_aggregator_knows_no_clock_and_no_loop() -> None:
    for path in sources("aggregator"):
        if path.stem in PURE_AGGREGATOR | {"__init__"}:
            continue
        assert not tops(path) & FORBIDDEN_TO_PURE, path
        assert tops(path) & OURS <= {"aggregator", "schemas"}, path
        assert not outside(path), path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.AsyncFunctionDef), path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"utcnow", "today"}, path
                assert not (node.attr == "now" and ast.unparse(node.value).endswith("datetime")), path


def test_an_exchange_module_knows_the_base_and_no_other_exchange() -> None:
    for exchange in EXCHANGES:
        for path in [*sources(f"collectors/{exchange}"), *ROOT.glob(f"collectors/{exchange}.py")]:
            assert outside(path) <= {"pydantic"}, path
            for name in imports(path):
                for other in EXCHANGES - {exchange}:
                    assert not name.startswith(f"collectors.{other}"), path


def test_the_base_of_the_collectors_imports_no_exchange_but_in_the_registry() -> None:
    for path in sources("collectors"):
        if path.stem == "registry" or any(exchange in path.parts for exchange in EXCHANGES):
            continue
        for name in imports(path):
            assert not any(name.startswith(f"collectors.{exchange}") for exchange in EXCHANGES), path


def test_an_exchange_is_named_in_its_module_the_registry_and_the_simulator_alone() -> None:
    pattern = re.compile("|".join(EXCHANGES), re.IGNORECASE)
    for package in OURS - {"simulator"}:
        for path in sources(package):
            relative = path.relative_to(ROOT)
            if any(exchange in relative.parts or relative.stem == exchange for exchange in EXCHANGES):
                continue
            if relative.as_posix() in {"collectors/registry.py", "cli/simulate.py"}:
                continue
            assert not pattern.search(path.read_text(encoding="utf-8")), f"{relative} names an exchange"


def test_only_the_command_line_reads_the_environment() -> None:
    for package in PRODUCT - {"cli"}:
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = {getattr(node, "attr", None), getattr(node, "id", None)}
                names |= {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
                assert not names & {"environ", "environb", "getenv", "getenvb"}, path


def test_the_examples_use_none_of_our_code() -> None:
    assert sources("examples")
    for path in sources("examples"):
        assert not tops(path) & (OURS | {"localkafka", "tests", "benchmarks"}), path
        assert outside(path) <= {"aiokafka"}, path


def test_nobody_but_the_command_line_and_tests_uses_the_simulator() -> None:
    for package in OURS - {"cli", "simulator"}:
        for path in sources(package):
            assert "simulator" not in tops(path), path


def test_no_part_of_the_product_uses_the_kafka_of_tests() -> None:
    for package in PRODUCT:
        for path in sources(package):
            assert "localkafka" not in tops(path), path
