"""Stored examples of every event: a change of the wire shows up as a change of data, and old ones stay readable."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from schemas.encoding import EVENTS, decode, encode
from schemas.events import (
    Balance,
    BalanceSnapshot,
    CollectorStatus,
    DeadLetter,
    ErrorCounts,
    Event,
    Mirror,
    Permissions,
    PriceQuote,
    RefreshCommand,
    RefreshResult,
    SourceError,
    WalletStatus,
    WantedAsset,
)
from schemas.export import file_name, json_schemas, render
from schemas.fields import milliseconds
from schemas.portfolio import (
    AccountState,
    AssetPrice,
    AssetTotal,
    Change,
    Holding,
    NamedTotal,
    PartialReason,
    PortfolioState,
    PriceLeg,
    Rate,
    Source,
    Totals,
    Unpriced,
    WalletState,
)

GOLDEN = Path(__file__).parents[2] / "data" / "events" / "v1"
PUBLISHED = Path(__file__).parents[3] / "schemas" / "json"
AT = dt.datetime(2026, 11, 22, 10, 0, 0, 125_000, dt.UTC)
EPOCH = 1_795_341_600_000 * 1024 + 7
D = Decimal


def _error(reason: str | None = None) -> SourceError:
    """An error, with what 1.1 added where a reason is given."""
    return SourceError(
        kind="unavailable",
        message="the exchange did not answer within 10 s",
        mend="nothing: it is tried again",
        at=AT,
        reason=reason,
        retry_at=None if reason is None else AT + dt.timedelta(seconds=2),
    )


def _reasoned(status: CollectorStatus, state: PortfolioState) -> dict[str, Event]:
    """Both with a word that we send, and with one that only a newer writer knows."""
    made: dict[str, Event] = {}
    for name, reason in (("reason", "timeout"), ("newer-word", "a_newer_word")):
        error = _error(reason)
        source = state.sources[0].model_copy(
            update={"state": "unavailable", "error": error, "wallets": _wallets(error)}
        )
        made[f"status-{name}"] = status.model_copy(update={"error": error, "wallets": _wallets(error)})
        made[f"state-{name}"] = state.model_copy(update={"sources": (source,)})
    return made


def _wallets(error: SourceError) -> tuple[WalletStatus, ...]:
    return (
        WalletStatus(wallet="spot", health="ok", poll_interval_seconds=10.0, last_success_at=AT),
        WalletStatus(wallet="earn-flexible", health="failed", poll_interval_seconds=60.0, error=error),
    )


def _state() -> PortfolioState:
    usdt = PriceLeg(kind="peg", base="USDT", quote="USD", price=D(1))
    btc = PriceLeg(
        kind="direct",
        exchange="binance",
        base="BTC",
        quote="USDT",
        price=D("82500.1"),
        priced_at=AT,
        seq=milliseconds(AT),
    )
    holdings = (
        Holding(
            asset="BTC",
            wallet="spot",
            free=D("0.5"),
            locked=D(0),
            total=D("0.5"),
            price_usd=D("82500.1"),
            value_usd=D("41250.05"),
            value_24h_ago_usd=D(40000),
        ),
        Holding(
            asset="LDUSDT",
            wallet="spot",
            free=D(10),
            locked=D(0),
            total=D(10),
            counted=False,
            mirror_of=Mirror(wallet="earn-flexible", asset="USDT"),
            price_usd=D(1),
            value_usd=D(10),
        ),
        Holding(asset="币安人生", wallet="spot", free=D("3.25"), locked=D("0.75"), total=D(4)),
    )
    wallet = WalletState(
        wallet="spot",
        status="stale",
        observed_at=AT,
        requested_at=AT,
        stale_at=AT + dt.timedelta(seconds=60),
        cause="poll",
        poll_interval_seconds=10.0,
        epoch=EPOCH,
        seq=3,
        asset_count=2,
        total_usd=D("41250.05"),
    )
    account = AccountState(
        exchange="binance",
        account="main",
        status="stale",
        observed_at=AT,
        wallets=(wallet,),
        holdings=holdings,
        total_usd=D("41250.05"),
    )
    unpriced = Unpriced(exchange="binance", account="main", wallet="spot", asset="币安人生", amount=D(4))
    where = {"exchange": "binance", "account": "main", "wallet": "spot"}
    totals = Totals(
        total_usd=D("41250.05"),
        partial=True,
        reasons=(
            PartialReason(kind="wallet_stale", **where),
            PartialReason(kind="unpriced", asset="币安人生", **where),
        ),
        unpriced=(unpriced,),
        by_exchange=(NamedTotal(name="binance", total_usd=D("41250.05")),),
        by_wallet=(NamedTotal(name="spot", total_usd=D("41250.05")),),
        by_asset=(
            AssetTotal(
                asset="BTC",
                total=D("0.5"),
                value_usd=D("41250.05"),
                unpriced=D(0),
                change_24h_usd=D("1250.05"),
                change_24h_percent=D("3.125125"),
            ),
            AssetTotal(asset="币安人生", total=D(4), unpriced=D(4)),
        ),
        change_24h=Change(usd=D("1250.05"), percent=D("3.125125"), complete=False),
    )
    price = AssetPrice(
        exchange="binance",
        asset="BTC",
        price_usd=D("82500.1"),
        price_24h_ago_usd=D(80000),
        path=("BTC", "USDT", "USD"),
        legs=(btc, usdt),
        priced_at=AT,
    )
    rate = Rate(currency="TRY", per_usd=D("42.1"), path=("USD", "USDT", "TRY"), priced_at=AT)
    source = Source(
        exchange="binance",
        account="main",
        state="live",
        last_success_at=AT,
        permissions=Permissions(state="read_only"),
        wallets=_wallets(_error()),
    )
    return PortfolioState(
        epoch=EPOCH,
        seq=12,
        published_at=AT,
        portfolio="main",
        valued_at=AT,
        accounts=(account,),
        totals=totals,
        sources=(source,),
        prices=(price,),
        rates=(rate,),
        pegs=("USDT",),
    )


def examples() -> dict[str, Event]:
    version = {"epoch": EPOCH, "seq": 3, "published_at": AT}
    who = {"portfolio": "main", "exchange": "binance", "account": "main"}
    snapshot = BalanceSnapshot(
        **version,
        **who,
        wallet="spot",
        observed_at=AT,
        requested_at=AT,
        cause="refresh",
        command_id="refresh-1",
        poll_interval_seconds=10.0,
        balances=(
            Balance(asset="BTC", free=D("0.5"), locked=D("0.25000000"), total=D("0.75")),
            Balance(
                asset="LDUSDT",
                free=D(10),
                locked=D(0),
                total=D(10),
                mirror_of=Mirror(wallet="earn-flexible", asset="USDT"),
            ),
            Balance(asset="币安人生", free=D("1E-18"), locked=D(0), total=D("0.000000000000000001")),
        ),
    )
    status = CollectorStatus(
        **version,
        **who,
        state="unavailable",
        observed_at=AT,
        wallets=_wallets(_error()),
        last_success_at=AT,
        error=_error(),
        permissions=Permissions(state="overridden", flags=("enableMargin",), ip_restricted=True),
        errors=ErrorCounts(unavailable=2),
        clock_offset_ms=-120,
        refreshes=(RefreshResult(command_id="refresh-1", ok=True, finished_at=AT),),
    )
    return {
        "snapshot": snapshot,
        "snapshot-empty": snapshot.model_copy(update={"balances": (), "cause": "poll", "command_id": None}),
        "quote": PriceQuote(
            epoch=0,
            seq=milliseconds(AT),
            published_at=AT,
            exchange="btcturk",
            base="BTC",
            quote="TRY",
            price=D(3_470_000),
            price_24h_ago=D("3400000.5"),
            priced_at=AT,
        ),
        "wanted": WantedAsset(**version, portfolio="main", asset="USDT", bridge=True),
        "status": status,
        "state": _state(),
        **_reasoned(status, _state()),
        "command": RefreshCommand(
            **version,
            id="refresh-1",
            portfolio="main",
            exchange="binance",
            account="main",
            expires_at=AT + dt.timedelta(seconds=10),
        ),
        "deadletter": DeadLetter(
            **version,
            source="spark.balances",
            partition=3,
            offset=17,
            reason="not_json",
            message="Invalid JSON",
            size_bytes=1,
            sha256="0" * 64,
            head="Ww==",
        ),
    }


@pytest.mark.parametrize("name", examples())
def test_an_event_is_written_as_it_is_stored(name: str, update_golden: bool) -> None:
    event = examples()[name]
    record = encode(event)
    assert record.value is not None
    text = json.dumps(json.loads(record.value), ensure_ascii=False, indent=2) + "\n"
    path = GOLDEN / f"{event.topic.name}.{name}.json"
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
    assert decode(record.topic.name, record.key.encode(), record.value).event == event


def test_every_event_has_an_example() -> None:
    assert {event.topic.name for event in examples().values()} == set(EVENTS)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_a_stored_event_can_still_be_read_and_keeps_the_published_schema(path: Path) -> None:
    topic = ".".join(path.name.split(".")[:2])
    EVENTS[topic].model_validate_json(path.read_bytes())
    schema = json.loads((PUBLISHED / file_name(topic)).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("name", json_schemas())
def test_the_published_schemas_are_those_of_the_models(name: str) -> None:
    assert (PUBLISHED / name).read_text(encoding="utf-8") == render(json_schemas()[name]), "run: make schemas"
    jsonschema.Draft202012Validator.check_schema(json_schemas()[name])


def test_nothing_else_is_published() -> None:
    assert {path.name for path in PUBLISHED.glob("*")} == set(json_schemas())


def test_the_published_schema_refuses_an_amount_as_a_number() -> None:
    record = json.loads((GOLDEN / "spark.balances.snapshot.json").read_bytes())
    record["balances"][0]["free"] = 0.5
    schema = json_schemas()[file_name("spark.balances")]
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(record))
