"""Each error says in one word why, wherever it is made."""

import datetime as dt
import socket
import ssl

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from collectors.balances import Amounts, balances
from collectors.binance.errors import REFUSED, UNAVAILABLE
from collectors.binance.errors import classify as binance
from collectors.btcturk.errors import classify as btcturk
from collectors.budget import Budget
from collectors.errors import ExchangeError, RateLimitedError, RefusedError, UnreadableError
from collectors.exchange import Answer, KeyPermissions, Wire
from collectors.http import HttpSession, Timeouts
from collectors.paging import read_pages
from collectors.permissions import judge
from collectors.statuses import error_of_status, rate_limited
from collectors.strict_json import parse_json
from collectors.unauthorised import UnauthorisedGuard
from monitoring.metrics import CollectorMetrics
from schemas.amounts import ZERO, parse_amount
from schemas.events import BALANCES_MAX

NOW = 1_795_386_310_000
AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def answer(status: int, payload: object = None) -> Answer:
    return Answer(status, {}, payload, NOW)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(301, "redirect"), (302, "redirect"), (400, "format"), (401, "key_or_address"), (403, "firewall"),
     (404, "format"), (408, "trouble"), (418, "banned"), (429, "limit"), (451, "region"), (500, "trouble"),
     (503, "trouble")],
)  # fmt: skip
def test_a_status_has_its_word(status: int, reason: str) -> None:
    error = error_of_status("X", status, {}, NOW)
    assert error is not None
    assert error.reason == reason


BINANCE = {
    -1002: "key_or_address",
    -1005: "address",
    -1022: "secret",
    -1099: "key_or_address",
    -2008: "key",
    -2014: "key",
    -2015: "key_or_address",
    -3001: "two_factor",
    -1003: "limit",
    -1021: "clock",
    -1121: "format",
    -1102: "format",
    **dict.fromkeys(UNAVAILABLE, "trouble"),
}


@pytest.mark.parametrize("code", sorted({*BINANCE, *REFUSED}))
def test_a_code_of_binance_has_its_word(code: int) -> None:
    error = binance(answer(400, {"code": code, "msg": "x"}))
    assert error is not None
    assert error.reason == BINANCE[code]


def test_a_ban_is_told_from_a_limit() -> None:
    for status, reason in ((418, "banned"), (429, "limit")):
        error = binance(answer(status, {"code": -1003, "msg": "x"}))
        assert error is not None
        assert error.reason == reason


@pytest.mark.parametrize(
    ("status", "payload", "reason"),
    [(401, {"message": "Unauthorized - Invalid Nonce"}, "clock"), (401, {"message": "X-Stamp is old"}, "clock"),
     (401, {"message": "Unauthorized - Invalid Signature"}, "secret"), (401, {"message": "no"}, "key_or_address"),
     (401, None, "key_or_address"), (200, {"code": 1037}, "key_or_address"), (429, None, "limit"),
     (200, {"success": False, "code": 500}, "trouble"), (200, {"success": False, "code": 1000}, "format")],
)  # fmt: skip
def test_an_error_of_btcturk_has_its_word(status: int, payload: object, reason: str) -> None:
    error = btcturk(answer(status, payload))
    assert error is not None
    assert error.reason == reason


@pytest.mark.parametrize(
    ("found", "reason"),
    [(KeyPermissions(False, (), (), True), "permission"),
     (KeyPermissions(False, ("enableMargin",), (), True), "permission"),
     (KeyPermissions(True, ("enableMargin",), (), True), "too_strong"),
     (KeyPermissions(True, (), ("enableNew",), True), "too_strong")],
)  # fmt: skip
def test_a_key_that_is_not_let_in_has_its_word(found: KeyPermissions, reason: str) -> None:
    _, error = judge(found, frozenset(), title="X", first=True)
    assert error is not None
    assert error.reason == reason


def test_a_key_that_is_held_back_has_its_word() -> None:
    guard = UnauthorisedGuard(1, lambda: 0.0, "X")
    guard.refused()
    with pytest.raises(RefusedError) as caught:
        guard.enter(proven=False)
    assert caught.value.reason == "held_back"


def _connector(error: OSError, kind: type[aiohttp.ClientConnectorError]) -> aiohttp.ClientConnectorError:
    key = aiohttp.client_reqrep.ConnectionKey("x", 443, True, True, None, None, None)
    return kind(key, error)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "timeout"),
        (aiohttp.ServerTimeoutError(), "timeout"),
        (aiohttp.ConnectionTimeoutError(), "timeout"),
        (_connector(socket.gaierror(), aiohttp.ClientConnectorDNSError), "network"),
        (_connector(ConnectionRefusedError(), aiohttp.ClientConnectorError), "network"),
        (_connector(ssl.SSLError(), aiohttp.ClientConnectorSSLError), "certificate"),
        (aiohttp.ServerDisconnectedError(), "network"),
        (aiohttp.ClientPayloadError(), "network"),
        (ConnectionResetError(), "network"),
        (ValueError(), "network"),
    ],
)
def test_a_request_that_had_no_answer_has_its_word(error: Exception, reason: str) -> None:
    session = HttpSession("http://127.0.0.1:9", title="X", timeouts=Timeouts())
    assert session._unavailable(error).reason == reason


async def test_a_port_that_nobody_serves_is_the_network() -> None:
    async with HttpSession("http://127.0.0.1:9", title="X", timeouts=Timeouts(total=2, connect=2)) as session:
        with pytest.raises(ExchangeError) as caught:
            await session.send("GET", "/", Wire(), body_bytes_max=10)
    assert caught.value.reason == "network"


def test_what_is_no_json_is_the_format() -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_json(b"<html>", source="X")
    assert caught.value.reason == "format"


async def test_what_is_more_than_we_carry_has_its_word() -> None:
    one = parse_amount("1")
    with pytest.raises(UnreadableError) as caught:
        balances((Amounts(f"C{number}", one, ZERO) for number in range(BALANCES_MAX + 1)), what="the wallet")
    assert caught.value.reason == "too_large"

    async def page(number: int) -> tuple[list[int], int]:
        return [number], 10**9

    with pytest.raises(UnreadableError) as caught:
        await read_pages(page, size=1, identity=int, what="the list")
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize(
    ("orders", "reason"),
    [([(60, False)], "limit"), ([(60, True)], "banned"), ([(600, True), (5, False)], "banned"),
     ([(5, False), (600, True)], "banned"), ([(5, True), (600, False)], "limit")],
)  # fmt: skip
def test_what_waits_for_an_order_says_why_that_was_given(orders: list[tuple[float, bool]], reason: str) -> None:
    budget = Budget(
        (),
        exchange="x",
        title="X",
        exchange_seconds=lambda: 0.0,
        monotonic=lambda: 0.0,
        metrics=CollectorMetrics(CollectorRegistry()),
    )
    for seconds, banned in orders:
        error = rate_limited("X", seconds, banned=banned)
        budget.pause(error.retry_after_seconds, error.reason)
    with pytest.raises(RateLimitedError) as caught:
        budget.check()
    assert caught.value.reason == reason


def test_an_error_of_a_status_event_says_why_and_when_it_is_tried_again() -> None:
    told = rate_limited("X", 90).described(AT, 91.25)
    assert (told.kind, told.reason) == ("rate_limited", "limit")
    assert told.retry_at == AT + dt.timedelta(seconds=91.25)
    assert UnreadableError("m", "m").described(AT, 0.0).retry_at == AT
