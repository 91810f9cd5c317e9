"""The fold of one portfolio: its accounts, wallets and rows, and what of each asset is held where. Pure.

A snapshot replaces its wallet. Rows that it leaves as they were are kept, with what was worked out for them, so the
cost of a snapshot is the cost of what changed in it. Nothing is valued here: what has to be is only marked.
"""

import sys
from collections.abc import Callable

from aggregator.holdings import Account, AssetSum, Mirror, Position, Row, Wallet, add_amounts, subtract_amounts
from aggregator.marks import SourceStatus
from aggregator.pricing import Pricing, Pricings
from schemas.assets import identity_of
from schemas.events import Balance, BalanceSnapshot, CollectorStatus

Change = Callable[[str, str], None]
"""Told the portfolio and the asset that it holds from now on, or no more."""


class Portfolio:
    """One portfolio, and what in it must be worked out again before its next state."""

    def __init__(self, name: str, pricings: Pricings, *, held: Change, released: Change) -> None:
        self.name = name
        self.accounts: dict[tuple[str, str], Account] = {}
        self.assets: dict[str, AssetSum] = {}
        self.positions: dict[tuple[str, str, str], Position] = {}
        self.dirty_rows: set[Row] = set()
        self.dirty_accounts: set[Account] = set()
        self.dirty_assets: set[AssetSum] = set()
        self.prices_round = -1
        """Which round of the display rates the sorted prices below include; -1 when they must be sorted anew."""
        self.prices: tuple[Pricing, ...] = ()
        self.sorted_accounts: tuple[Account, ...] | None = None
        self.sorted_assets: tuple[AssetSum, ...] | None = None
        self._pricings = pricings
        self._held = held
        self._released = released

    def apply_snapshot(self, event: BalanceSnapshot, now: int) -> Account:
        """Replace a wallet by its newer snapshot. Versions were looked at before."""
        account = self._account(event.exchange, event.account)
        wallet = account.wallets.get(event.wallet)
        if wallet is None:
            wallet = Wallet(account, event.wallet)
            account.wallets[wallet.name] = wallet
        wallet.take(event, now)
        listed = wallet.rows.keys()
        self._replace_rows(wallet, event.balances)
        if wallet.rows.keys() != listed:
            self._recount_mirrors(account)
        self.dirty_accounts.add(account)
        return account

    def apply_status(self, event: CollectorStatus, now: int) -> Account:
        """Take in how the reading of an account goes."""
        account = self._account(event.exchange, event.account)
        account.status = SourceStatus(event, now)
        self.dirty_accounts.add(account)
        return account

    def delete_wallet(self, exchange: str, name: str, wallet_name: str) -> Account | None:
        """Forget a wallet; None if it was not there. The account goes with its last wallet and its status."""
        account = self.accounts.get((exchange, name))
        wallet = None if account is None else account.wallets.pop(wallet_name, None)
        if account is None or wallet is None:
            return None
        for row in wallet.rows.values():
            self._detach(row)
        self._recount_mirrors(account)
        return self._left(account)

    def delete_status(self, exchange: str, name: str) -> Account | None:
        """Forget what the collector said of an account; None if it said nothing."""
        account = self.accounts.get((exchange, name))
        if account is None or account.status is None:
            return None
        account.status = None
        return self._left(account)

    def revalue(self, position: Position) -> None:
        """Mark everything that hangs on the price of a position."""
        self.dirty_rows.update(position.rows)
        self.dirty_assets.add(position.sum)

    def _account(self, exchange: str, name: str) -> Account:
        account = self.accounts.get((exchange, name))
        if account is None:
            account = Account(self, exchange, name)
            self.accounts[account.exchange, account.name] = account
            self.sorted_accounts = None
        return account

    def _left(self, account: Account) -> Account:
        if account.wallets or account.status is not None:
            self.dirty_accounts.add(account)
        else:
            del self.accounts[account.exchange, account.name]
            self.dirty_accounts.discard(account)
            self.sorted_accounts = None
        return account

    def _replace_rows(self, wallet: Wallet, balances: tuple[Balance, ...]) -> None:
        old = wallet.rows
        new: dict[str, Row] = {}
        mirrors = []
        for balance in balances:
            total, locked, mirror_of = balance.total, balance.locked, balance.mirror_of
            mirror = None if mirror_of is None else (mirror_of.wallet, mirror_of.asset)
            row = old.get(balance.asset)
            # Rows that were not read anew bring the very same numbers; looking at these would only fetch them.
            if (
                row is None
                or (row.total is not total and row.total != total)
                or (row.locked is not locked and row.locked != locked)
                or row.mirror != mirror
            ):
                if not total:
                    continue
                row = self._attach(wallet, balance, mirror)
            if mirror is not None:
                mirrors.append(row)
            new[row.code] = row
        for code, row in old.items():
            if new.get(code) is not row:
                self._detach(row)
        wallet.rows = new
        wallet.mirrors = tuple(mirrors)

    def _recount_mirrors(self, account: Account) -> None:
        """Look again at which mirrored rows count, after a wallet came, went, or lists other assets."""
        for wallet in account.wallets.values():
            for row in wallet.mirrors:
                counted = _counts(account, row.mirror)
                if counted == row.counted:
                    continue
                if row.text:
                    self._count(row, -1)
                row.counted = counted
                if row.text:
                    self._count(row, 1)
                self.dirty_rows.add(row)

    def _attach(self, wallet: Wallet, balance: Balance, mirror: Mirror | None) -> Row:
        exchange = wallet.account.exchange
        asset = identity_of(exchange, balance.asset)
        priced_as = asset if mirror is None else identity_of(exchange, mirror[1])
        position = self.positions.get((exchange, asset, priced_as))
        if position is None:
            position = self._add_position(exchange, sys.intern(asset), sys.intern(priced_as))
        row = Row(wallet, position, balance, mirror)
        row.counted = _counts(wallet.account, mirror)
        position.rows[row] = None
        self.dirty_rows.add(row)
        return row

    def _detach(self, row: Row) -> None:
        if row.text:
            self._count(row, -1)
        self.dirty_rows.discard(row)
        position = row.position
        del position.rows[row]
        if not position.rows:
            self._drop_position(position)

    def _count(self, row: Row, sign: int) -> None:
        """Put a row into the running sums, or take it out of them, as it is counted and valued now.

        A row is in the sums from its first valuation on, when it gets its text.
        """
        position = row.position
        self.dirty_assets.add(position.sum)
        if not row.counted:
            return
        change = add_amounts if sign > 0 else subtract_amounts
        position.counted += sign
        position.amount = change(position.amount, row.total)
        if row.value is None:
            position.unpriced = change(position.unpriced, row.total)
            return
        position.value += sign * row.value
        row.wallet.total += sign * row.value
        if row.ago is not None:
            position.aged += sign
            position.both += sign * row.value
            position.ago += sign * row.ago

    def set_value(self, row: Row, value: int | None, ago: int | None) -> None:
        """Give a row another value; the sums follow."""
        if row.text:
            if value == row.value and ago == row.ago:
                return
            self._count(row, -1)
        row.value = value
        row.ago = ago
        self._count(row, 1)
        self.dirty_accounts.add(row.wallet.account)

    def _add_position(self, exchange: str, asset: str, priced_as: str) -> Position:
        pricing = self._pricings.acquire(exchange, priced_as)
        assets = self.assets.get(asset)
        if assets is None:
            assets = self.assets[asset] = AssetSum(asset)
            self.sorted_assets = None
        position = Position(self, assets, pricing)
        pricing.positions.add(position)
        assets.positions.append(position)
        self.positions[exchange, asset, priced_as] = position
        self.prices_round = -1
        self._held(self.name, priced_as)
        return position

    def _drop_position(self, position: Position) -> None:
        pricing, assets = position.pricing, position.sum
        del self.positions[pricing.exchange, assets.asset, pricing.asset]
        pricing.positions.discard(position)
        self._pricings.release(pricing)
        assets.positions.remove(position)
        if not assets.positions:
            del self.assets[assets.asset]
            self.dirty_assets.discard(assets)
            self.sorted_assets = None
        self.prices_round = -1
        self._released(self.name, pricing.asset)


def _counts(account: Account, mirror: Mirror | None) -> bool:
    """A mirrored row counts unless the other wallet is there and lists the asset: else it would be counted nowhere."""
    if mirror is None:
        return True
    other = account.wallets.get(mirror[0])
    return other is None or mirror[1] not in other.rows
