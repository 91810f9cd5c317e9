"""Every fault of the simulator is told by one word for why it failed, at both exchanges, and when it is tried again."""

import datetime as dt
from dataclasses import replace

import pytest

from collectors.registry import EXCHANGES
from schemas.events import SourceError
from simulator import Fault
from simulator.faults import KINDS

REASONS: dict[str, str | dict[str, str]] = {
    "status": "trouble",
    "rate_limited": "limit",
    "banned": {"binance": "banned", "btcturk": "firewall"},
    "blocked": "region",
    "hang": "timeout",
    "slow": "timeout",
    "close": "network",
    "reset": "network",
    "garbage": "format",
    "html": "format",
    "truncated": "format",
    "half": {"binance": "format"},
    "oversized": "format",
    "duplicate_keys": "format",
    "wrong_type": "format",
    "nan": "format",
    "negative": "format",
    "huge": "format",
    "missing_field": "format",
    "error_200": {"binance": "trouble", "btcturk": "format"},
    "redirect": "redirect",
    "deep": "format",
    "page_fail": {"binance": "trouble"},
}
"""What a reader is told of each fault; BTCTurk has no list in pages that a fault could leave out rows of."""
WITHOUT_ERROR = {"empty", "zeros"}
"""They need a second look, and are no error."""
PAGED = "earn-flexible"
CASES = [
    (exchange, kind, found if isinstance(found, str) else found[exchange])
    for exchange in EXCHANGES
    for kind, found in REASONS.items()
    if isinstance(found, str) or exchange in found
]


def test_every_fault_is_in_the_table() -> None:
    assert set(REASONS) | WITHOUT_ERROR == set(KINDS)


async def told(harness, reason: str, wallet: str = "spot") -> SourceError:
    """The error with this word, of the wallet or the account."""

    def find() -> SourceError | None:
        status = harness.status()
        errors = [] if status is None else [status.error, *(one.error for one in status.wallets)]
        return next((one for one in errors if one is not None and one.reason == reason), None)

    await harness.until(find, f"{reason} of {wallet}")
    found = find()
    assert found is not None
    return found


@pytest.mark.parametrize(("harness", "kind", "reason"), CASES, indirect=["harness"])
async def test_a_fault_is_told_by_its_word(harness, kind: str, reason: str) -> None:
    wallet = PAGED if kind in {"half", "page_fail"} else "spot"
    if kind == "page_fail":
        rows = {f"COIN{number}": (str(number + 1), "0") for number in range(150)}
        harness.sim.set_balances(harness.name, "main", wallet, rows)
    harness.fault(kind, wallet, **({"seconds": 5} if kind == "slow" else {}))
    await harness.start()
    error = await told(harness, reason, wallet)
    assert error.retry_at is not None
    assert error.retry_at >= error.at


@pytest.mark.parametrize(("status", "reason"), [(403, "firewall"), (451, "region")])
async def test_a_place_that_is_not_served_is_told_from_a_firewall(harness, status: int, reason: str) -> None:
    harness.sim.inject(Fault(exchange=harness.name, kind="blocked", status=status))
    await harness.start()
    await told(harness, reason)


async def test_a_wrong_secret_is_told_from_a_wrong_key(harness) -> None:
    account = harness.account()
    names = list(account.credentials)
    wrong = "A" * 43 + "=" if harness.name == "btcturk" else "B" * 64
    credentials = dict(account.credentials) | {names[1]: type(account.credentials[names[1]])(wrong)}
    await harness.start(replace(account, credentials=credentials))
    await told(harness, "secret")


async def test_a_key_that_was_taken_away_may_be_the_key_its_address_or_its_permissions(harness) -> None:
    harness.sim.revoke(harness.name, "main")
    await harness.start()
    await told(harness, "key_or_address")


@pytest.mark.parametrize(
    ("body", "reason"),
    [('{"ipRestrict":true,"enableReading":true,"enableWithdrawals":true}', "too_strong"),
     ('{"ipRestrict":true,"enableReading":false}', "permission")],
)  # fmt: skip
async def test_a_key_that_may_do_too_much_or_too_little_is_told_apart(binance, body: str, reason: str) -> None:
    path = "/sapi/v1/account/apiRestrictions"
    binance.sim.inject(Fault(exchange="binance", kind="status", status=200, path=path, body=body))
    await binance.start()
    await told(binance, reason)


CLOCK_BODIES = {
    "binance": (400, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'),
    "btcturk": (401, '{"success":true,"message":"Unauthorized - Invalid Nonce","code":1037,"data":null}'),
}


async def test_a_stamp_that_is_refused_again_and_again_is_told_as_the_clock(harness) -> None:
    status, body = CLOCK_BODIES[harness.name]
    harness.fault("status", status=status, body=body)
    await harness.start()
    await told(harness, "clock")


async def test_an_ordered_wait_says_when_it_ends(harness) -> None:
    """Told again while it lasts, its end stays where it was."""
    await harness.start()
    await harness.all_read()
    harness.fault("rate_limited", times=1, retry_after=60)
    error = await told(harness, "limit")
    assert error.retry_at is not None
    seconds = (error.retry_at - error.at).total_seconds()
    assert 60 <= seconds <= 63
    await harness.until(
        lambda: len({one.seq for one in harness.statuses() if one.error and one.error.reason == "limit"}) >= 2
    )
    last = harness.status().error
    assert last.reason == "limit"
    assert abs(last.retry_at - error.retry_at) < dt.timedelta(seconds=3)


async def test_a_refused_key_is_asked_about_when_the_status_says(harness) -> None:
    harness.sim.revoke(harness.name, "main")
    await harness.start()
    first = await told(harness, "key_or_address")
    await harness.until(lambda: harness.status().error.at > first.at)
    assert first.retry_at is not None
    assert first.retry_at <= harness.status().error.at


@pytest.mark.parametrize(("name", "reason"), [("binance", "banned"), ("btcturk", "limit")])
async def test_what_was_not_even_asked_says_what_is_waited_for(name: str, reason: str) -> None:
    from tests.contract.exchange.conftest import harness_of

    async with harness_of(name) as harness:
        kind = "banned" if reason == "banned" else "rate_limited"
        harness.sim.inject(Fault(exchange=name, kind=kind, times=1, retry_after=60))
        await harness.start()
        await harness.until(
            lambda: any(
                one.error and one.error.reason == reason and "are left" in one.error.message
                for one in harness.statuses()
            )
        )
