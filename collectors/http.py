"""One HTTP session per exchange: deadlines, a limit for bodies, and errors in our own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from collectors.errors import UnavailableError, UnreadableError
from collectors.exchange import Wire
from collectors.statuses import MEND_WAIT

TOTAL_SECONDS: Final = 10.0
"""Both exchanges give up after ten seconds themselves; a later answer would be of no use to a ten-second poll."""

CONNECT_SECONDS: Final = 5.0
"""For name, connection and TLS. A network that needs longer is as good as down."""

IN_FLIGHT_MAX: Final = 16
"""Requests at once. More would only queue at the exchange and look like an attack."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of a request, in seconds: in all, and for the connection alone."""

    total: float = TOTAL_SECONDS
    connect: float = CONNECT_SECONDS


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Status, headers with names in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpSession:
    """A session that goes to one address only. Use as ``async with``.

    Redirects are not followed (a signed request goes where the settings say or nowhere), cookies are not kept, and
    proxies or credentials that the system has set are not used: what reads money takes its way from its settings alone.
    """

    def __init__(self, rest_url: str, *, title: str, timeouts: Timeouts) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._title = title
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeouts.total, connect=self._timeouts.connect),
            connector=aiohttp.TCPConnector(limit=IN_FLIGHT_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, method: str, path: str, wire: Wire, *, body_bytes_max: int) -> RawAnswer:
        """Send one request and read the whole answer, whatever its status.

        Errors: UnavailableError without an answer in time, UnreadableError for one that is longer than allowed.
        """
        if self._session is None:
            raise RuntimeError("the session is not open")
        target = f"{self._rest_url}{path}?{wire.query}" if wire.query else f"{self._rest_url}{path}"
        try:
            async with self._session.request(
                method, URL(target, encoded=True), headers=wire.headers, allow_redirects=False
            ) as response:
                body = await self._body(response, body_bytes_max)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return RawAnswer(response.status, headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Without the cause: what a library says of a request may quote its whole address.
            raise self._unavailable(error) from None

    async def _body(self, response: aiohttp.ClientResponse, body_bytes_max: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > body_bytes_max:
                response.close()
                raise UnreadableError(
                    f"{self._title} sent more than {body_bytes_max} bytes, and the answer was cut off.",
                    "If it stays, check the address in the settings: this is not what the exchange sends.",
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _unavailable(self, error: Exception) -> UnavailableError:
        mend = MEND_WAIT + " Otherwise check this machine's network."
        if isinstance(error, TimeoutError):
            said = f"{self._title} did not answer within {self._timeouts.total:g} s."
            return UnavailableError(said, mend, reason="timeout")
        if isinstance(error, aiohttp.ClientSSLError):
            return UnavailableError(
                f"The certificate of {self._title} could not be verified.",
                "Check this machine's clock, its CA certificates, and whether something intercepts TLS here.",
                reason="certificate",
            )
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            said = f"The name of {self._title}'s server could not be resolved."
        elif isinstance(error, aiohttp.ClientConnectorError):
            said = f"{self._title} could not be reached."
        else:
            said = f"The connection to {self._title} broke before the answer was complete."
        return UnavailableError(said, mend, reason="network")
