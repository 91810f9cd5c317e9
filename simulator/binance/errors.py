"""Binance's errors: `{"code": …, "msg": …}` (spot docs, errors.md). The docs give no HTTP status per code."""

from typing import Final

from simulator.jsontext import compact
from simulator.wire import Reply, html_page

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY: Final = 429
BANNED: Final = 418
RESTRICTED: Final = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in "
    "error."
)

SHUT_OUT: Final = (
    "Way too much request weight used; IP banned until %s. Please use WebSocket Streams for live updates to avoid bans."
)
# One plausible body for each status a fault may ask for.
TYPICAL: Final[dict[int, tuple[int, str]]] = {
    200: (-1000, "An unknown error occurred while processing the request."),
    400: (-1000, "An unknown error occurred while processing the request."),
    401: (-2015, "Invalid API-key, IP, or permissions for action."),
    408: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    409: (-1000, "An unknown error occurred while processing the request."),
    418: (-1003, SHUT_OUT),
    429: (-1003, "Too many requests queued."),
    451: (0, RESTRICTED),
    500: (-1001, "Internal error; unable to process your request. Please try again."),
    503: (-1008, "Server is currently overloaded with other requests. Please try again in a few minutes."),
    504: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
}  # fmt: skip
REASONS: Final = {403: "Forbidden", 404: "Not Found", 410: "Gone", 502: "Bad Gateway"}


class RefusalError(Exception):
    """A call the exchange refuses."""

    def __init__(self, code: int, message: str, status: int = BAD_REQUEST) -> None:
        """Carry Binance's code and text, and the HTTP status."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def error_reply(status: int, code: int, message: str) -> Reply:
    """Return Binance's error body under `status`."""
    return Reply(status, compact({"code": code, "msg": message}).encode())


def typical(status: int, retry_after: int | None, now_ms: int) -> Reply:
    """Return what Binance, or the web server in front of it, typically sends with `status`."""
    if status in REASONS:
        return html_page(status, REASONS[status])
    code, message = TYPICAL.get(status, TYPICAL[500])
    seconds = retry_after or 0
    made = error_reply(status, code, message.replace("%s", str(now_ms + seconds * 1000)))
    if retry_after is None:
        return made
    return Reply(made.status, made.body, made.content_type, {"Retry-After": str(retry_after)})


def bad_symbol() -> RefusalError:
    """-1121: one unknown symbol fails the whole call."""
    return RefusalError(-1121, "Invalid symbol.")


def malformed(name: str) -> RefusalError:
    """-1102: a mandatory parameter is missing or unreadable."""
    return RefusalError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> RefusalError:
    """-1130: a parameter has a value it cannot have."""
    return RefusalError(-1130, f"Data sent for parameter '{name}' is not valid.")
