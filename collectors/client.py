"""One exchange's client: every request of the process goes through here, allowed, within budget, signed, and judged."""

import asyncio
import contextlib
import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from collectors.budget import Budget
from collectors.clock import SERVER_MS_MAX, SERVER_MS_MIN, SKEW_WARNING_SECONDS, ServerClock, Stamps
from collectors.errors import ExchangeError, RateLimitedError, RefusedError, UnreadableError
from collectors.exchange import Answer, Credentials, Endpoint, Exchange, Request, Wire
from collectors.http import IN_FLIGHT_MAX, HttpSession, RawAnswer
from collectors.payload import MEND
from collectors.statuses import error_of_status
from collectors.strict_json import parse_json
from collectors.unauthorised import UnauthorisedGuard
from monitoring.clock import Clock
from monitoring.logs import get_logger
from monitoring.metrics import CollectorMetrics

LARGE_BODY_BYTES: Final = 1024 * 1024
"""Longer bodies are parsed in a thread, so that the loop turns meanwhile."""

_log = get_logger()


class NotAReadError(Exception):
    """A request that is not on the exchange's list of reads. It was neither signed nor sent."""


@dataclass(slots=True)
class Key:
    """What one account signs with, and what its calls share."""

    credentials: Credentials = field(repr=False)
    stamps: Stamps = field(default_factory=Stamps)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    proven: bool = False
    """Whether the exchange has ever accepted it in this process."""


@dataclass(slots=True)
class Conversation:
    """The requests of one read: when the first byte of the first one went out, and when the last answer was there."""

    client: "Client"
    key: Key | None = None
    requested_at: dt.datetime | None = None
    observed_at: dt.datetime | None = None
    sent: float = 0.0
    received: float = 0.0
    """Around the last request, on the steady clock."""

    async def call(self, request: Request) -> object:
        """One request; the JSON of its answer, or one of the four errors."""
        return await self.client.call(request, self)


class Client:
    """Does requests. Its budget and its waits are shared by all accounts of the exchange in this process."""

    def __init__(self, exchange: Exchange, http: HttpSession, *, clock: Clock, metrics: CollectorMetrics) -> None:
        self.exchange: Final = exchange
        self.server_clock: Final = ServerClock(clock)
        self.budget: Final = Budget(
            exchange.budgets,
            exchange=exchange.name,
            title=exchange.title,
            exchange_seconds=lambda: self.server_clock.milliseconds() / 1000,
            monotonic=clock.monotonic,
            metrics=metrics,
        )
        self._http = http
        self._clock = clock
        self._metrics = metrics
        self._guard = UnauthorisedGuard(exchange.unauthorised_in_a_row_max, clock.monotonic, exchange.title)
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._syncing = asyncio.Lock()
        self._synced_at = float("-inf")
        self._skewed = False

    def conversation(self, key: Key | None = None) -> Conversation:
        """A new read, with an account's key or without."""
        return Conversation(self, key)

    async def call(self, request: Request, conversation: Conversation) -> object:
        """One request. Where the exchange finds our clock wrong, its time is asked for and the request done again."""
        endpoint = request.endpoint
        if (endpoint.method, endpoint.path) not in self.exchange.reads:
            raise NotAReadError(f"{endpoint.method} {endpoint.path} is not on {self.exchange.title}'s list of reads")
        key = conversation.key
        if not endpoint.signed:
            return await self._attempt(request, None, conversation)
        if key is None:
            raise NotAReadError(f"{endpoint.path} needs a key, and none was given")
        own_turn = key.turn if self.exchange.one_call_per_key else contextlib.nullcontext()
        async with own_turn, self._guard.turn(proven=key.proven):
            await self.sync_if_due()
            try:
                return await self._attempt(request, key, conversation)
            except ExchangeError as error:
                if error.cure != "clock":
                    raise
            key.stamps.forget()
            await self.sync(since=conversation.sent)
            return await self._attempt(request, key, conversation)

    async def sync(self, *, since: float | None = None) -> None:
        """Ask for the exchange's time, unless it was asked since then. One of the four errors where that fails."""
        asked = self._clock.monotonic() if since is None else since
        async with self._syncing:
            # Several calls may find the clock wrong at once: one answer serves them all.
            if self._synced_at > asked:
                return
            # The first answer comes over a connection that was only just made, so half its time says little.
            for _ in range(2 if self.server_clock.offset_ms() is None else 1):
                conversation = self.conversation()
                server_ms = await self.exchange.read_time(conversation.call)
                if not SERVER_MS_MIN <= server_ms <= SERVER_MS_MAX:
                    raise UnreadableError(f"{self.exchange.title} told a time that no clock shows.", MEND)
                self.server_clock.set(server_ms, sent=conversation.sent, received=conversation.received)
            self._synced_at = self._clock.monotonic()
        self._show_skew()

    async def sync_if_due(self) -> None:
        """Ask for the exchange's time where it was never asked, long ago, or the machine's clocks part."""
        if self.server_clock.due():
            # A time that cannot be had says nothing about the read: that one finds out for itself.
            with contextlib.suppress(ExchangeError):
                await self.sync()

    async def _attempt(self, request: Request, key: Key | None, conversation: Conversation) -> object:
        endpoint = request.endpoint
        await self.budget.take(endpoint.budget, endpoint.weight)
        async with self._slots:
            self.budget.check()
            if key is not None:
                self._guard.enter(proven=key.proven)
            wire = self._wire(request, key)
            sent = self.budget.sent_at(endpoint.budget)
            if conversation.requested_at is None:
                conversation.requested_at = self._clock.now()
            conversation.sent = self._clock.monotonic()
            raw = await self._send(endpoint, wire)
        conversation.received = self._clock.monotonic()
        conversation.observed_at = self.server_clock.now()
        used = self.exchange.used_weight(endpoint, raw.headers)
        if used is not None:
            self.budget.heard(endpoint.budget, used, sent=sent)
        return await self._judge(raw, key)

    def _wire(self, request: Request, key: Key | None) -> Wire:
        if key is None:
            return self.exchange.encode(request)
        return self.exchange.sign(request, key.credentials, key.stamps.next(self.server_clock.stamp_ms()))

    async def _send(self, endpoint: Endpoint, wire: Wire) -> RawAnswer:
        status = "failed"
        try:
            raw = await self._http.send(endpoint.method, endpoint.path, wire, body_bytes_max=endpoint.body_bytes_max)
            status = f"{raw.status // 100}xx"
        finally:
            self._metrics.requests.labels(self.exchange.name, status).inc()
        return raw

    async def _judge(self, raw: RawAnswer, key: Key | None) -> object:
        at_ms = self.server_clock.milliseconds()
        payload, unreadable = await self._parse(raw)
        answer = Answer(raw.status, raw.headers, payload, at_ms)
        error = self.exchange.classify(answer) or error_of_status(self.exchange.title, raw.status, raw.headers, at_ms)
        if isinstance(error, RateLimitedError):
            self.budget.pause(error.retry_after_seconds, error.reason)
        if error is not None:
            if isinstance(error, RefusedError) and key is not None:
                self._note_refusal(error, raw.status, key)
            raise error
        if unreadable is not None:
            raise unreadable
        if key is not None:
            key.proven = True
            self._guard.accepted()
        return payload

    def _note_refusal(self, error: RefusedError, status: int, key: Key) -> None:
        if status not in {403, 451}:  # Those refuse the place, not the key.
            self._guard.refused()
        if error.cure != "clock":
            key.proven = False

    async def _parse(self, raw: RawAnswer) -> tuple[object, ExchangeError | None]:
        """The body as JSON, or why it is none: which matters only where the answer is no error anyway."""
        source = self.exchange.title
        try:
            if len(raw.body) > LARGE_BODY_BYTES:
                return await asyncio.to_thread(parse_json, raw.body, source=source), None
            return parse_json(raw.body, source=source), None
        except ExchangeError as error:
            return None, error

    def _show_skew(self) -> None:
        seconds = (self.server_clock.offset_ms() or 0) / 1000
        self._metrics.clock_skew.labels(self.exchange.name).set(seconds)
        skewed = abs(seconds) > SKEW_WARNING_SECONDS
        if skewed and not self._skewed:
            _log.warning(
                "this machine's clock is off; reading goes on with the exchange's time, but set the clock (NTP)",
                exchange=self.exchange.name,
                seconds=round(seconds, 3),
            )
        elif self._skewed and not skewed:
            _log.info("this machine's clock agrees with the exchange's again", exchange=self.exchange.name)
        self._skewed = skewed
