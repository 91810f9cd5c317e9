"""Binance's spot account, funding wallet and key permissions (spot docs, rest-api.md; SDK binance-sdk-wallet)."""

from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT, ZERO, add, padded, plain
from simulator.binance.errors import invalid, malformed
from simulator.config import Holding
from simulator.jsontext import Raw, compact
from simulator.names import EARN_FLEXIBLE, EARN_LOCKED, FUNDING, SPOT
from simulator.world import Venue

Params = dict[str, str]
MIRROR: Final = "LD"
SATOSHI: Final = Decimal("0.00000001")
BRIDGE: Final = "USDT"
KEY_CREATED_MS: Final = 1_623_840_271_000
# The wallets of asset/wallet/balance; those the simulator does not have are there, empty.
WALLET_NAMES: Final = {
    "Spot": (SPOT,), "Funding": (FUNDING,), "Cross Margin": (), "Isolated Margin": (), "USDⓈ-M Futures": (),
    "COIN-M Futures": (), "Earn": (EARN_FLEXIBLE, EARN_LOCKED), "Options": (), "Trading Bots": (),
    "Copy Trading": (),
}  # fmt: skip


def flag(params: Params, name: str) -> bool:
    """Read a bool parameter. Raises -1102 style refusals for anything but true and false."""
    text = params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise malformed(name)
    return text == "true"


class SpotAccount:
    """/api/v3/account. Without omitZeroBalances every listed coin is a row, hundreds of them zero."""

    def __init__(self, *, mirrors: bool) -> None:
        """With `mirrors`, flexible Earn shows as LD rows, as it does at Binance."""
        self._mirrors = mirrors
        self._zero_rows: dict[str, str] = {}

    def rows(self, venue: Venue, label: str) -> dict[str, Holding]:
        """Return the spot wallet with its mirrors of flexible Earn."""
        rows = dict(venue.wallet(label, SPOT))
        if self._mirrors:
            for asset, holding in venue.wallet(label, EARN_FLEXIBLE).items():
                rows.setdefault(MIRROR + asset, Holding(holding.total))
        return rows

    def account(self, venue: Venue, params: Params, label: str) -> object:
        """Answer /api/v3/account."""
        omit = flag(params, "omitZeroBalances")
        held = self.rows(venue, label)
        codes = held if omit else dict.fromkeys((*venue.assets, *held))
        texts = [_row(code, held[code]) if _any(held.get(code)) else self._zero(code) for code in codes]
        if omit:
            texts = [_row(code, holding) for code, holding in held.items() if _any(holding)]
        head = compact(
            {
                "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
                "commissionRates": {
                    "maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000",
                },
                "canTrade": True, "canWithdraw": True, "canDeposit": True, "brokered": False,
                "requireSelfTradePrevention": False, "preventSor": False, "updateTime": venue.changed_ms[label],
                "accountType": "SPOT",
            }
        )  # fmt: skip
        return Raw(f'{head[:-1]},"balances":[{",".join(texts)}],"permissions":["SPOT"],"uid":354937868}}')

    def user_asset(self, venue: Venue, params: Params, label: str) -> object:
        """Answer /sapi/v3/asset/getUserAsset: the positive rows of spot, unpadded."""
        return _asset_rows(venue, params, self.rows(venue, label))

    def _zero(self, code: str) -> str:
        found = self._zero_rows.get(code)
        if found is None:
            found = self._zero_rows[code] = _row(code, Holding())
        return found


def _row(code: str, holding: Holding) -> str:
    return compact({"asset": code, "free": padded(holding.free), "locked": padded(holding.used)})


def _any(holding: Holding | None) -> bool:
    return holding is not None and bool(holding.total)


def funding(venue: Venue, params: Params, label: str) -> object:
    """/sapi/v1/asset/get-funding-asset."""
    return _asset_rows(venue, params, venue.wallet(label, FUNDING))


def _asset_rows(venue: Venue, params: Params, held: dict[str, Holding]) -> object:
    """Rows with parts that all belong to the total, and `ipoable`, which does not: it is a view of `free`."""
    valued = flag(params, "needBtcValuation")
    wanted = params.get("asset")
    return [
        {
            "asset": code, "free": plain(one.free), "locked": plain(one.locked), "freeze": plain(one.freeze),
            "withdrawing": plain(one.withdrawing), "ipoable": plain(one.free if code == "BNB" else ZERO),
            "btcValuation": plain(value_in(venue, code, one.total, "BTC")) if valued else "0",
        }
        for code, one in held.items()
        if _any(one) and wanted in {None, code}
    ]  # fmt: skip


def value_in(venue: Venue, asset: str, amount: Decimal, quote: str) -> Decimal:
    """Return the worth of an amount in `quote`, by way of USDT where no pair exists; 0 for what has no price."""
    market = venue.market
    rate = market.value(asset, quote)
    if rate is None:
        first, second = market.value(asset, BRIDGE), market.value(BRIDGE, quote)
        rate = ZERO if first is None or second is None else EXACT.multiply(first, second)
    return EXACT.multiply(amount, rate).quantize(SATOSHI, context=EXACT)


def wallet_balance(venue: Venue, params: Params, label: str) -> object:
    """/sapi/v1/asset/wallet/balance: one row per wallet, worth in `quoteAsset` (BTC unless given)."""
    quote = params.get("quoteAsset", "BTC")
    if quote not in venue.assets:
        raise invalid("quoteAsset")
    detail = flag(params, "needBalanceDetail")
    rows: list[dict[str, object]] = []
    for name, wallets in WALLET_NAMES.items():
        held = [(code, one) for wallet in wallets for code, one in venue.wallet(label, wallet).items() if one.total]
        worth = add(*(value_in(venue, code, one.total, quote) for code, one in held))
        row: dict[str, object] = {"activate": bool(wallets), "balance": plain(worth), "walletName": name}
        if detail:
            row["assetBalances"] = [
                {
                    "asset": code, "assetName": code, "free": plain(one.free), "locked": plain(one.locked),
                    "freeze": plain(one.freeze), "withdrawing": plain(one.withdrawing),
                    "btcValuation": plain(value_in(venue, code, one.total, "BTC")),
                }
                for code, one in held
            ]  # fmt: skip
        rows.append(row)
    return rows


def restrictions(venue: Venue, _params: Params, label: str) -> object:
    """/sapi/v1/account/apiRestrictions: what this key may do."""
    flags = venue.permissions[label]
    return {"ipRestrict": flags["ipRestrict"], "createTime": KEY_CREATED_MS, **flags}
