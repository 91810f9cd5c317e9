"""A slow aggregator that is right because it is plain: it keeps the newest events and works everything out again."""

import datetime as dt
import itertools
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from schemas.amounts import AmountError, check_amount, invert, multiply, round_value, shorten
from schemas.assets import BRIDGES, DISPLAY_CURRENCIES, identity_of
from schemas.encoding import Decoded
from schemas.events import BalanceSnapshot, CollectorStatus, Permissions, PriceQuote
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

SECOND = dt.timedelta(seconds=1)
WORST = ["suspicious", "stale", "fresh"]


def fit(total):
    """The sum as an amount: with as many decimals as there is room for."""
    with localcontext(prec=200):
        for decimals in range(30, -1, -1):
            try:
                return check_amount(total.quantize(Decimal(1).scaleb(-decimals)))
            except AmountError:
                continue
    return Decimal(10**40 - 1)


def sum_of(amounts):
    with localcontext(prec=200):
        return sum(amounts, Decimal(0))


def close(left, right, factor):
    return left <= right * factor and right <= left * factor


class Reference:
    def __init__(self, pegs=("USDT",)):
        self.pegs = pegs
        self.versions = {}
        self.facts = {}
        self.seen = {}
        self.quotes = {}
        self.guards = {}
        self.held = {}

    def apply(self, fact: Decoded, now: dt.datetime) -> None:
        key = (fact.topic.name, fact.key)
        event = fact.event
        if event is None:
            self.facts.pop(key, None)
            self.quotes.pop(fact.key, None) if fact.topic.name == "spark.prices" else None
            if fact.topic.name == "spark.prices":
                self.guards.pop(fact.key, None)
                self.held.pop(fact.key, None)
            return
        if isinstance(event, PriceQuote) and event.priced_at > now + 60 * SECOND:
            return
        if event.version <= self.versions.get(key, (-1, -1)):
            return
        self.versions[key] = event.version
        if isinstance(event, PriceQuote):
            self.apply_quote(fact.key, event, now)
        else:
            self.facts[key] = event
            self.seen[key] = now

    def apply_quote(self, key, event, now):
        self.expire(now)
        guard = self.guards.get(key)
        if event.price and guard and now <= guard.priced_at + dt.timedelta(hours=24):
            held = self.held.get(key)
            confirmed = held and event.priced_at > held.priced_at and close(event.price, held.price, Decimal("1.2"))
            if not close(event.price, guard.price, 3) and not confirmed:
                self.held[key] = event
                return
        self.quotes[key] = event
        self.held.pop(key, None)
        if event.price:
            self.guards[key] = event
        self.expire(now)

    def expire(self, now):
        for key, event in list(self.quotes.items()):
            if now > event.priced_at + dt.timedelta(hours=24):
                for table in (self.quotes, self.guards, self.held):
                    table.pop(key, None)

    def reset(self, topic):
        self.versions = {key: version for key, version in self.versions.items() if key[0] != topic}

    # Prices

    def steps(self, have, want):
        for event in self.quotes.values():
            base, quote = identity_of(event.exchange, event.base), identity_of(event.exchange, event.quote)
            if event.price and (base, quote) == (have, want):
                yield ("direct", have, want, event)
            if event.price and (quote, base) == (have, want):
                yield ("inverse", have, want, event)

    def stale(self, event, now):
        return now > event.priced_at + 120 * SECOND

    def dollar(self, exchange, peg, now):
        real = [step for step in self.steps(peg, "USD") if not self.stale(step[3], now)]
        real.sort(key=lambda step: (step[3].exchange != exchange, step[0] == "inverse", step[3].exchange))
        return real[0] if real else ("peg", peg, "USD", None)

    def path(self, exchange, asset, now):
        if asset == "USD":
            return []
        if asset in self.pegs:
            return [self.dollar(exchange, asset, now)]
        ends = ["USD", *self.pegs]
        middles = [bridge for bridge in BRIDGES if bridge not in ends and bridge != asset]
        found = []
        for end in ends:
            found += [([one], end, -1) for one in self.steps(asset, end)]
            for middle in middles:
                two = itertools.product(self.steps(asset, middle), self.steps(middle, end))
                found += [(list(legs), end, BRIDGES.index(middle)) for legs in two]

        def order(option):
            legs, end, middle = option
            places = [leg[3].exchange for leg in legs]
            where = 0 if set(places) == {exchange} else 1 if len(set(places)) == 1 else 2
            inverse = sum(leg[0] == "inverse" for leg in legs)
            shape = 2 if len(legs) == 2 else inverse
            return any(self.stale(leg[3], now) for leg in legs), where, shape, inverse, ends.index(end), middle, places

        if not found:
            return None
        legs, end, _ = min(found, key=order)
        return legs if end == "USD" else [*legs, self.dollar(exchange, end, now)]

    def price(self, exchange, asset, now) -> AssetPrice | None:
        path = self.path(exchange, asset, now)
        if path is None:
            return None
        price, ago, legs = Decimal(1), Decimal(1), []
        for kind, base, quote, event in path:
            one = Decimal(1) if event is None else invert(event.price) if kind == "inverse" else event.price
            price = shorten(multiply(price, shorten(one)))
            before = Decimal(1) if event is None else event.price_24h_ago or None
            if before is not None and kind == "inverse":
                before = invert(before)
            ago = None if ago is None or before is None else shorten(multiply(ago, shorten(before)))
            more = {} if event is None else {"exchange": event.exchange, "priced_at": event.priced_at, "seq": event.seq}
            stale = event is not None and self.stale(event, now)
            legs.append(PriceLeg(kind=kind, base=base, quote=quote, price=one, stale=stale, **more))
        try:
            price = check_amount(price)
        except AmountError:
            return None
        if not price:
            return None
        try:
            ago = None if ago is None else check_amount(ago) or None
        except AmountError:
            ago = None
        return AssetPrice(
            exchange=exchange,
            asset=asset,
            price_usd=price,
            price_24h_ago_usd=ago,
            path=(asset, *(leg.quote for leg in legs)),
            legs=tuple(legs),
            priced_at=min((leg.priced_at for leg in legs if leg.priced_at), default=None),
            stale=any(leg.stale for leg in legs),
        )

    def rate_prices(self, now):
        places = sorted({event.exchange for event in self.quotes.values()})
        return [self.price(places[0], code, now) for code in DISPLAY_CURRENCIES] if places else []

    # The state

    def state(self, name: str, now: dt.datetime, version=(1, 1)) -> PortfolioState | None:
        self.expire(now)
        mine = [event for event in self.facts.values() if event.portfolio == name]
        snapshots = [event for event in mine if isinstance(event, BalanceSnapshot)]
        statuses = {(e.exchange, e.account): e for e in mine if isinstance(e, CollectorStatus)}
        keys = sorted({(event.exchange, event.account) for event in mine})
        if not keys:
            return None
        accounts, sources, reasons = [], [], []
        for key in keys:
            wallets = sorted((s for s in snapshots if (s.exchange, s.account) == key), key=lambda s: s.wallet)
            status = statuses.get(key)
            sources.append(self.source(key, status, wallets, now))
            if wallets:
                accounts.append(self.account(key, status, wallets, sources[-1].state, now))
            reasons += self.reasons(key, status, accounts[-1] if wallets else None)
        if not accounts:
            reasons.insert(0, PartialReason(kind="no_account"))
        rates = [price for price in self.rate_prices(now) if price]
        used = {(price.exchange, price.asset): price for price in rates}
        for account in accounts:
            for holding in account.holdings:
                code = identity_of(account.exchange, (holding.mirror_of or holding).asset)
                price = self.price(account.exchange, code, now)
                if price:
                    used[account.exchange, code] = price
        prices = tuple(price for _, price in sorted(used.items()))
        return PortfolioState(
            epoch=version[0],
            seq=version[1],
            published_at=now,
            valued_at=now,
            portfolio=name,
            accounts=tuple(accounts),
            sources=tuple(sources),
            totals=self.totals(accounts, reasons),
            prices=prices,
            rates=tuple(self.rate(price) for price in rates if invert(price.price_usd)),
            pegs=tuple(sorted({leg.base for price in prices for leg in price.legs if leg.kind == "peg"})),
        )

    @staticmethod
    def rate(price):
        per_usd = invert(price.price_usd)
        return Rate(
            currency=price.asset, per_usd=per_usd, path=price.path, priced_at=price.priced_at, stale=price.stale
        )

    def source(self, key, status, wallets, now):
        heard = [status] if status else wallets
        offset = dt.timedelta(milliseconds=status.clock_offset_ms or 0) if status else 0 * SECOND
        alive = max(min(e.published_at + offset, self.seen[e.topic.name, e.key]) for e in heard)
        quiet = now - alive
        state = "starting" if status is None else status.state
        if quiet > 45 * SECOND:
            state = "unconfigured" if quiet > 600 * SECOND else "silent"
        if status is None:
            return Source(exchange=key[0], account=key[1], state=state, permissions=Permissions(state="unknown"))
        return Source(
            exchange=key[0],
            account=key[1],
            state=state,
            last_success_at=status.last_success_at,
            error=status.error,
            permissions=status.permissions,
            wallets=status.wallets,
        )

    def account(self, key, status, snapshots, state, now):
        wallets, holdings = [], []
        names = {(snapshot.wallet, row.asset) for snapshot in snapshots for row in snapshot.balances if row.total}
        for snapshot in snapshots:
            rows = [self.holding(snapshot, balance, names, now) for balance in snapshot.balances if balance.total]
            holdings += rows
            limit = max(60.0, 3 * snapshot.poll_interval_seconds) * SECOND
            stale_at = min(snapshot.observed_at, self.seen[snapshot.topic.name, snapshot.key]) + limit
            mark = "fresh"
            if now > stale_at or state in ("refused", "unconfigured", "silent"):
                mark = "stale"
            if status and status.epoch > snapshot.epoch:
                mark = "stale"
            if status and any(w.wallet == snapshot.wallet and w.health == "suspicious" for w in status.wallets):
                mark = "suspicious"
            wallets.append(
                WalletState(
                    wallet=snapshot.wallet,
                    status=mark,
                    observed_at=snapshot.observed_at,
                    requested_at=snapshot.requested_at,
                    stale_at=stale_at,
                    cause=snapshot.cause,
                    command_id=snapshot.command_id,
                    poll_interval_seconds=snapshot.poll_interval_seconds,
                    epoch=snapshot.epoch,
                    seq=snapshot.seq,
                    asset_count=len(rows),
                    total_usd=sum_of(row.value_usd for row in rows if row.counted and row.value_usd is not None),
                )
            )
        return AccountState(
            exchange=key[0],
            account=key[1],
            status=min((wallet.status for wallet in wallets), key=WORST.index),
            observed_at=min(wallet.observed_at for wallet in wallets),
            wallets=tuple(wallets),
            holdings=tuple(holdings),
            total_usd=sum_of(wallet.total_usd for wallet in wallets),
        )

    def holding(self, snapshot, balance, names, now):
        asset = identity_of(snapshot.exchange, balance.asset)
        priced_as = identity_of(snapshot.exchange, (balance.mirror_of or balance).asset)
        price = self.price(snapshot.exchange, priced_as, now)
        value = self.value(balance.total, price and price.price_usd)
        return Holding(
            asset=asset,
            code=None if asset == balance.asset else balance.asset,
            wallet=snapshot.wallet,
            free=balance.free,
            locked=balance.locked,
            total=balance.total,
            mirror_of=balance.mirror_of,
            counted=balance.mirror_of is None or (balance.mirror_of.wallet, balance.mirror_of.asset) not in names,
            price_usd=price and price.price_usd,
            price_stale=bool(price and price.stale),
            value_usd=value,
            value_24h_ago_usd=None if value is None else self.value(balance.total, price.price_24h_ago_usd),
        )

    @staticmethod
    def value(amount, price):
        if price is None:
            return None
        try:
            value = round_value(multiply(amount, price))
        except AmountError:
            return None
        return value if value < 10**16 else None

    def reasons(self, key, status, account):
        who = {"exchange": key[0], "account": key[1]}
        if account is None:
            return [PartialReason(kind="never_read", **who)] if status.state != "unconfigured" else []
        old = [w for w in account.wallets if w.status != "fresh"]
        read = {wallet.wallet for wallet in account.wallets}
        never = [w.wallet for w in (status.wallets if status else ()) if w.wallet not in read]
        return [PartialReason(kind=f"wallet_{w.status}", wallet=w.wallet, **who) for w in old] + [
            PartialReason(kind="wallet_never_read", wallet=wallet, **who) for wallet in never
        ]

    def totals(self, accounts, reasons):
        rows = [(account, row) for account in accounts for row in account.holdings if row.counted]
        by_asset, unpriced, reasons = [], [], list(reasons)
        for asset in sorted({row.asset for _, row in rows}):
            mine = sorted(
                ((a, row) for a, row in rows if row.asset == asset), key=lambda p: (p[0].exchange, p[0].account)
            )
            for exchange in sorted({account.exchange for account, _ in mine}):
                here = [(account, row) for account, row in mine if account.exchange == exchange]
                if any(row.value_usd is None for _, row in here):
                    reasons.append(PartialReason(kind="unpriced", exchange=exchange, asset=asset))
                if any(row.price_stale and row.value_usd is not None for _, row in here):
                    reasons.append(PartialReason(kind="price_stale", exchange=exchange, asset=asset))
            unpriced += [
                Unpriced(exchange=a.exchange, account=a.account, wallet=row.wallet, asset=asset, amount=row.total)
                for a, row in mine
                if row.value_usd is None
            ]
            by_asset.append(self.asset_total(asset, [row for _, row in mine]))
        total = sum_of(account.total_usd for account in accounts)
        return Totals(
            total_usd=total,
            partial=bool(reasons),
            reasons=tuple(reasons),
            unpriced=tuple(unpriced),
            by_exchange=self.named((account.exchange, account.total_usd) for account in accounts),
            by_wallet=self.named((w.wallet, w.total_usd) for account in accounts for w in account.wallets),
            by_asset=tuple(by_asset),
            change_24h=self.change([row for _, row in rows]),
        )

    @staticmethod
    def named(pairs):
        sums = {}
        for name, total in pairs:
            sums[name] = sum_of([sums.get(name, Decimal(0)), total])
        return tuple(NamedTotal(name=name, total_usd=total) for name, total in sorted(sums.items()))

    def asset_total(self, asset, rows):
        priced = [row for row in rows if row.value_usd is not None]
        change = self.change(rows)
        return AssetTotal(
            asset=asset,
            total=fit(sum_of(row.total for row in rows)),
            value_usd=sum_of(row.value_usd for row in priced) if priced else None,
            unpriced=fit(sum_of(row.total for row in rows if row.value_usd is None)),
            change_24h_usd=change and change.usd,
            change_24h_percent=change and change.percent,
        )

    @staticmethod
    def change(rows):
        both = [row for row in rows if row.value_24h_ago_usd is not None]
        if not both:
            return None
        ago = sum_of(row.value_24h_ago_usd for row in both)
        usd = sum_of([*(row.value_usd for row in both), -ago])
        percent = None
        if ago:
            with localcontext(prec=200, rounding=ROUND_HALF_EVEN):
                percent = (100 * usd / ago).quantize(Decimal("0.0001"))
        return Change(usd=usd, percent=percent, complete=len(both) == len(rows))
