"""What every HTTP port of ours checks before anything else: the host asked for, and the token. No IO, no framework.

The host is checked on every route, also of reads: a page that a browser was tricked into loading under another name
(DNS rebinding) must not read somebody's wealth.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # No other site may load any of it into a page of its own, not even blindly as a picture.
    "Cross-Origin-Resource-Policy": "same-origin",
    # Without a version: it would only tell which holes to try.
    "Server": "spark-portfolio",
}
"""On every answer, also on errors."""

TOKEN_LENGTH_MIN: Final = 32
"""A shorter token could be guessed; ``spark-portfolio token`` prints a good one."""

LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")

_KNOWN_HEADERS_MAX: Final = 64
"""So many spellings of allowed Host headers (with their ports) are remembered."""

_HOST: Final = re.compile(
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,252}))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further. ``guard`` is the metric's label, ``error`` the answer's code."""

    guard: str
    status: int
    error: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach an address of this name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str | None:
    """The name in a Host header, in lower case and without its port; None where it is no such header."""
    match = _HOST.fullmatch(header)
    return None if match is None else match[1].lower()


class AllowedHosts:
    """The names under which a port may be asked: this machine's own, the bound address, and configured ones."""

    def __init__(self, names: Iterable[str] = (), *, bound: str = "127.0.0.1") -> None:
        allowed = set(LOCAL_HOSTS)
        for name in names:
            host = host_name(f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name)
            if host is None:
                raise ValueError(f"ALLOWED_HOSTS holds {name!r}, which is no host name; write names such as nas.local")
            allowed.add(host)
        try:
            address = ipaddress.ip_address(bound)
        except ValueError:
            pass
        else:
            if not address.is_unspecified:  # A literal address cannot be rebound, so it is its own proof.
                allowed.add(f"[{address}]" if address.version == 6 else str(address))
        self._names = frozenset(allowed)
        self._known: set[str] = set()

    def allows(self, header: str) -> bool:
        """Whether a Host header (with or without a port) names one of them."""
        if header in self._known:
            return True
        if host_name(header) not in self._names:
            return False
        if len(self._known) < _KNOWN_HEADERS_MAX:
            self._known.add(header)
        return True

    def judge(self, target: str, hosts: Sequence[str]) -> Refusal | None:
        """Look at a request's target as it was sent, and at all its Host headers."""
        if len(hosts) == 1 and hosts[0] in self._known and target.startswith("/"):
            return None
        if len(hosts) != 1:
            return Refusal("host", 400, "bad_host", "A request carries exactly one Host header.")
        if not self.allows(hosts[0]):
            return _FOREIGN_HOST
        return None if target.startswith("/") else self._judge_absolute(target)

    def _judge_absolute(self, target: str) -> Refusal | None:
        # RFC 9112 §3.2.2: a request may name its target absolutely, and then that host counts.
        try:
            parts = urlsplit(target)
        except ValueError:
            return _BAD_TARGET
        if parts.scheme not in {"http", "https"}:
            return _BAD_TARGET
        return None if self.allows(parts.netloc) else _FOREIGN_HOST


_FOREIGN_HOST: Final = Refusal(
    "host",
    421,
    "foreign_host",
    "This server does not answer under that name. Use localhost, or name the host in ALLOWED_HOSTS.",
)
_BAD_TARGET: Final = Refusal("host", 400, "bad_target", "The request's target is neither a path nor an http address.")

UNAUTHORISED: Final = Refusal(
    "token",
    401,
    "unauthorised",
    "This needs a valid token in the Authorization header: Bearer <token>.",
    (("WWW-Authenticate", 'Bearer realm="spark-portfolio"'),),
)


class BearerToken:
    """A token that requests must carry. Only its hash is kept, and compared in constant time."""

    def __init__(self, token: str, *, setting: str) -> None:
        if len(token) < TOKEN_LENGTH_MIN:
            raise ValueError(
                f"{setting} has {len(token)} characters and needs at least {TOKEN_LENGTH_MIN}; "
                "make one with: spark-portfolio token"
            )
        self._digest = hashlib.sha256(token.encode()).digest()

    def matches(self, authorization: Sequence[str]) -> bool:
        """Whether these Authorization headers are one, and carry the token. Wrong ones take as long as right ones."""
        scheme, _, given = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
        digest = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(digest, self._digest) and scheme.lower() == "bearer"
