"""What an exchange module says about its exchange. The base does everything else the same way for all of them."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final, Literal

from pydantic import SecretStr

from collectors.errors import ExchangeError
from collectors.spec import ExchangeSpec
from schemas.events import Balance

Credentials = Mapping[str, SecretStr]
"""What an account signs with, by the names of the exchange's ``spec.credentials``."""

BODY_BYTES_MAX: Final = 8 * 1024 * 1024
"""No answer we ask for comes near it, so a larger one is an attack or a mistake, and is cut off."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, the budget it is charged to and how much. ``signed`` ones need a key."""

    method: Literal["GET", "POST"]
    path: str
    budget: str
    weight: int = 1
    signed: bool = False
    body_bytes_max: int = BODY_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Request:
    """A call of an endpoint with its parameters, in the order in which they are sent."""

    endpoint: Endpoint
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """A request as it goes out: the query as it was signed, percent-encoded already, and the headers it needs."""

    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return "Wire(…)"  # A signed query must not get into a log by way of a repr.


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: headers with names in lower case, the body as JSON where it is JSON, and when (exchange's ms)."""

    status: int
    headers: Mapping[str, str]
    payload: object
    at_ms: int


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """So much weight in so many seconds per address. ``aligned``: windows begin by the exchange's clock, not by us."""

    name: str
    limit: int
    seconds: int
    aligned: bool


@dataclass(frozen=True, slots=True)
class RefusalPace:
    """How slowly a refused key is tried again: the first pause, what it is multiplied with, and the longest."""

    first_seconds: float
    factor: float
    longest_seconds: float

    def pause(self, refusals: int) -> float:
        """Seconds to wait after so many refusals in a row (1 or more)."""
        grown = self.first_seconds * self.factor ** min(refusals - 1, 64)
        return min(grown, self.longest_seconds)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A listed symbol under the exchange's own codes."""

    name: str
    base: str
    quote: str
    trading: bool


class Listing:
    """Everything an exchange lists, as of one moment."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self.symbols: Final = {symbol.name: symbol for symbol in symbols}
        self.bases: Final = frozenset(symbol.base for symbol in self.symbols.values())
        self.assets: Final = self.bases | {symbol.quote for symbol in self.symbols.values()}


@dataclass(frozen=True, slots=True)
class Ticker:
    """The last price of a symbol and the one 24 hours before; None where the exchange gives none that is usable."""

    symbol: str
    last: Decimal | None
    day_ago: Decimal | None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What an exchange says a key may do: read; more than read by flags we know; by flags we do not know."""

    reads: bool
    powers: tuple[str, ...]
    unknown: tuple[str, ...]
    ip_restricted: bool | None


@dataclass(frozen=True, slots=True)
class Worth:
    """What an exchange says the whole account is worth, in one asset."""

    asset: str
    amount: Decimal


Call = Callable[[Request], Awaitable[object]]
"""Does one request and returns the JSON of its answer, or raises one of the four errors."""


class Exchange(ABC):
    """One exchange: facts in class attributes, what needs code in methods. An instance has no state."""

    spec: ClassVar[ExchangeSpec]
    """Its names, addresses, credentials and wallets with their intervals: what the settings are built from."""
    budgets: ClassVar[tuple[BudgetRule, ...]]
    reads: ClassVar[frozenset[tuple[str, str]]]
    """The allow-list: every (method, path) that may ever be sent. Reads only; anything else is not even signed."""
    refusal: ClassVar[RefusalPace]
    one_call_per_key: ClassVar[bool] = False
    """Whether the calls of one key go out one after the other (where each needs a stamp that was never used)."""
    unauthorised_in_a_row_max: ClassVar[int | None] = None
    """After so many unauthorised calls in a row, of all accounts, unproven keys are held back; None: no such rule."""

    @property
    def name(self) -> str:
        """What it is called in keys, labels and settings."""
        return self.spec.name

    @property
    def title(self) -> str:
        """What it is called in sentences."""
        return self.spec.title

    @property
    def wallets(self) -> dict[str, float]:
        """Its wallets, and how often each is read unless the settings say otherwise (seconds)."""
        return {wallet: poll.default_seconds for poll in self.spec.polls for wallet in poll.wallets}

    def check_credentials(self, credentials: Credentials) -> None:  # noqa: B027 - not all have a form to check
        """ValueError where a credential cannot be one of this exchange; the message never shows its value."""

    @abstractmethod
    def encode(self, request: Request) -> Wire:
        """A request without a signature."""

    @abstractmethod
    def sign(self, request: Request, credentials: Credentials, stamp_ms: int) -> Wire:
        """A signed request; ``stamp_ms`` is the exchange's time, never the same twice for one key."""

    @abstractmethod
    def classify(self, answer: Answer) -> ExchangeError | None:
        """What an answer means where this exchange has its own codes, or None: success, or the status says it all."""

    def used_weight(self, endpoint: Endpoint, headers: Mapping[str, str]) -> int | None:  # noqa: ARG002 - not all say it
        """What the headers say was used of the endpoint's budget by everybody at our address, or None."""
        return None

    @abstractmethod
    async def read_time(self, call: Call) -> int:
        """The exchange's clock in milliseconds since 1970."""

    async def read_permissions(self, call: Call) -> KeyPermissions | None:  # noqa: ARG002 - not all can be asked
        """What the key may do, or None where the exchange has no way to ask."""
        return None

    @abstractmethod
    async def read_listing(self, call: Call) -> Listing:
        """Every symbol it lists."""

    @abstractmethod
    async def read_wallet(self, wallet: str, call: Call, listing: Listing | None) -> tuple[Balance, ...]:
        """The whole content of a wallet without zero rows; ``listing`` is what was last read, if it was."""

    @abstractmethod
    def ticker_requests(self, symbols: Sequence[str]) -> tuple[Request, ...]:
        """The cheapest requests that together bring the tickers of these symbols."""

    @abstractmethod
    def parse_tickers(self, payload: object) -> list[Ticker]:
        """The tickers of one answer; a row that cannot be read has no price, the others stay."""

    async def read_worth(self, call: Call) -> Worth | None:  # noqa: ARG002 - not all publish one
        """What the exchange says the account is worth over all its wallets, or None where it says no such thing."""
        return None
