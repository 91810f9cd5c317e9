"""The demo on a Kafka of its own ends with its broker, and with a sentence."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from localkafka import BrokerError
from localkafka.demo import _until_end


def program(text: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", text])  # noqa: S603 - our own words


def test_when_its_broker_has_died_the_product_is_ended_with_a_sentence() -> None:
    product = program("import time; time.sleep(60)")
    gone: Any = SimpleNamespace(pid=None)
    with pytest.raises(BrokerError, match="own Kafka has died, so the demo ends"):
        _until_end(product, gone)
    assert product.poll() is not None


def test_while_the_broker_lives_the_products_own_end_counts() -> None:
    alive: Any = SimpleNamespace(pid=1)
    assert _until_end(program("raise SystemExit(3)"), alive) == 3
