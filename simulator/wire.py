"""A request and an answer as the exchanges' own code sees them, free of any web framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

JSON_TYPE: Final = "application/json;charset=UTF-8"
HTML_TYPE: Final = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path`, `query` and `body` are the raw bytes of the wire, since signatures cover those."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, before any fault."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange(Protocol):
    """What the server needs of an exchange."""

    name: str

    def account_of(self, call: Call) -> str | None:
        """Return the label of the account whose key the call carries, right signature or not."""

    def answer(self, call: Call) -> Reply:
        """Answer as the exchange would."""

    def refusal(self, status: int, retry_after: int | None = None) -> Reply:
        """Return this exchange's typical answer for an HTTP status; 200 gives an error body in a success."""

    def ban(self, retry_after: int | None = None) -> Reply:
        """Return this exchange's answer to an address it has shut out."""

    def page_of(self, call: Call) -> int:
        """Return the number of the page a paged call asks for, 1 for any other call."""

    def forget_limits(self) -> None:
        """Forget used weights, windows, bans and blocks."""


def html_page(status: int, reason: str) -> Reply:
    """Return the page a web server in front of an exchange sends."""
    text = (
        f"<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, text.encode(), HTML_TYPE)
