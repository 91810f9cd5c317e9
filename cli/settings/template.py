"""The `.env.template`, made from the settings themselves so that it cannot tell another story."""

import textwrap
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from cli.settings.core import CoreSettings
from cli.settings.kafka import KafkaGiven
from collectors.spec import ExchangeSpec

_WIDTH = 110


def render_template(specs: Sequence[ExchangeSpec]) -> str:
    """The whole text of the template: every setting once, with its sentence, its default commented out."""
    lines = _comment(
        "Spark Portfolio: settings. Copy this file to .env and fill in what you need; every line is optional. "
        "The environment goes before this file. Every secret can also come from a file that only you can read: "
        "write NAME_FILE=/path instead of NAME=value. Never commit .env."
    )
    for spec in specs:
        lines += ["", *_exchange(spec)]
    lines += ["", "# --- The product ---", "", *_fields(CoreSettings)]
    lines += ["", "# --- Apache Kafka ---", "", *_fields(KafkaGiven)]
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel]) -> list[str]:
    lines: list[str] = []
    for name, field in model.model_fields.items():
        lines += _comment(str(field.description))
        lines.append(f"#{name.upper()}={_default(field.default)}")
    return lines


def _exchange(spec: ExchangeSpec) -> list[str]:
    lines = [f"# --- {spec.title} ---", "", *_comment(spec.key_guide)]
    for credential in spec.credentials:
        lines += _comment(_sentence(credential.about))
        lines.append(f"{'#' if credential.optional else ''}{spec.prefix}_{credential.suffix}=")
    lines += _comment(
        f"More accounts: a label of your own between double underscores, such as {spec.prefix}__SAVINGS__"
        f"{spec.credentials[0].suffix}=…, and the portfolio it counts to ({spec.prefix}__SAVINGS__PORTFOLIO=main)."
    )
    lines.append(f"#{spec.prefix}_PORTFOLIO=main")
    if spec.flags:
        lines += _comment(
            "A key that can do more than read is refused. To use one all the same, name each such permission here, "
            f"with commas between them: {', '.join(spec.flags)}."
        )
        lines.append(f"#{spec.prefix}_ALLOW_FLAGS=")
    for poll in spec.polls:
        lines += _comment(f"Seconds between two reads of: {', '.join(poll.wallets)}.")
        lines.append(f"#{spec.prefix}_{poll.group}_POLL_SECONDS={poll.default_seconds:g}")
    for url in spec.urls:
        lines += _comment(_sentence(url.about))
        lines.append(f"#{spec.prefix}_{url.suffix}={url.default}")
    lines += _comment(
        f"Its collector as a process of its own shows health and metrics on port {spec.metrics_port}, unless "
        "METRICS_PORT says otherwise."
    )
    return lines


def _sentence(about: str) -> str:
    return f"{about[0].upper()}{about[1:].rstrip('.')}."


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _default(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
