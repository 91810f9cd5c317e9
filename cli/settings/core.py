"""The settings that belong to no exchange, one frozen class: its fields make the template and the checks."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

TOKEN_LENGTH_MIN: Final = 32
"""Shorter tokens can be guessed; `spark-portfolio token` makes one of 43 characters."""

LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65535)]


class CoreSettings(BaseModel):
    """What a process needs to know beside its exchanges. Names in the environment are the fields in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    admin_token: SecretStr | None = Field(
        None,
        description="Lets a caller start a refresh; without it nothing can be written. Make one: spark-portfolio token",
    )
    read_token: SecretStr | None = Field(
        None, description="Asked of every reader when it is set; needed before API_HOST may be more than loopback."
    )
    api_host: str = Field("127.0.0.1", description="The address the API listens on.")
    api_port: Port = Field(4001, description="The port of page, API, stream and (embedded) metrics.")
    allowed_hosts: Names = Field(
        (), description="Host names, beside loopback, under which the API may be asked for; commas between them."
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="The address on which a role that runs as a process of its own shows health and metrics; beyond "
        "loopback it needs READ_TOKEN.",
    )
    metrics_port: Port | None = Field(
        None,
        description="The port of that, for one process. Empty: 4002 for the aggregator, for a collector the one that "
        "stands with its exchange.",
    )
    state_dir: Path = Field(
        Path("state"), description="Where the embedded way keeps the last known state over a restart (mode 0700)."
    )
    usd_pegs: Names = Field(
        ("USDT",), description="Assets counted as one US dollar where nothing quotes them in USD; every price shows it."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="How it is logged: json for programs, console for people; auto decides by the terminal."
    )

    @field_validator("admin_token", "read_token")
    @classmethod
    def _check_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < TOKEN_LENGTH_MIN:
            raise ValueError(
                f"a token has at least {TOKEN_LENGTH_MIN} characters, this one "
                f"{len(value.get_secret_value())}; make one with: spark-portfolio token"
            )
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host) is None:
                raise ValueError("a host is a plain name such as portfolio.home, without scheme, port or star")
        return value

    @field_validator("usd_pegs")
    @classmethod
    def _check_pegs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for asset in value:
            if re.fullmatch(r"[A-Z0-9]{2,16}", asset) is None:
                raise ValueError("a peg is an asset's code in capitals, such as USDT; commas between several")
        return value
