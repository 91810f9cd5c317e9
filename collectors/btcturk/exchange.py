"""BTCTurk as the base sees it: its wallet, its calls, and what its answers mean."""

from collections.abc import Sequence
from typing import ClassVar

from collectors.btcturk import endpoints, parse
from collectors.btcturk.errors import TITLE, classify
from collectors.btcturk.sign import API_KEY, API_SECRET, secret_bytes, sign
from collectors.errors import ExchangeError
from collectors.exchange import (
    Answer,
    BudgetRule,
    Call,
    Credentials,
    Exchange,
    Listing,
    RefusalPace,
    Request,
    Ticker,
    Wire,
)
from collectors.spec import CredentialSpec, ExchangeSpec, PollSpec, UrlSpec
from schemas.events import Balance

SPOT = "spot"


class Btcturk(Exchange):
    """BTCTurk | Kripto: spot. It has no way to ask what a key may do, so permissions stay unverified."""

    spec: ClassVar = ExchangeSpec(
        name="btcturk",
        title=TITLE,
        credentials=(
            CredentialSpec(API_KEY, "the public key"),
            CredentialSpec(API_SECRET, "the private key, as it was shown", base64=True),
            CredentialSpec(
                "WS_API_KEY",
                "the public WebSocket key (not used yet)",
                optional=True,
            ),
            CredentialSpec("WS_API_SECRET_BASE64", "its private key (not used yet)", base64=True, optional=True),
        ),
        urls=(
            UrlSpec("REST_URL", "https://api.btcturk.com", "balances and prices"),
            UrlSpec(
                "STREAM_URL",
                "wss://ws-feed-pro.btcturk.com",
                "the WebSocket feed (not used yet)",
                whole=True,
            ),
        ),
        polls=(PollSpec("SPOT", (SPOT,), 10.0),),
        key_guide=(
            "Make one at BTCTurk under Hesap, API Erişimi (API Access): of the REST kind, with the permission Bakiye "
            "Görüntüleme alone, and this machine's address."
        ),
        metrics_port=4012,
    )
    budgets: ClassVar[tuple[BudgetRule, ...]] = endpoints.BUDGETS
    reads: ClassVar = endpoints.READS
    # At most ten tries a day, the first day included: an address is blocked after 50 unauthorised calls in a row
    # (broker-api-docs, README-pro.md).
    refusal: ClassVar = RefusalPace(first_seconds=300.0, factor=2.0, longest_seconds=6 * 3600.0)
    one_call_per_key: ClassVar = True
    unauthorised_in_a_row_max: ClassVar = 20

    def check_credentials(self, credentials: Credentials) -> None:
        """The private key is base64."""
        secret_bytes(credentials)

    def encode(self, request: Request) -> Wire:  # noqa: ARG002 - none of its calls here has parameters
        """A public request."""
        return Wire()

    def sign(self, request: Request, credentials: Credentials, stamp_ms: int) -> Wire:  # noqa: ARG002 - not signed
        """A signed request: the headers alone, whatever is asked for."""
        return sign(credentials, stamp_ms)

    def classify(self, answer: Answer) -> ExchangeError | None:
        """By status, then by BTCTurk's own code."""
        return classify(answer)

    async def read_time(self, call: Call) -> int:
        """BTCTurk's clock."""
        return parse.parse_time(await call(Request(endpoints.SERVER_TIME)))

    async def read_listing(self, call: Call) -> Listing:
        """All pairs."""
        return parse.parse_listing(await call(Request(endpoints.EXCHANGE_INFO)))

    async def read_wallet(self, wallet: str, call: Call, listing: Listing | None) -> tuple[Balance, ...]:  # noqa: ARG002 - nothing mirrors here
        """The spot account, whole."""
        if wallet != SPOT:
            raise ValueError(f"{TITLE} has no wallet {wallet!r}")
        return parse.parse_balances(await call(Request(endpoints.BALANCES)))

    def ticker_requests(self, symbols: Sequence[str]) -> tuple[Request, ...]:
        """One call brings all pairs, and there is no way to ask for some."""
        return (Request(endpoints.TICKER),) if symbols else ()

    def parse_tickers(self, payload: object) -> list[Ticker]:
        """The last price, and the first of the last 24 hours."""
        return parse.parse_tickers(payload)
