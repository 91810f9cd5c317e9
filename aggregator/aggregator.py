"""The aggregator without its edge: routes events to the folds, and decides what to publish when. Pure.

It reads no clock: every call that needs the moment is given it. Events are taken in as they come and only mark;
:meth:`Aggregator.due` values what was marked and hands out what is to be published now.
"""

import datetime as dt
from collections.abc import Sequence as Facts
from typing import Final

from aggregator.alarms import Alarms
from aggregator.holdings import Account
from aggregator.marks import marks_of, next_mark, stale_limit
from aggregator.outlets import HEARTBEAT_MS, LONG_AGO, Outlet
from aggregator.portfolio import Portfolio
from aggregator.prices import Change, Outcome, PriceBook, Symbol, admit
from aggregator.pricing import Pricings
from aggregator.state import build, refresh
from aggregator.valuation import value_rows
from aggregator.wanted import Wanted
from schemas import topics
from schemas.encoding import Decoded, Encoded, RecordTooLargeError, encode_value, tombstone
from schemas.events import BalanceSnapshot, CollectorStatus, Event, PriceQuote, WantedAsset
from schemas.fields import from_milliseconds, milliseconds
from schemas.state_encoding import encode_state
from schemas.topics import Topic, join_key, split_key
from schemas.versions import Sequence, VersionGate

DEFAULT_PEGS: Final = ("USDT",)

ROWS_PER_CALL: Final = 2_000
"""So many rows are valued in one call of :meth:`Aggregator.due`, about 10 ms: others must get their turn."""

BYTES_PER_CALL: Final = 4 * 1024 * 1024
"""So much is handed out at once: half of the largest record, a few milliseconds of copying."""

CLOCK_BACK_MS_MAX: Final = 1_000
"""A clock that is set back by less (it is being slewed) stands still for us; by more, everything is looked at again."""


class Aggregator:
    """Holds the portfolios and the price book; see the module for what it promises."""

    def __init__(self, pegs: tuple[str, ...] = DEFAULT_PEGS) -> None:
        self.book = PriceBook()
        self.pricings = Pricings(self.book, pegs)
        self.refused: dict[str, str] = {}
        """Portfolios whose state is too large for a record, and the message that says so."""
        self.largest_epoch = 0
        """The largest epoch seen on the topics that we write."""
        self.replaced_by: int | None = None
        """The epoch of the writer that took our place; then nothing is handed out any more."""
        self._outlets: dict[str, Outlet] = {}
        self._wanted = Wanted(pegs)
        self._balances = VersionGate()
        self._collectors = VersionGate()
        self._accounts: Alarms[Account] = Alarms()
        self._sends: Alarms[Outlet] = Alarms()
        self._sequence: Sequence | None = None
        self._gone: dict[str, int] = {}
        """Portfolios that have nothing left, and from when on they are to be taken away from the topic."""
        self._rates_round = 0
        self._now = LONG_AGO

    @property
    def portfolios(self) -> int:
        """How many portfolios are held."""
        return len(self._outlets)

    @property
    def held_prices(self) -> int:
        """How many prices jumped and wait for a confirmation."""
        return len(self.book.held)

    def begin(self, epoch: int, now: dt.datetime) -> None:
        """All that was there at the start is known: publish from now on, with this epoch."""
        self._look_at_clock(now)
        self._sequence = Sequence(epoch)
        for outlet in self._outlets.values():
            self._touch(outlet, urgent=True)

    def apply(self, fact: Decoded, now: dt.datetime) -> Outcome:
        """Take one record in and say what became of it."""
        moment = self._look_at_clock(now)
        event = fact.event
        if isinstance(event, BalanceSnapshot):
            return self._apply_snapshot(fact.key, event, moment)
        if isinstance(event, PriceQuote):
            outcome, symbol, change = self.book.apply(event, moment)
            self._mark(symbol, change)
            return outcome
        if isinstance(event, CollectorStatus):
            return self._apply_status(fact.key, event, moment)
        if fact.topic is topics.WANTED or fact.topic is topics.PORTFOLIO:
            return self._see_own(fact.topic, fact.key, event)
        return self._delete(fact.topic, fact.key) if event is None else Outcome.REFUSED

    def topic_reset(self, topic: Topic) -> None:
        """A topic was emptied: values stay, versions are forgotten; what is ours is published again."""
        if topic is topics.BALANCES:
            self._balances.forget()
        elif topic is topics.COLLECTORS:
            self._collectors.forget()
        elif topic is topics.PRICES:
            self.book.gate.forget()
        elif topic is topics.WANTED:
            self._wanted.reset()
        elif topic is topics.PORTFOLIO:
            for outlet in self._outlets.values():
                outlet.sent_hash = None
                self._touch(outlet, urgent=True)

    def due(self, now: dt.datetime) -> list[Encoded]:
        """What is to be published at this moment, valued at this moment.

        One call does about 10 ms of work; when more is due, :meth:`next_due` says so by a moment that has come.
        """
        moment = self._look_at_clock(now)
        self._advance(moment)
        self._reprice()
        if self._sequence is None or self.replaced_by is not None:
            return []
        facts = self._wanted.due(moment, self._sequence)
        facts += self._retire(moment)
        rows_left, bytes_left = ROWS_PER_CALL, BYTES_PER_CALL
        for outlet in self._sends.due(moment):
            if self._outlets.get(outlet.portfolio.name) is not outlet:
                continue
            if outlet.due_at() > moment:
                self._sends.set(outlet, outlet.due_at())
                continue
            rows_left -= value_rows(outlet.portfolio, rows_left)
            if not outlet.portfolio.dirty_rows:
                fact = self._publish(outlet, moment, self._sequence)
                if fact is not None:
                    facts.append(fact)
                    bytes_left -= outlet.sent_size
            self._sends.set(outlet, outlet.due_at())
            if rows_left <= 0 or bytes_left <= 0:
                break
        return facts

    def _retire(self, now: int) -> list[Encoded]:
        gone = [name for name, at in self._gone.items() if at <= now]
        for name in gone:
            del self._gone[name]
        return [tombstone(topics.PORTFOLIO, join_key(name)) for name in gone]

    def next_due(self) -> dt.datetime | None:
        """The moment at which :meth:`due` has something to do, if nothing arrives before; None if never."""
        if self.replaced_by is not None:
            return None
        moments = [self._accounts.next_at(), self.book.alarms.next_at()]
        if self._sequence is not None:
            moments += [self._sends.next_at(), self._wanted.next_at()]
            moments += self._gone.values()
        if self.pricings.pending:
            moments.append(self._now)
        soonest = min((moment for moment in moments if moment is not None), default=None)
        return None if soonest is None else from_milliseconds(max(soonest, 0))

    def unsent(self, facts: Facts[Encoded], retry_at: dt.datetime) -> None:
        """These were not acknowledged. At that moment the newest there is goes out instead of them."""
        moment = milliseconds(retry_at)
        for fact in facts:
            if fact.topic is topics.WANTED:
                self._wanted.unsent(fact.key, moment)
                continue
            (name,) = split_key(fact.key)
            outlet = self._outlets.get(name)
            if outlet is None:
                self._gone[name] = moment
                continue
            outlet.sent_hash = None
            outlet.not_before = moment
            self._touch(outlet, urgent=True)

    def _apply_snapshot(self, key: str, event: BalanceSnapshot, now: int) -> Outcome:
        outcome = admit(self._balances, key, event.version)
        if outcome is Outcome.APPLIED:
            outlet = self._outlet(event.portfolio)
            self._changed(outlet, outlet.portfolio.apply_snapshot(event, now), now)
        return outcome

    def _apply_status(self, key: str, event: CollectorStatus, now: int) -> Outcome:
        outcome = admit(self._collectors, key, event.version)
        if outcome is Outcome.APPLIED:
            outlet = self._outlet(event.portfolio)
            self._changed(outlet, outlet.portfolio.apply_status(event, now), now)
        return outcome

    def _delete(self, topic: Topic, key: str) -> Outcome:
        """Take a tombstone in. What is not there cannot be taken away: a no-op, counted as a duplicate."""
        parts = split_key(key)
        account: Account | None = None
        if topic is topics.PRICES:
            outcome, symbol, change = self.book.delete(key)
            self._mark(symbol, change)
            return outcome
        outlet = self._outlets.get(parts[0])
        if topic is topics.BALANCES:
            self._balances.delete(key)
            if outlet is not None and len(parts) == 4:
                account = outlet.portfolio.delete_wallet(*parts[1:])
        elif topic is topics.COLLECTORS:
            self._collectors.delete(key)
            if outlet is not None and len(parts) == 3:
                account = outlet.portfolio.delete_status(*parts[1:])
        if outlet is None or account is None:
            return Outcome.DUPLICATE
        self._changed(outlet, account, self._now)
        return Outcome.DELETED

    def _changed(self, outlet: Outlet, account: Account, now: int) -> None:
        portfolio = outlet.portfolio
        if portfolio.accounts.get((account.exchange, account.name)) is not account:
            self._accounts.set(account, None)
        else:
            self._accounts.set(account, next_mark(account, now))
        if portfolio.accounts:
            self._touch(outlet, urgent=True)
        else:
            del self._outlets[portfolio.name]
            self.refused.pop(portfolio.name, None)
            self._sends.set(outlet, None)
            self._gone[portfolio.name] = now

    def _outlet(self, name: str) -> Outlet:
        outlet = self._outlets.get(name)
        if outlet is None:
            wanted = self._wanted
            portfolio = Portfolio(name, self.pricings, held=wanted.hold, released=wanted.release)
            outlet = self._outlets[name] = Outlet(portfolio)
            self._gone.pop(name, None)
        return outlet

    def _touch(self, outlet: Outlet, *, urgent: bool) -> None:
        if urgent:
            outlet.urgent = True
        else:
            outlet.priced = True
        self._sends.set(outlet, outlet.due_at())

    def _see_own(self, topic: Topic, key: str, event: Event | None) -> Outcome:
        """See a record of a topic that we write: our own, one of a former run, or of another aggregator."""
        epoch = None if self._sequence is None else self._sequence.epoch
        if event is not None:
            self.largest_epoch = max(self.largest_epoch, event.epoch)
            if self._sequence is not None and self._sequence.last(key) and event.epoch > self._sequence.epoch:
                self.replaced_by = event.epoch
        if topic is topics.WANTED:
            self._wanted.seen(key, event if isinstance(event, WantedAsset) else None, epoch)
        elif epoch is not None and (event is None or event.epoch < epoch):
            # A late record of somebody else stands where ours should: compaction would keep it.
            (name,) = split_key(key)
            outlet = self._outlets.get(name)
            if outlet is not None and self._sequence is not None and self._sequence.last(key) is not None:
                outlet.sent_hash = None
                self._touch(outlet, urgent=True)
        return Outcome.DELETED if event is None else Outcome.APPLIED

    def _mark(self, symbol: Symbol | None, change: Change, *, aged: bool = False) -> None:
        if symbol is not None:
            self.pricings.mark(symbol, change, aged=aged)

    def _advance(self, now: int) -> None:
        """Let time pass: what became stale, silent or too old."""
        for symbol in self.book.advance(now):
            self._mark(symbol, Change.PATHS, aged=True)
        for account in self._accounts.due(now):
            self._accounts.set(account, next_mark(account, now))
            if marks_of(account, now) != account.marks:
                account.portfolio.dirty_accounts.add(account)
                self._touch(self._outlets[account.portfolio.name], urgent=True)

    def _reprice(self) -> None:
        """Price what quotes and ages touched, and mark what hangs on it."""
        if not self.pricings.pending:
            return
        for pricing, revalue, aged in self.pricings.refresh():
            for position in pricing.positions:
                if revalue:
                    position.portfolio.revalue(position)
                self._touch(self._outlets[position.portfolio.name], urgent=aged)
        if self.pricings.rates_round != self._rates_round:
            self._rates_round = self.pricings.rates_round
            for outlet in self._outlets.values():
                self._touch(outlet, urgent=False)

    def _publish(self, outlet: Outlet, now: int, sequence: Sequence) -> Encoded | None:
        """The state of a portfolio, if it is due: it changed, or it has been quiet for long enough."""
        portfolio = outlet.portfolio
        refresh(portfolio, now)
        body = build(portfolio, self.pricings)
        outlet.urgent = outlet.priced = False
        digest = hash(body)
        if digest == outlet.sent_hash and now < outlet.sent_at + HEARTBEAT_MS:
            return None
        key = join_key(portfolio.name)
        outlet.sent_at = now
        outlet.sent_hash = digest
        try:
            value = encode_state(sequence.next(key), now, body)
            outlet.sent_size = len(value)
            fact = encode_value(topics.PORTFOLIO, key, value)
        except RecordTooLargeError as error:
            self.refused[portfolio.name] = str(error)
            outlet.not_before = now + HEARTBEAT_MS  # So large a state is not built fifty times a second in vain.
            return None
        self.refused.pop(portfolio.name, None)
        return fact

    def _look_at_clock(self, now: dt.datetime) -> int:
        moment = milliseconds(now)
        if moment >= self._now:
            self._now = moment
        elif moment < self._now - CLOCK_BACK_MS_MAX:
            self._rewind(moment)
        return self._now

    def _rewind(self, now: int) -> None:
        """The clock went back: look at every age again, and wait for nothing that lies an hour ahead now."""
        self._now = now
        self.book.rewind(now)
        self.pricings.mark_all()
        self._wanted.rewind(now)
        self._accounts.clear()
        self._sends.clear()
        for outlet in self._outlets.values():
            for account in outlet.portfolio.accounts.values():
                _clamp(account, now)
                outlet.portfolio.dirty_accounts.add(account)
                self._accounts.set(account, next_mark(account, now))
            outlet.sent_at = min(outlet.sent_at, now)
            outlet.not_before = min(outlet.not_before, now)
            self._touch(outlet, urgent=True)


def _clamp(account: Account, now: int) -> None:
    if account.status is not None:
        account.status.alive_at = min(account.status.alive_at, now)
    for wallet in account.wallets.values():
        wallet.seen_at = min(wallet.seen_at, now)
        wallet.stale_at = min(wallet.stale_at, now + stale_limit(wallet.poll_interval_seconds))
