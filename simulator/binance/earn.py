"""Binance Simple Earn: paged positions (SDK binance-sdk-simple-earn). Page sizes: default 10, at most 100."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT, add, padded
from simulator.binance.errors import malformed
from simulator.binance.wallets import SATOSHI, Params, value_in
from simulator.names import EARN_FLEXIBLE, EARN_LOCKED
from simulator.world import Venue

DEFAULT_SIZE: Final = 10
LARGEST_SIZE: Final = 100
LARGEST_PAGE: Final = 1_000_000
TIERS: Final = {"0-5BTC": Decimal("0.05"), "5-10BTC": Decimal("0.03")}
FIRST_POSITION: Final = 1_231_230_000_000_000_000  # ids of 19 digits: too long for a double


def _number(params: Params, name: str, default: int, largest: int) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(largest)) and 1 <= int(text) <= largest):
        raise malformed(name)
    return int(text)


def page_number(params: Params) -> int:
    """Return the page asked for, 1 when it cannot be read."""
    text = params.get("current", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_PAGE)) else 1


def _page(params: Params, rows: list[dict[str, object]]) -> object:
    current = _number(params, "current", 1, LARGEST_PAGE)
    size = _number(params, "size", DEFAULT_SIZE, LARGEST_SIZE)
    return {"rows": rows[(current - 1) * size : current * size], "total": len(rows)}


def _positions(venue: Venue, label: str, wallet: str, asset: str | None) -> Iterator[tuple[str, int, Decimal]]:
    """Yield (asset, number of the position, amount). Several positions of an asset add up to its holding."""
    splits = venue.account(label).earn_positions
    for code, holding in venue.wallet(label, wallet).items():
        if not holding.total or asset not in {None, code}:
            continue
        count = max(1, splits.get(code, 1))
        part = EXACT.divide(holding.total, Decimal(count)).quantize(SATOSHI, context=EXACT)
        # An amount too small to split stays one position.
        if EXACT.multiply(part, Decimal(count - 1)) >= holding.total:
            count, part = 1, holding.total
        for number in range(count - 1):
            yield code, number, part
        yield code, count - 1, EXACT.subtract(holding.total, EXACT.multiply(part, Decimal(count - 1)))


def flexible(venue: Venue, params: Params, label: str) -> object:
    """/sapi/v1/simple-earn/flexible/position. The tier rates are JSON numbers, the other rates strings."""
    wanted = params.get("productId")
    rows: list[dict[str, object]] = [
        {
            "totalAmount": padded(amount), "tierAnnualPercentageRate": TIERS,
            "latestAnnualPercentageRate": "0.02599895", "yesterdayAirdropPercentageRate": "0.00000000",
            "asset": code, "airDropAsset": "BETH", "canRedeem": True, "collateralAmount": "0.00000000",
            "productId": f"{code}{number + 1:03d}", "yesterdayRealTimeRewards": "0.00000100",
            "cumulativeBonusRewards": "0.00000000", "cumulativeRealTimeRewards": "0.00012000",
            "cumulativeTotalRewards": "0.00012000", "autoSubscribe": True,
        }
        for code, number, amount in _positions(venue, label, EARN_FLEXIBLE, params.get("asset"))
    ]  # fmt: skip
    return _page(params, [row for row in rows if wanted in {None, row["productId"]}])


def locked(venue: Venue, params: Params, label: str) -> object:
    """/sapi/v1/simple-earn/locked/position."""
    now_ms = venue.now_ms()
    rows: list[dict[str, object]] = [
        {
            "positionId": FIRST_POSITION + index, "parentPositionId": FIRST_POSITION - 1, "projectId": f"{code}*90",
            "asset": code, "amount": padded(amount), "purchaseTime": now_ms - 4 * 86_400_000, "duration": "90",
            "accrualDays": "4", "rewardAsset": code, "APY": "0.2032", "rewardAmt": "0.10000000",
            "extraRewardAsset": "BNB", "extraRewardAPR": "0.0203", "estExtraRewardAmt": "0.00100000",
            "nextPay": "0.01000000", "nextPayDate": now_ms + 3_600_000, "payPeriod": "1",
            "redeemAmountEarly": padded(amount), "rewardsEndDate": now_ms + 86 * 86_400_000,
            "deliverDate": now_ms + 87 * 86_400_000, "redeemPeriod": "1", "redeemingAmt": "0.00000000",
            "redeemTo": "FLEXIBLE", "canRedeemEarly": True, "canFastRedemption": True, "autoSubscribe": True,
            "type": "AUTO", "status": "HOLDING", "canReStake": True,
        }
        for index, (code, _, amount) in enumerate(_positions(venue, label, EARN_LOCKED, params.get("asset")))
    ]  # fmt: skip
    for name in ("positionId", "projectId"):
        if name in params:
            rows = [row for row in rows if str(row[name]) == params[name]]
    return _page(params, rows)


def summary(venue: Venue, _params: Params, label: str) -> object:
    """/sapi/v1/simple-earn/account: worth of both kinds, in BTC and USDT."""
    answer: dict[str, object] = {}
    kinds = {"AmountIn": (EARN_FLEXIBLE, EARN_LOCKED), "FlexibleAmountIn": (EARN_FLEXIBLE,), "LockedIn": (EARN_LOCKED,)}
    for name, wallets in kinds.items():
        held = [(code, one.total) for wallet in wallets for code, one in venue.wallet(label, wallet).items()]
        for quote in ("BTC", "USDT"):
            worth = add(*(value_in(venue, code, amount, quote) for code, amount in held))
            answer[f"total{name}{quote}"] = padded(worth)
    return answer
