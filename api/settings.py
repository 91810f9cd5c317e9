"""What the api is told at its start, by the command line."""

from dataclasses import dataclass

from pydantic import SecretStr

from monitoring.guards import AllowedHosts, BearerToken, is_loopback
from monitoring.server import CONNECTIONS_MAX, KEEPALIVE_SECONDS, STALL_SECONDS

ADMIN_TOKEN_SETTING = "ADMIN_TOKEN"  # noqa: S105 - the setting's name
READ_TOKEN_SETTING = "READ_TOKEN"  # noqa: S105 - the setting's name


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Bounds of the api that nobody needs to tune; tests make them small."""

    heartbeat_seconds: float = 15.0
    """Proxies close a connection that is silent for a minute or so."""
    stall_seconds: float = STALL_SECONDS
    """A reader that takes nothing of a stream or an answer for so long is closed."""
    streams_max: int = 200
    connections_max: int = CONNECTIONS_MAX
    keepalive_seconds: float = KEEPALIVE_SECONDS
    refresh_seconds: float = 10.0
    """So long a refresh command is worth something, and so long its answer waits."""
    bus_look_seconds: float = 1.0
    """How often it is looked whether the bus answers; streams tell of it no later than that."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of the api. ValueError names the setting and the mend.

    ``exchanges`` are the names that metric labels may take; ``demo`` marks every answer as made up.
    """

    host: str = "127.0.0.1"
    port: int = 4001
    allowed_hosts: tuple[str, ...] = ()
    admin_token: SecretStr | None = None
    read_token: SecretStr | None = None
    demo: bool = False
    exchanges: tuple[str, ...] = ()
    default_portfolio: str = "main"

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"API_PORT is a number from 0 to 65535; it was {self.port}")
        if self.read_token is None and not is_loopback(self.host):
            raise ValueError(
                f"API_HOST {self.host!r} can be reached from other machines, so READ_TOKEN must be set: "
                "without it anybody there could read the portfolio. Make one with: spark-portfolio token"
            )
        self.admin()
        self.reader()
        self.hosts()

    def admin(self) -> BearerToken | None:
        """The token that writes need; without one they are off."""
        return None if self.admin_token is None else _token(self.admin_token, ADMIN_TOKEN_SETTING)

    def reader(self) -> BearerToken | None:
        """The token that reads need; without one they are free to this machine."""
        return None if self.read_token is None else _token(self.read_token, READ_TOKEN_SETTING)

    def hosts(self) -> AllowedHosts:
        """The names the api answers under."""
        return AllowedHosts(self.allowed_hosts, bound=self.host)


def _token(secret: SecretStr, setting: str) -> BearerToken:
    return BearerToken(secret.get_secret_value(), setting=setting)
