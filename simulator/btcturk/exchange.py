"""BTCTurk as one object: its endpoints, and the order in which a call is checked."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from simulator.btcturk import public
from simulator.btcturk.balances import Balances
from simulator.btcturk.errors import UnauthorisedError, typical, unauthorised
from simulator.btcturk.limits import Limits
from simulator.btcturk.signing import Gate
from simulator.config import BtcturkRules
from simulator.jsontext import Raw, dump, exact
from simulator.names import BTCTURK
from simulator.wire import Call, Reply
from simulator.world import Venue

TIME_PATH: Final = "/api/v2/server/time"
BALANCES_PATH: Final = "/api/v1/users/balances"
MOST_PARAMS: Final = 100

PublicAnswer = Callable[[Venue, dict[str, str]], object]


class Btcturk:
    """Answers calls from the venue's truth."""

    name = BTCTURK

    def __init__(self, venue: Venue, rules: BtcturkRules) -> None:
        """Answer for `venue` under `rules`."""
        self._venue = venue
        self._limits = Limits(rules)
        self._gate = Gate(venue, rules.stamp_tolerance_ms)
        self._balances = Balances(rules.decimal_style)
        self._public: dict[str, PublicAnswer] = {
            "/api/v2/server/exchangeinfo": public.ExchangeInfo(),
            "/api/v2/ticker": public.ticker,
            "/api/v2/ticker/currency": public.ticker_currency,
        }

    def account_of(self, call: Call) -> str | None:
        """Return the label of the account whose key the call carries."""
        account = self._venue.by_key.get(call.headers.get("X-PCK", ""))
        return account.label if account else None

    def refusal(self, status: int, retry_after: int | None = None) -> Reply:
        """Return BTCTurk's typical answer for an HTTP status."""
        return typical(status, retry_after)

    def ban(self, retry_after: int | None = None) -> Reply:
        """Return the answer to an address that is shut out; it carries no Retry-After unless one is asked for."""
        made = self._limits.shut()
        if retry_after is None:
            return made
        return Reply(made.status, made.body, made.content_type, {"Retry-After": str(retry_after)})

    def page_of(self, call: Call) -> int:  # noqa: ARG002 - nothing is paged here
        """Return 1."""
        return 1

    def forget_limits(self) -> None:
        """Forget windows, failures and blocks."""
        self._limits.forget()

    def answer(self, call: Call) -> Reply:
        """Answer one call: blocks and windows first, then the method, then the key, then the content."""
        refused = self._limits.check(call.address, call.path, self._venue.real_seconds())
        if refused is not None:
            return refused
        if call.path not in {TIME_PATH, BALANCES_PATH, *self._public}:
            return typical(404, None)
        if call.method != "GET":
            return typical(405, None)
        if call.path == TIME_PATH:
            return Reply(200, dump(public.server_time(self._venue)).encode())
        return self._signed(call) if call.path == BALANCES_PATH else self._unsigned(call)

    def _unsigned(self, call: Call) -> Reply:
        try:
            params = dict(parse_qsl(call.query, keep_blank_values=True, max_num_fields=MOST_PARAMS))
        except ValueError:
            return typical(400, None)
        content = self._public[call.path](self._venue, params)
        return content if isinstance(content, Reply) else _envelope(content)

    def _signed(self, call: Call) -> Reply:
        try:
            account = self._gate.enter(call.headers)
        except UnauthorisedError as error:
            self._limits.failed(call.address, self._venue.real_seconds())
            return unauthorised(str(error))
        self._limits.succeeded(call.address)
        return _envelope(self._balances(self._venue, account.label))


def _envelope(data: object) -> Reply:
    text = data if isinstance(data, Raw) else exact(data)
    return Reply(200, f'{{"data":{text},"success":true,"message":null,"code":0}}'.encode())
