"""The aggregator without its edge: routes events to the folds, and decides what to publish when. Pure.

It reads no clock: every call that needs the moment is given it. Events are taken in as they come and only mark;
:meth:`Aggregator.due` values what was marked and hands out what is to be published now.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence as Facts
from typing import Final

from aggregator.alarms import Alarms
from aggregator.holdings import Account
from aggregator.marks import age_from, marks_of, next_mark
from aggregator.outlets import HEARTBEAT_MS, LONG_AGO, Outlet, Turns
from aggregator.own import OUTCOMES, OwnStates
from aggregator.portfolio import Portfolio
from aggregator.prices import Change, Outcome, PriceBook, Symbol, admit
from aggregator.pricing import Pricings
from aggregator.state import build, refresh
from aggregator.valuation import value_rows
from aggregator.wanted import Wanted
from schemas import topics
from schemas.encoding import Decoded, Encoded, RecordTooLargeError, encode_value
from schemas.events import BalanceSnapshot, CollectorStatus, Event, PriceQuote, WantedAsset
from schemas.fields import from_milliseconds, milliseconds
from schemas.state_encoding import encode_state
from schemas.topics import Topic, join_key, split_key
from schemas.versions import Seen, Sequence, VersionGate

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
        self._outlets: dict[str, Outlet] = {}
        self._wanted = Wanted(pegs)
        self._balances = VersionGate()
        self._collectors = VersionGate()
        self._accounts: Alarms[Account] = Alarms()
        self._turns = Turns()
        self._own = OwnStates()
        self._sequence: Sequence | None = None
        self._rates_round = 0
        self._now = LONG_AGO

    @property
    def portfolios(self) -> int:
        """How many portfolios are held."""
        return len(self._outlets)

    @property
    def largest_epoch(self) -> int:
        """The largest epoch seen on the topics that we write."""
        return max(self._own.log.largest_epoch, self._wanted.largest_epoch)

    @property
    def replaced_by(self) -> int | None:
        """The epoch of the writer that took our place; then nothing is handed out any more."""
        return self._own.replaced_by

    @property
    def repairs(self) -> Counter[str]:
        """By topic: how often a record that stood where ours should is written over."""
        return self._own.repairs

    @property
    def held_prices(self) -> int:
        """How many prices jumped and wait for a confirmation."""
        return len(self.book.held)

    def begin(self, epoch: int, now: dt.datetime) -> None:
        """All that was there at the start is known: publish from now on, with this epoch."""
        self._look_at_clock(now)
        self._sequence = Sequence(epoch)
        self._own.log.begin(epoch)
        self._wanted.claim(epoch)
        for outlet in self._outlets.values():
            self._turns.touch(outlet, urgent=True)

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
        if fact.topic is topics.WANTED:
            return self._see_wanted(fact.key, event)
        if fact.topic is topics.PORTFOLIO:
            return self._see_state(fact.key, event)
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
            self._own.log.reset()
            for outlet in self._outlets.values():
                self._again(outlet)

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
        facts += self._own.retired(moment)
        rows_left, bytes_left = ROWS_PER_CALL, BYTES_PER_CALL
        for outlet in self._turns.due(moment):
            rows_left -= value_rows(outlet.portfolio, rows_left)
            if outlet.portfolio.dirty_rows:
                self._turns.again(outlet)
                break
            calm = not outlet.urgent
            fact = self._publish(outlet, moment, self._sequence)
            if fact is not None:
                facts.append(fact)
                bytes_left -= outlet.sent_size
            self._turns.went(outlet, moment, outlet.sent_size if calm and fact is not None else 0)
            if rows_left <= 0 or bytes_left <= 0:
                break
        return facts

    def next_due(self) -> dt.datetime | None:
        """The moment at which :meth:`due` has something to do, if nothing arrives before; None if never."""
        if self.replaced_by is not None:
            return None
        moments = [self._accounts.next_at(), self.book.alarms.next_at()]
        if self._sequence is not None:
            moments += [self._turns.next_at(self._now), self._wanted.next_at(), self._own.next_at()]
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
                self._own.retire(name, moment)
                continue
            outlet.not_before = moment
            self._again(outlet)

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
            self._turns.touch(outlet, urgent=True)
        else:
            del self._outlets[portfolio.name]
            self.refused.pop(portfolio.name, None)
            self._turns.leave(outlet)
            self._own.retire(portfolio.name, now)

    def _outlet(self, name: str) -> Outlet:
        outlet = self._outlets.get(name)
        if outlet is None:
            wanted = self._wanted
            portfolio = Portfolio(name, self.pricings, held=wanted.hold, released=wanted.release)
            outlet = self._outlets[name] = Outlet(portfolio)
            self._own.keep(name)
        return outlet

    def _again(self, outlet: Outlet) -> None:
        """Publish a state whatever was published before."""
        outlet.sent_hash = None
        self._turns.touch(outlet, urgent=True)

    def _see_wanted(self, key: str, event: Event | None) -> Outcome:
        """See a record of what is wanted: our own, one of a former run, or of another aggregator."""
        newest = None if self._sequence is None else self._sequence.last(key)
        seen = self._wanted.seen(key, event if isinstance(event, WantedAsset) else None, newest)
        if seen is Seen.OTHER and event is not None:
            self._own.replaced_by = event.epoch
        elif seen is Seen.BEHIND:
            self.repairs[topics.WANTED.name] += 1
        return Outcome.DELETED if event is None else OUTCOMES[seen]

    def _see_state(self, key: str, event: Event | None) -> Outcome:
        """See a state that was published: our own, one of a former run, or of another aggregator."""
        name, *more = split_key(key)
        if more:
            return Outcome.REFUSED  # No portfolio is called so.
        outlet = self._outlets.get(name)
        newest = None if self._sequence is None else self._sequence.last(key)
        version = None if event is None else event.version
        outcome, wrong = self._own.seen(key, version, newest, held=outlet is not None)
        if wrong and outlet is not None:
            self._again(outlet)
        elif wrong:
            self._own.retire(name, self._now)
        return outcome

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
                self._turns.touch(self._outlets[account.portfolio.name], urgent=True)

    def _reprice(self) -> None:
        """Price what quotes and ages touched, and mark what hangs on it."""
        if not self.pricings.pending:
            return
        for pricing, revalue, aged in self.pricings.refresh():
            for position in pricing.positions:
                if revalue:
                    position.portfolio.revalue(position)
                self._turns.touch(self._outlets[position.portfolio.name], urgent=aged)
        if self.pricings.rates_round != self._rates_round:
            self._rates_round = self.pricings.rates_round
            for outlet in self._outlets.values():
                self._turns.touch(outlet, urgent=False)

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
        self._turns.rewind(now)
        for outlet in self._outlets.values():
            for account in outlet.portfolio.accounts.values():
                age_from(account, now)
                outlet.portfolio.dirty_accounts.add(account)
                self._accounts.set(account, next_mark(account, now))
            outlet.sent_at = min(outlet.sent_at, now)
            outlet.not_before = min(outlet.not_before, now)
            self._turns.touch(outlet, urgent=True)
