"""What is no whole and true event of its topic is refused, by the right reason and without quoting it."""

import base64
import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import topics
from schemas.amounts import MONEY
from schemas.encoding import (
    KEY_BYTES_MAX,
    DecodeError,
    Encoded,
    RecordTooLargeError,
    decode,
    encode,
    encode_value,
    tombstone,
)
from schemas.events import Balance, BalanceSnapshot, PriceQuote, is_expired
from schemas.fields import TEXT_LENGTH_MAX, milliseconds
from schemas.portfolio import AccountState, PortfolioState, Totals
from tests import strategies as make

NOW = dt.datetime(2026, 11, 22, 10, 0, 0, 123_999, tzinfo=dt.UTC)
KEY = b"main/binance/main/spot"


def snapshot(*rows: Balance) -> BalanceSnapshot:
    return BalanceSnapshot(
        epoch=1,
        seq=1,
        published_at=NOW,
        portfolio="main",
        exchange="binance",
        account="main",
        wallet="spot",
        observed_at=NOW,
        requested_at=NOW,
        cause="poll",
        poll_interval_seconds=10.0,
        balances=rows,
    )


def row(asset: str = "BTC", free: str = "1", locked: str = "0", total: str = "1") -> Balance:
    return Balance(asset=asset, free=Decimal(free), locked=Decimal(locked), total=Decimal(total))


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(encode(snapshot(row())).value or b""), **fields}).encode()


def amount(text: object) -> bytes:
    return changed(balances=[{"asset": "BTC", "free": text, "locked": "0", "total": text}])


def refused(value: bytes | None, key: bytes | None = KEY, topic: str = "spark.balances") -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(topic, key, value)
    assert len(str(caught.value)) <= TEXT_LENGTH_MAX
    return caught.value


GOOD = encode(snapshot(row())).value or b""

NOT_JSON = {
    "empty": b"",
    "words": b"not json",
    "truncated": GOOD[:-20],
    "two documents": GOOD + GOOD,
    "invalid UTF-8": GOOD.replace(b"spot", b"sp\xfft"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "lone surrogate": GOOD.replace(b"BTC", b"\\ud800"),
    "very deep": b"[" * 100_000,
    "a number of 10^5 digits": GOOD.replace(b'"seq":1', b'"seq":' + b"9" * 100_000),
    "the same in a field nobody reads": b'{"new":' + b"9" * 100_000 + b"," + GOOD[1:],
}

INVALID = {
    "null": b"null",
    "a list": b"[]",
    "no fields": b"{}",
    "seq is a text": changed(seq="1"),
    "seq is a float": changed(seq=1.0),
    "seq is true": changed(seq=True),
    "seq is negative": changed(seq=-1),
    "seq is beyond 2^53": changed(seq=2**53 + 1),
    "an interval that is NaN": changed(poll_interval_seconds=float("nan")),
    "an interval that is infinite": GOOD.replace(b"10.0", b"1e999"),
    "a time without zone": changed(observed_at="2026-11-22T10:00:00"),
    "a time elsewhere": changed(observed_at="2026-11-22T10:00:00+03:00"),
    "a time as a number": changed(observed_at=1_795_000_000),
    "the 30th of February": changed(observed_at="2026-02-30T10:00:00Z"),
    "no schema_version": json.dumps({k: v for k, v in json.loads(GOOD).items() if k != "schema_version"}).encode(),
    "balances as an object": changed(balances={"BTC": "1"}),
    "balances missing": json.dumps({k: v for k, v in json.loads(GOOD).items() if k != "balances"}).encode(),
    "an amount as a number": amount(1),
    "an amount as a float": amount(0.5),
    "an amount that is null": amount(None),
    "NaN": amount("NaN"),
    "Infinity": amount("Infinity"),
    "1e999": amount("1e999"),
    "-0.0": amount("-0.0"),
    "negative": amount("-1"),
    "31 decimals": amount("0." + "1" * 31),
    "41 digits": amount("1" * 41),
    "a total that is not the sum": changed(balances=[{"asset": "BTC", "free": "1", "locked": "1", "total": "1"}]),
    "an asset twice": changed(balances=[json.loads(row().model_dump_json(exclude_none=True))] * 2),
    "a control character in an asset": changed(
        balances=[{"asset": "B\x00TC", "free": "1", "locked": "0", "total": "1"}]
    ),
    "too many balances": changed(
        balances=[{"asset": f"A{n}", "free": "1", "locked": "0", "total": "1"} for n in range(5_001)]
    ),
    "100 levels where a text is due": changed(cause="@").replace(b'"@"', b"[" * 100 + b"]" * 100),
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(value: bytes):
    assert refused(value).reason == "not_json"


@pytest.mark.parametrize("value", INVALID.values(), ids=INVALID)
def test_what_is_no_event_is_refused(value: bytes):
    assert refused(value).reason == "invalid"


@pytest.mark.parametrize("version", [0, 2, 999, "1", None, "two"])
def test_an_unknown_major_version_is_named_as_such(version: object):
    assert refused(changed(schema_version=version, balances="of another shape")).reason == "schema_unsupported"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "no_key"),
        (b"", "no_key"),
        (b"main/binance/main/funding", "wrong_key"),
        (b"\xff", "wrong_key"),
        (KEY + b"/", "wrong_key"),
        (b"x" * (KEY_BYTES_MAX + 1), "too_large"),
    ],
)
def test_the_key_must_be_the_one_the_content_says(key: bytes | None, reason: str):
    assert refused(GOOD, key).reason == reason


def test_a_record_over_its_limit_is_refused_before_it_is_parsed():
    assert refused(b"[" * (topics.BALANCES.record_bytes_max + 1)).reason == "too_large"


def test_a_topic_that_is_not_ours_is_refused():
    assert refused(GOOD, topic="spark.balance").reason == "unknown_topic"


def test_a_tombstone_is_for_compacted_topics():
    assert decode("spark.balances", KEY, None).event is None
    assert refused(None, b"binance", "spark.commands").reason == "invalid"
    assert tombstone(topics.BALANCES, "a") == Encoded(topics.BALANCES, "a", None)
    with pytest.raises(ValueError, match="not compacted"):
        tombstone(topics.COMMANDS, "binance")


@pytest.mark.parametrize("value", [*NOT_JSON.values(), *INVALID.values()])
def test_the_reason_does_not_quote_the_record(value: bytes):
    # Names of accounts and assets may be said, what is in them may not.
    for text in (b'"1"', b'"poll"', b'"main"', b'"2026-11-22T10:00:00.123Z"'):
        assert "hunter2" not in str(refused(value.replace(text, b'"hunter2 hunter2"')))


@given(st.binary(max_size=300), st.sampled_from(sorted(topics.TOPICS)))
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_are_it_is_a_decode_error(value: bytes, topic: str):
    refused(value, KEY, topic)


@given(st.data(), make.events())
@settings(max_examples=100, **make.UNHURRIED)
def test_a_damaged_event_is_an_event_or_a_decode_error(data: st.DataObject, event):
    record = encode(event)
    value = bytearray(record.value or b"")
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(record.topic.name, record.key.encode(), bytes(value))
    except DecodeError as error:
        reason = error.reason
    else:
        return
    assert reason in {"not_json", "invalid", "wrong_key", "schema_unsupported"}


def test_30_decimals_are_kept_exactly():
    text = "1234567890." + "123456789012345678901234567890"
    event = decode("spark.balances", KEY, amount(text)).event
    assert isinstance(event, BalanceSnapshot)
    assert event.balances[0].total == Decimal(text)


def test_deep_nesting_in_a_field_nobody_reads_is_harmless():
    assert decode("spark.balances", KEY, b'{"new":' + b"[" * 100 + b"]" * 100 + b"," + GOOD[1:]).event is not None


def test_a_record_over_its_limit_is_not_written():
    with pytest.raises(RecordTooLargeError, match=r"'a' on spark\.wanted has 16385 bytes, the limit is 16384"):
        encode_value(topics.WANTED, "a", b"x" * (16 * 1024 + 1))
    assert encode_value(topics.WANTED, "a", b"x" * (16 * 1024)).key == "a"


@pytest.mark.parametrize("key", ["", "x" * (KEY_BYTES_MAX + 1), "ü" * KEY_BYTES_MAX])
def test_a_key_over_its_limit_is_not_written(key: str):
    with pytest.raises(RecordTooLargeError, match="key"):
        encode_value(topics.WANTED, key, b"{}")


def test_a_snapshot_is_not_made_of_a_wrong_total():
    with pytest.raises(ValidationError, match=r"total of 'ETH' is not free \+ locked"):
        snapshot(row(), row("ETH", "1", "0.000000000000000001", "1"))
    with pytest.raises(ValidationError, match="twice"):
        snapshot(row(), row())


def test_a_quotes_version_is_the_exchanges_time_also_where_it_has_microseconds():
    quote = PriceQuote(
        epoch=0,
        seq=milliseconds(NOW),
        published_at=NOW,
        exchange="binance",
        base="BTC",
        quote="TRY",
        price=Decimal(1),
        priced_at=NOW,
    )
    record = encode(quote)
    assert decode("spark.prices", record.key.encode(), record.value).event == quote
    with pytest.raises(ValidationError, match="version"):
        PriceQuote.model_validate({**quote.model_dump(), "seq": quote.seq + 1})
    with pytest.raises(ValidationError, match="two different sides"):
        PriceQuote.model_validate({**quote.model_dump(), "quote": "BTC"})


@given(make.portfolio_states())
@settings(max_examples=20, **make.UNHURRIED)
def test_a_portfolio_whose_total_is_not_the_sum_is_refused(state: PortfolioState):
    more = MONEY.add(state.totals.total_usd, Decimal("0.000000000000000001"))
    fields = state.model_dump()
    fields["totals"]["total_usd"] = more
    with pytest.raises(ValidationError, match="not the sum of the accounts"):
        PortfolioState.model_validate(fields)


@pytest.mark.parametrize("part", ["by_exchange", "by_wallet", "by_asset"])
@given(data=st.data())
@settings(max_examples=10, **make.UNHURRIED)
def test_each_split_of_a_total_is_checked(part: str, data: st.DataObject):
    state = data.draw(make.portfolio_states().filter(lambda state: bool(state.totals.total_usd)))
    fields = state.model_dump()
    fields["totals"][part] = ()
    with pytest.raises(ValidationError, match="not the sum"):
        PortfolioState.model_validate(fields)


@given(make.account_states(exchange="binance"))
@settings(max_examples=30, **make.UNHURRIED)
def test_an_account_whose_total_is_not_the_sum_of_its_wallets_is_refused(account: AccountState):
    with pytest.raises(ValidationError, match="not the sum of its wallets"):
        AccountState.model_validate({**account.model_dump(), "total_usd": MONEY.add(account.total_usd, Decimal(1))})


def test_a_total_is_partial_exactly_when_there_is_a_reason():
    with pytest.raises(ValidationError, match="partial"):
        Totals(total_usd=Decimal(0), partial=True)
    with pytest.raises(ValidationError, match="partial"):
        Totals.model_validate({"total_usd": "0", "partial": False, "reasons": [{"kind": "no_account"}]})


@given(make.dead_letters())
@settings(max_examples=30, **make.UNHURRIED)
def test_a_dead_letter_of_a_full_kilobyte_fits_its_topic(letter):
    full = letter.model_copy(update={"head": base64.b64encode(b"\xff" * 1024).decode(), "message": "\u2028" * 500})
    assert decode("spark.deadletter", full.key.encode(), encode(full).value).event == full


@given(make.commands())
@settings(max_examples=30, **make.UNHURRIED)
def test_a_command_expires_at_its_moment(command):
    assert is_expired(command, command.expires_at)
    assert not is_expired(command, command.expires_at - dt.timedelta(milliseconds=1))
