"""The demo's world: two plausible accounts, and markets whose prices agree with each other. The same for one seed."""

import base64
import hashlib
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT
from simulator.config import Account, Holding, Listing, SimulatorConfig
from simulator.names import (
    BINANCE,
    BTCTURK,
    EARN_FLEXIBLE,
    EARN_LOCKED,
    EXCHANGES,
    FUNDING,
    SPOT,
    UnknownNameError,
)

# Worth of one coin in USDT, roughly. TRY is 1 / 42.4.
WORTH: Final = {
    "BTC": "82500", "ETH": "2950", "BNB": "830", "SOL": "135", "LDO": "0.72", "币安人生": "0.145", "AXS": "1.12",
    "DOT": "2.4", "AVAX": "13.6", "XRP": "2.05", "ADA": "0.41", "DOGE": "0.142", "TRX": "0.28", "LINK": "12.9",
    "USDC": "0.9998", "EUR": "1.153", "LUNA": "0.071", "USDT": "1", "TRY": "0.02358490566",
}  # fmt: skip
# Coins tied to money move little in a day.
CALM: Final = frozenset({"USDT", "USDC", "EUR", "TRY"})
BINANCE_PAIRS: Final = (
    "BTC/USDT ETH/USDT BNB/USDT SOL/USDT LDO/USDT 币安人生/USDT AXS/USDT DOT/USDT AVAX/USDT XRP/USDT ADA/USDT "
    "DOGE/USDT TRX/USDT LINK/USDT USDC/USDT EUR/USDT ETH/BTC BNB/BTC SOL/BTC USDT/TRY BTC/TRY ETH/TRY BTC/EUR "
    "ETH/EUR LUNA/USDT"
)
BTCTURK_PAIRS: Final = (
    "BTC/TRY ETH/TRY USDT/TRY AVAX/TRY SOL/TRY XRP/TRY ADA/TRY DOGE/TRY DOT/TRY LINK/TRY TRX/TRY LDO/TRY AXS/TRY "
    "USDC/TRY BNB/TRY BTC/USDT ETH/USDT AVAX/USDT SOL/USDT XRP/USDT ADA/USDT DOGE/USDT DOT/USDT LINK/USDT"
)
HALTED: Final = "LUNAUSDT"
STALE: Final = Decimal("1.31")
# Codes that are listed and, in the demo, not held. Real ones first, so that rows look familiar.
FURTHER_CODES: Final = (
    "LTC NEO QTUM EOS SNT GAS BCC ZRX OMG LRC KNC FUN IOTA XVG MTL ETC ZEC DASH STORJ ENJ POWR XMR VIB RCN BAT LSK "
    "MANA ADX XLM WAVES ICX ELF RLC PIVX IOST STEEM BLZ ZIL ONT WAN QLC SYS LOOM REP TUSD ZEN THETA IOTX DATA SC KEY "
    "MFT DENT ARDR HOT VET DOCK POLY HC RVN DCR BCH ATOM ALGO MATIC CHZ BAND XTZ HBAR NKN STX KAVA ARPA CTXC TROY FTT "
    "OGN WRX LTO MBL COTI SOLO CTSI CVC HIVE CHR STMX MDT COMP SXP SNX VTHO DGB MKR YFI CRV SAND UNI AAVE FIL NEAR "
    "GRT INJ OP ARB APT SUI PEPE SHIB FLOKI WIF TON"
)
GENERATED_CODES: Final = 320
BTCTURK_CODES: Final = 60


def fake_account(
    exchange: str,
    label: str,
    balances: Mapping[str, Mapping[str, Holding]] | None = None,
    earn_positions: Mapping[str, int] | None = None,
) -> Account:
    """Return an account with made-up keys of the right form, the same for the same names. Raises UnknownNameError."""
    if exchange not in EXCHANGES:
        raise UnknownNameError("exchange", exchange, EXCHANGES)
    key, secret = (hashlib.sha256(f"fake {exchange}/{label} {what}".encode()) for what in ("key", "secret"))
    if exchange == BINANCE:
        key_text, secret_text = f"FAKEKEY{key.hexdigest()}"[:64], f"FAKESECRET{secret.hexdigest()}"[:64]
    else:
        key_text = f"fake-{key.hexdigest()[:32]}"
        secret_text = base64.b64encode((b"FAKE BTCTURK SECRET " + secret.digest())[:32]).decode()
    return Account(label, key_text, secret_text, balances or {}, earn_positions or {})


def demo_config(seed: int = 0) -> SimulatorConfig:
    """Return the demo's world. The seed moves prices a little; balances are the same for every seed."""
    chance = random.Random(f"demo-{seed}")  # noqa: S311 - chance for a demo, not secrets
    now = {
        code: EXACT.multiply(Decimal(worth), _moved(chance, 100 if code not in CALM else 2))
        for code, worth in WORTH.items()
    }
    before = {
        code: EXACT.multiply(worth, _moved(chance, 400 if code not in CALM else 10)) for code, worth in now.items()
    }
    now["USDT"] = before["USDT"] = Decimal(1)
    return SimulatorConfig(
        seed=seed,
        accounts={BINANCE: (_binance_account(),), BTCTURK: (_btcturk_account(),)},
        listings={
            BINANCE: tuple(_listing(pair, now, before, Decimal(1)) for pair in BINANCE_PAIRS.split()),
            BTCTURK: tuple(_listing(pair, now, before, _moved(chance, 10)) for pair in BTCTURK_PAIRS.split()),
        },
        assets={BINANCE: listed_codes(), BTCTURK: tuple(FURTHER_CODES.split()[:BTCTURK_CODES])},
    )


def listed_codes() -> tuple[str, ...]:
    """Return some hundreds of further codes, so that an answer with zero rows is as long as a real one."""
    return (*FURTHER_CODES.split(), *(f"SIM{number:03d}" for number in range(GENERATED_CODES)))


def _moved(chance: random.Random, most: int) -> Decimal:
    """Return a factor within `most` ten-thousandths of 1."""
    return EXACT.add(Decimal(1), Decimal(chance.randint(-most, most)).scaleb(-4))


def _listing(pair: str, now: Mapping[str, Decimal], before: Mapping[str, Decimal], noise: Decimal) -> Listing:
    base, _, quote = pair.partition("/")
    last = EXACT.multiply(EXACT.divide(now[base], now[quote]), noise)
    open_ = EXACT.multiply(EXACT.divide(before[base], before[quote]), noise)
    symbol = base + quote
    status = "TRADING"
    if symbol == HALTED:
        last, open_, status = STALE, STALE, "HALT"
    places = max(0, min(8, 5 - last.adjusted()))
    step = Decimal(1).scaleb(-places)
    return Listing(
        symbol, base, quote, last.quantize(step, context=EXACT), open_.quantize(step, context=EXACT), places, status
    )


def _held(free: str, locked: str = "0", freeze: str = "0", withdrawing: str = "0") -> Holding:
    return Holding(Decimal(free), Decimal(locked), Decimal(freeze), Decimal(withdrawing))


def _binance_account() -> Account:
    balances = {
        SPOT: {
            "BTC": _held("0.41250000", "0.05000000"),
            "ETH": _held("2.75310000", "0.25000000"),
            "BNB": _held("6.40120000"),
            "USDT": _held("1250.33000000", "300.00000000"),
            "SOL": _held("18.20000000"),
            "LDO": _held("320.50000000"),
            "币安人生": _held("1500.00000000"),
            "ETHW": _held("0.75000000"),  # no pair anywhere: it stays unpriced
            "DOGE": _held("0.00000001"),  # dust
        },
        FUNDING: {
            "USDT": _held("420.5", "0", "20", "5"),
            "TRY": _held("1500.75"),
            "BNB": _held("0.35"),
        },
        EARN_FLEXIBLE: {"USDT": _held("2000"), "BTC": _held("0.1"), "ETH": _held("0.40000000")},
        EARN_LOCKED: {"AXS": _held("122.09202928"), "DOT": _held("85.5")},
    }
    return fake_account(BINANCE, "main", balances, {"USDT": 2})


def _btcturk_account() -> Account:
    balances = {
        SPOT: {
            "TRY": _held("22349.3654565035348765", "4874.3628685722294523"),
            "BTC": _held("0.0839241464455326", "0.0110977199999998"),
            "ETH": _held("0.8120043219876543"),
            "USDT": _held("512.2500000000000001", "0", "0", "25"),
            "AVAX": _held("14.1234567890123456"),
        },
    }
    return fake_account(BTCTURK, "main", balances)
