"""BTCTurk's answers: `{"data", "success", "message", "code"}` (BTCTurk docs, "Errors"; broker-api-docs)."""

from typing import Final

from simulator.jsontext import compact
from simulator.wire import Reply, html_page

UNAUTHORISED: Final = 401
UNAUTHORISED_CODE: Final = 1037
TOO_MANY: Final = 429
LEGALLY_BLOCKED: Final = 451
# Messages the docs or users report; the others repeat the reason of the status.
MESSAGES: Final[dict[int, tuple[int, str]]] = {
    200: (1000, "FAILED"),
    400: (400, "BAD_REQUEST"),
    404: (404, "NOT_FOUND"),
    405: (405, "METHOD_NOT_ALLOWED"),
    422: (422, "UNPROCESSABLE_ENTITY"),
    429: (429, "TOO_MANY_REQUESTS"),
    500: (500, "INTERNAL_ERROR"),
    503: (503, "SERVICE_UNAVAILABLE"),
}
REASONS: Final = {
    403: "Forbidden",
    418: "I'm a teapot",
    451: "Unavailable For Legal Reasons",
    502: "Bad Gateway",
}


class UnauthorisedError(Exception):
    """A signed call that is refused; the text is one of the five known reasons."""


def error_reply(status: int, code: int, message: str) -> Reply:
    """Return BTCTurk's error body under `status`."""
    return Reply(status, compact({"success": False, "message": message, "code": code}).encode())


def unauthorised(reason: str) -> Reply:
    """Return the 401 that says `"success": true` (broker-api-docs issues 147, 149, 152, 160, 178, 231)."""
    body = {"success": True, "message": f"Unauthorized - {reason}", "code": UNAUTHORISED_CODE}
    return Reply(UNAUTHORISED, compact(body).encode())


def typical(status: int, retry_after: int | None) -> Reply:
    """Return what BTCTurk, or the web server in front of it, typically sends with `status`."""
    if status == UNAUTHORISED:
        return unauthorised("Invalid Request")
    if status in REASONS:
        made = html_page(status, REASONS[status])
    else:
        made = error_reply(status, *MESSAGES.get(status, (status, "INTERNAL_ERROR")))
    if retry_after is None:
        return made
    return Reply(made.status, made.body, made.content_type, {"Retry-After": str(retry_after)})
