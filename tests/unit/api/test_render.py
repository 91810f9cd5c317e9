import datetime as dt
import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from api.explain import explain
from api.models import ExplainBody, PortfolioBody
from api.render import Rendered, render_unread
from api.rows import age_seconds, cents_text
from schemas.amounts import total_of
from schemas.portfolio import PortfolioState
from tests.unit.api.states import NOW, account, holding, sample, state, states, status


@given(states(), st.integers(0, 1000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_state_is_rendered_exactly_and_its_parts_are_its_sum(
    portfolio: PortfolioState, later: int, demo: bool
) -> None:
    now = NOW + dt.timedelta(seconds=later)
    text = Rendered(portfolio, demo=demo).document(now)
    body = PortfolioBody.model_validate_json(text)
    raw = json.loads(text, parse_float=Decimal)

    assert body.version == f"{portfolio.epoch}-{portfolio.seq}"
    assert body.demo is demo
    parts = [one.totals.total_usd_exact for one in body.accounts]
    if portfolio.accounts:
        assert body.totals.total_usd_exact == portfolio.totals.total_usd == total_of(parts)
        assert raw["totals"]["totalUsd"] == Decimal(cents_text(portfolio.totals.total_usd))
    else:
        assert (body.totals.total_usd, body.totals.total_usd_exact) == (None, None)
    for shown, one in zip(body.accounts, portfolio.accounts, strict=True):
        assert total_of(wallet.total_usd_exact for wallet in shown.wallets) == one.total_usd
        assert shown.age_seconds == age_seconds(one.observed_at, now) >= 0
        for row, held in zip(shown.balances, one.holdings, strict=True):
            assert (row.free, row.locked, row.total) == (held.free, held.locked, held.total)
            assert (row.price_usd, row.value_usd) == (held.price_usd, held.value_usd)
    stale = any(now >= wallet.stale_at for one in portfolio.accounts for wallet in one.wallets)
    assert body.totals.partial is (portfolio.totals.partial or stale)
    assert body.totals.partial is bool(body.totals.reasons)


@given(states(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_every_asset_can_be_explained_and_agrees_with_its_total(portfolio: PortfolioState, later: int) -> None:
    for one in portfolio.totals.by_asset:
        text = explain(portfolio, one.asset, None, NOW + dt.timedelta(seconds=later))
        assert text is not None
        body = ExplainBody.model_validate_json(text)
        assert (body.total, body.value_usd_exact, body.unpriced) == (one.total, one.value_usd, one.unpriced)


def test_rendering_again_forgets_what_only_an_earlier_rendering_knew() -> None:
    rendered = Rendered(state([account("binance", [holding("BTC", "1", "80000")])]), demo=False)
    for _ in range(2):
        late = json.loads(rendered.document(NOW + dt.timedelta(seconds=100)))
        assert [reason["kind"] for reason in late["totals"]["reasons"]] == ["wallet_stale"]
        early = json.loads(rendered.document(NOW))
        assert (early["totals"]["partial"], early["totals"]["reasons"]) == (False, [])
        assert early["accounts"][0]["status"] == "fresh"


def test_cents_are_rounded_half_to_even_without_floats() -> None:
    assert cents_text(Decimal("0.125")) == "0.12"
    assert cents_text(Decimal("0.135")) == "0.14"
    assert cents_text(Decimal("-0.001")) == "0.00"
    assert cents_text(Decimal("12345678901234567890.015")) == "12345678901234567890.02"


@given(st.decimals(-(10**20), 10**20, places=18, allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_cents_are_at_most_half_a_cent_away(amount: Decimal) -> None:
    text = cents_text(amount)
    assert len(text.partition(".")[2]) == 2
    assert abs(Decimal(text) - amount) <= Decimal("0.005")
    assert not text.startswith("-0.00")


def test_a_clock_behind_gives_no_negative_age() -> None:
    assert age_seconds(NOW + dt.timedelta(seconds=3), NOW) == 0.0


def test_before_the_first_state() -> None:
    reported = [status("btcturk", reads="refused", failed=True)]
    for loading, seen, reason in ((True, "starting", "loading"), (False, "refused", "no_account")):
        text = render_unread("main", reported, ("binance", "btcturk"), loading=loading, demo=True)
        body = PortfolioBody.model_validate_json(text)
        assert [(s.exchange, s.state) for s in body.sources] == [("binance", "starting"), ("btcturk", seen)]
        assert [r.kind for r in body.totals.reasons] == [reason]
        assert (body.totals.total_usd, body.totals.partial, body.updated_at) == (None, True, None)


def test_a_stale_mark_from_the_aggregator_is_not_taken_away() -> None:
    suspicious = account("binance", [holding("BTC", "1", "80000")], status="suspicious")
    body = json.loads(Rendered(state([suspicious]), demo=False).document(NOW + dt.timedelta(seconds=500)))
    assert body["accounts"][0]["status"] == "suspicious"
    assert body["accounts"][0]["wallets"][0]["status"] == "suspicious"


def test_explain_of_an_exchange_leaves_the_others_out() -> None:
    assert explain(sample(), "BTC", "btcturk", NOW) is None
    body = ExplainBody.model_validate_json(explain(sample(), "XYZ", "binance", NOW) or b"")
    assert (body.value_usd, body.value_usd_exact, str(body.unpriced)) == (None, None, "12")
