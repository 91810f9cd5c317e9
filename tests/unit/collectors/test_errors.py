"""What statuses, codes and headers mean: one of four errors, with a sentence and a mend, and no secret."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.binance.errors import REFUSED, UNAVAILABLE
from collectors.binance.errors import classify as binance
from collectors.btcturk.errors import classify as btcturk
from collectors.errors import (
    SERIOUSNESS,
    ExchangeError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
    UnreadableError,
)
from collectors.exchange import Answer
from collectors.statuses import WAIT_TOLD_SECONDS_MAX, error_of_status, retry_after_seconds
from schemas.events import ERROR_KINDS

NOW = 1_795_386_310_000


def answer(status: int, payload: object = None, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, payload, NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, None), (204, None), (301, UnreadableError), (302, UnreadableError), (304, UnreadableError),
     (400, UnreadableError), (401, RefusedError), (403, RefusedError), (404, UnreadableError), (405, UnreadableError),
     (408, UnavailableError), (410, UnreadableError), (418, RateLimitedError), (422, UnreadableError),
     (429, RateLimitedError), (451, RefusedError), (500, UnavailableError), (502, UnavailableError),
     (503, UnavailableError), (504, UnavailableError), (599, UnavailableError)],
)  # fmt: skip
def test_statuses(status: int, kind: type[ExchangeError] | None) -> None:
    error = error_of_status("X", status, {}, NOW)
    assert type(error) is (kind or type(None))
    assert error is None or (error.message and error.mend)


def test_places_and_firewalls_have_their_own_sentences() -> None:
    assert "does not serve this place" in error_of_status("X", 451, {}, NOW).message
    assert "firewall" in error_of_status("X", 403, {}, NOW).message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("", 60), ("-5", 60), ("soon", 60), ("1.5", 60), ("²", 60), ("999999999", WAIT_TOLD_SECONDS_MAX),
     ("Sun, 22 Nov 2026 22:25:40 GMT", 30), ("9" * 400, 60),
     ("Mon, 01 Jan 99999999999 00:00:00 GMT", 60)],
)  # fmt: skip
def test_retry_after(text: str, seconds: float) -> None:
    assert retry_after_seconds(429, {"retry-after": text}, NOW) == pytest.approx(seconds)


def test_a_ban_without_a_header_waits_longer_than_a_limit() -> None:
    assert retry_after_seconds(418, {}, NOW) == 120


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_retry_after_gives_a_wait_within_bounds(text: str) -> None:
    assert 0 <= retry_after_seconds(429, {"retry-after": text}, NOW) <= WAIT_TOLD_SECONDS_MAX


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_binance_refusals(code: int) -> None:
    for status in (400, 401, 200):
        assert isinstance(binance(answer(status, {"code": code, "msg": "x"})), RefusedError)


@pytest.mark.parametrize("code", sorted(UNAVAILABLE))
def test_binance_troubles(code: int) -> None:
    assert isinstance(binance(answer(400, {"code": code, "msg": "x"})), UnavailableError)


def test_binance_codes_that_the_base_can_cure(payload) -> None:
    clock = binance(answer(400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}))
    assert isinstance(clock, UnavailableError)
    assert clock.cure == "clock"
    symbol = binance(answer(400, payload("binance/invalid_symbol.json")))
    assert isinstance(symbol, UnreadableError)
    assert symbol.cure == "listing"


def test_binance_waits() -> None:
    told = binance(answer(429, {"code": -1003, "msg": "Too many requests queued."}, retry_after="17"))
    assert isinstance(told, RateLimitedError)
    assert told.retry_after_seconds == 17
    message = f"Way too much request weight used; IP banned until {NOW + 600_000}. Please use"
    banned = binance(answer(418, {"code": -1003, "msg": message}))
    assert isinstance(banned, RateLimitedError)
    assert banned.retry_after_seconds == 600
    in_success = binance(answer(200, {"code": -1003, "msg": "x"}))
    assert isinstance(in_success, RateLimitedError)


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"code": 0}, {"code": 200}, {"code": "000000"}, {"code": True}, {"balances": []}]
)
def test_binance_answers_without_an_error_code_are_left_to_the_status(payload: object) -> None:
    assert binance(answer(200, payload)) is None


def test_binance_codes_we_do_not_know() -> None:
    assert isinstance(binance(answer(400, {"code": -1102, "msg": "x"})), UnreadableError)
    assert isinstance(binance(answer(503, {"code": -9999, "msg": "x"})), UnavailableError)
    assert binance(answer(451, {"code": -1, "msg": "restricted"})) is None


def test_btcturk_says_success_and_means_no(payload) -> None:
    nonce = btcturk(answer(401, payload("btcturk/unauthorized_nonce.json")))
    assert isinstance(nonce, RefusedError)
    assert nonce.cure == "clock"
    request = btcturk(answer(401, payload("btcturk/unauthorized_request.json")))
    assert isinstance(request, RefusedError)
    assert request.cure == "none"
    assert isinstance(btcturk(answer(401, None)), RefusedError)
    assert isinstance(btcturk(answer(200, {"success": True, "code": 1037, "message": "x"})), RefusedError)


def test_btcturk_success_is_not_what_decides_but_a_false_is_no_content() -> None:
    assert btcturk(answer(200, {"success": True, "code": 0, "data": []})) is None
    assert btcturk(answer(200, {"serverTime": NOW})) is None
    # Else an error in this envelope would be an account that holds nothing.
    assert isinstance(btcturk(answer(200, {"success": False, "code": 0, "data": []})), UnreadableError)
    assert isinstance(btcturk(answer(200, {"success": False, "data": []})), UnreadableError)
    assert isinstance(btcturk(answer(200, {"success": True, "code": 1000, "data": []})), UnreadableError)


def test_btcturk_waits_and_troubles(payload) -> None:
    told = btcturk(answer(429, {"code": 429}, retry_after="55"))
    assert isinstance(told, RateLimitedError)
    assert told.retry_after_seconds == 55
    assert isinstance(btcturk(answer(200, payload("btcturk/internal_error.json"))), UnavailableError)
    assert btcturk(answer(500, payload("btcturk/internal_error.json"))) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "msg", "message", "success", "data"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.integers(100, 599), JSON, st.sampled_from([binance, btcturk]))
@settings(max_examples=600, deadline=None)
def test_any_answer_is_classified(status: int, payload: object, classify) -> None:
    error = classify(answer(status, payload))
    assert error is None or (type(error).kind in ERROR_KINDS and len(error.message) < 300)


def test_every_kind_has_a_seriousness() -> None:
    assert set(SERIOUSNESS) == set(ERROR_KINDS)
