"""Why a source fails, as the api says it: words that it knows, null for all others, and when it is tried again."""

import datetime as dt
import json

import pytest
from jsonschema import Draft202012Validator

from api.bus_state import BusState
from api.models import ErrorDetail
from api.openapi import build_openapi
from api.render import Rendered, render_unread
from api.rows import bus_error_row
from schemas.events import SourceError, WalletStatus
from schemas.portfolio import Source
from schemas.reasons import ERROR_REASONS
from tests.unit.api.states import NOW, sample, status

DOCUMENT = build_openapi()
PORTFOLIO = Draft202012Validator({"$ref": "#/components/schemas/PortfolioBody", **DOCUMENT})
LATER = NOW + dt.timedelta(seconds=90)


def error(reason: str | None, retry_at: dt.datetime | None = LATER) -> SourceError:
    return SourceError(kind="unavailable", message="m", mend="m", at=NOW, reason=reason, retry_at=retry_at)


def shown(found: SourceError) -> list[dict[str, object]]:
    """The error wherever the api shows it: of an account and a wallet, in a state and before there is one."""
    wallets = (WalletStatus(wallet="spot", health="failed", poll_interval_seconds=10.0, error=found),)
    source = Source(exchange="binance", account="main", state="unavailable", error=found, wallets=wallets)
    state = sample().model_copy(update={"sources": (source,)})
    unread = status(reads="unavailable").model_copy(update={"error": found, "wallets": wallets})
    bodies = [
        json.loads(Rendered(state, demo=False).document(NOW)),
        json.loads(render_unread("main", [unread], (), loading=False, demo=False)),
    ]
    errors = []
    for body in bodies:
        PORTFOLIO.validate(body)
        (row,) = body["sources"]
        errors += [row["error"], row["wallets"][0]["error"]]
    return errors


@pytest.mark.parametrize("reason", ERROR_REASONS)
def test_every_word_that_collectors_send_is_shown(reason: str) -> None:
    assert [one["reason"] for one in shown(error(reason))] == [reason] * 4


@pytest.mark.parametrize("reason", ["a_newer_word", None])
def test_a_word_that_the_api_does_not_know_is_none(reason: str | None) -> None:
    for one in shown(error(reason)):
        assert one["reason"] is None
        assert one["message"] == "m", "the sentence says it in any case"


def test_when_it_is_tried_again_is_shown_where_it_is_known() -> None:
    assert [one["retryAt"] for one in shown(error("limit"))] == ["2026-11-22T10:01:30.000Z"] * 4
    assert [one["retryAt"] for one in shown(error("limit", None))] == [None] * 4


@pytest.mark.parametrize("state", ["degraded", "failed", "live"])
def test_an_error_of_the_bus_has_the_same_shape_and_no_word(state: str) -> None:
    row = bus_error_row(BusState(state, NOW, "why"))  # type: ignore[arg-type]
    ErrorDetail.model_validate_json(json.dumps(row))
    assert (row["reason"], row["retryAt"]) == (None, None)
