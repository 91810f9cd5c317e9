"""Signatures against published vectors, the allow-lists, and that nothing here can order, withdraw or transfer."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from pydantic import SecretStr

import collectors
from collectors.binance import sign as binance
from collectors.binance.exchange import Binance
from collectors.btcturk import sign as btcturk
from collectors.btcturk.exchange import Btcturk
from collectors.client import Client, NotAReadError
from collectors.exchange import Endpoint, Request
from collectors.registry import EXCHANGES

# Published examples: rest-api.md and CHANGELOG.md of binance-spot-api-docs.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
BTCTURK_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_binance_signs_as_published(symbol: str, signature: str) -> None:
    assert binance.signature(SECRET, f"symbol={symbol}{ORDER}") == signature


def test_binance_signs_exactly_what_is_sent() -> None:
    credentials = {"API_KEY": SecretStr("k"), "API_SECRET": SecretStr(SECRET)}
    request = Request(Endpoint("GET", "/x", "api"), (("symbols", '["币安人生USDT","A"]'),))
    wire = binance.sign(request, credentials, 1499827319559)
    signed, _, signature = wire.query.rpartition("&signature=")
    assert signature == binance.signature(SECRET, signed)
    assert signed.isascii()
    assert dict(parse_qsl(signed)) == {
        "symbols": '["币安人生USDT","A"]', "recvWindow": "10000", "timestamp": "1499827319559",
    }  # fmt: skip
    assert wire.headers == {"X-MBX-APIKEY": "k"}


def test_btcturk_signs_key_and_stamp() -> None:
    """The first vector was made with ccxt 4.5.90, the second is the WebSocket login of the same keys."""
    secret = btcturk.secret_bytes({"API_SECRET_BASE64": SecretStr(BTCTURK_SECRET)})
    assert secret == bytes(range(32))
    assert btcturk.signature(secret, "key", "1790000000000") == "C+L0XavPEHMZZgmldLr63EnhdCP/Kuu2wefgEIiaNYI="
    assert btcturk.signature(secret, "key", "3000") == "De90nsrhm1wGXs16XQvEa4Vci73qINwdO3dZa1j/CQs="
    wire = btcturk.sign({"API_KEY": SecretStr("key"), "API_SECRET_BASE64": SecretStr(BTCTURK_SECRET)}, 1790000000000)
    assert wire.headers["X-Stamp"] == "1790000000000"
    assert wire.headers["X-Signature"] == "C+L0XavPEHMZZgmldLr63EnhdCP/Kuu2wefgEIiaNYI="


def test_a_wire_does_not_show_what_is_signed() -> None:
    wire = binance.sign(
        Request(Endpoint("GET", "/x", "api")), {"API_KEY": SecretStr("canary"), "API_SECRET": SecretStr("canary")}, 1
    )
    assert "canary" not in repr(wire)
    assert "signature" not in repr(wire)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v3/order"), ("POST", "/api/v3/account"), ("GET", "/sapi/v1/capital/withdraw/history"),
     ("GET", "/api/v3/account/"), ("GET", "/API/v3/account"), ("POST", "/api/v1/order")],
)  # fmt: skip
@pytest.mark.parametrize("exchange", [Binance, Btcturk])
async def test_what_is_no_read_is_not_even_signed(exchange, method, path, fake_clock, monkeypatch) -> None:
    from prometheus_client import CollectorRegistry

    from monitoring.metrics import CollectorMetrics

    def never(*_: object) -> None:
        raise AssertionError("signed")

    monkeypatch.setattr(exchange, "sign", never)
    client = Client(exchange(), None, clock=fake_clock, metrics=CollectorMetrics(CollectorRegistry()))
    for signed in (True, False):
        request = Request(Endpoint(method, path, next(iter(exchange.budgets)).name, signed=signed))
        with pytest.raises(NotAReadError):
            await client.call(request, client.conversation())


def test_the_allow_lists_hold_reads_only_and_everything_that_is_called() -> None:
    for exchange in EXCHANGES.values():
        posts = {path for method, path in exchange.reads if method != "GET"}
        assert posts <= {"/sapi/v1/asset/get-funding-asset"}
        package = __import__(f"collectors.{exchange.spec.name}.endpoints", fromlist=["*"])
        named = {(one.method, one.path) for one in vars(package).values() if isinstance(one, Endpoint)}
        assert named == exchange.reads


def test_no_code_can_order_withdraw_or_transfer() -> None:
    path = re.compile(
        r"""["'][^"']*/[^"']*(order|withdraw|transfer|redeem|subscribe|borrow|repay|loan)[^"']*["']""", re.IGNORECASE
    )
    for source in Path(collectors.__file__).parent.rglob("*.py"):
        assert not path.search(source.read_text(encoding="utf-8")), source
